"""The county that the tests of replays ask about; none of them changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.audit.errors import NotYetSigned
from services.audit.proofs.witnessing import note_checkpoint
from services.audit.replays.bundling import Bundles
from services.audit.replays.replaying import Question
from shared.database.database import Database, driver
from shared.transparency.checkpoints import Checkpoint, issue, log_signers, origin_of
from shared.transparency.tree import Tree
from tests.services.audit.replays.county import ALL_LOGS, County
from tests.services.audit.replays.test_replaying import TODAY
from tests.services.installation import DIVISION

SEEDS = {name: name.encode().ljust(32, b"-") for name in (*ALL_LOGS, "audit")}
KEYS = [
    signer.verifier for name, seed in SEEDS.items() for signer in log_signers(f"//rollcall/{DIVISION}/{name}", [seed])
]


def sign(database: Database, leaves: dict[str, list[bytes]]) -> None:
    """Tell the witness what each service signed: one checkpoint over its whole log."""
    for service, hashes in leaves.items():
        tree = Tree()
        for leaf in hashes:
            tree.add(leaf)
        source = f"//rollcall/{DIVISION}/{service}"
        note = issue(Checkpoint(origin_of(source), tree.size, tree.root()), log_signers(source, [SEEDS[service]]))
        with database.working() as connection:
            note_checkpoint(driver(connection), source, note)


@pytest.fixture(scope="package")
def county(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    made = County(postgres, tmp_path_factory.mktemp("county"))
    yield made
    made.installation.close()


@pytest.fixture(scope="package")
def bundles(county: County) -> Bundles:
    """What can be bundled once the services have signed their logs, and not before."""
    entries = {name: county.installation.entries(name) for name in ALL_LOGS}
    unsigned = Bundles(county.replays, DIVISION, [SEEDS["audit"]])
    with pytest.raises(NotYetSigned):
        unsigned.make(Question("payments", TODAY, county.moments[2].at))
    sign(county.audit.database, {name: [e.logged.leaf for e in found] for name, found in entries.items() if found})
    return unsigned
