"""The county that the tests of replays ask about; none of them changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.audit.errors import NotYetSigned
from services.audit.replays.bundling import Bundles
from services.audit.replays.replaying import Question
from shared.transparency.checkpoints import log_signers
from tests.services.archiving import sign
from tests.services.audit.replays.county import ALL_LOGS, County
from tests.services.audit.replays.test_replaying import TODAY
from tests.services.installation import DIVISION

SEEDS = {name: name.encode().ljust(32, b"-") for name in (*ALL_LOGS, "audit")}
KEYS = [
    signer.verifier for name, seed in SEEDS.items() for signer in log_signers(f"//rollcall/{DIVISION}/{name}", [seed])
]


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
    sign(
        county.audit.database, {name: [e.logged.leaf for e in found] for name, found in entries.items() if found}, SEEDS
    )
    return unsigned
