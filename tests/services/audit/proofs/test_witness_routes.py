"""What the witness shows, and the keys it goes by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.audit import app
from services.audit.archive import take
from services.audit.proofs.api import witness_routes
from services.audit.proofs.keys import Judges
from services.audit.proofs.witnessing import note_checkpoint
from shared.database.database import driver
from shared.hosting.service import Service
from shared.transparency.checkpoints import Checkpoint, issue, log_signers, opened, origin_of
from shared.transparency.notes import KeyUnreadable
from shared.transparency.tree import folded
from shared.web.application import create_app
from shared.web.viewers import viewer_from
from tests.services.audit.proofs.witnessed import WITNESS
from tests.services.audit.test_archive import chain
from tests.services.audit.test_domain import SOURCE, a_log
from tests.services.installation import Installation
from tests.shared.transparency.a_log import NEW, OLD
from tests.shared.web.tokens import claims

LOG = a_log(9)
(SIGNER,) = log_signers(SOURCE, [b"1" * 32])


@pytest.fixture(scope="module")
def audit(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    installation = Installation(postgres, Path(tmp_path_factory.mktemp("witness")))
    yield installation.start(app.build(installation.settings("audit"), {}))
    installation.close()


def asked(audit: Service) -> TestClient:
    made = create_app("audit", [witness_routes(audit.database, ("registry", "matching"))], authenticator=None)
    someone = viewer_from(claims(kind="registrar", school="S1"), "en")

    @made.middleware("http")
    async def known(request: Any, go_on: Any) -> Any:
        request.state.viewer = someone
        return await go_on(request)

    return TestClient(made)


def signed(size: int) -> str:
    return issue(Checkpoint(origin_of(SOURCE), size, folded([each.leaf for each in LOG[:size]])), [SIGNER])


def test_cosigned_checkpoints_and_progress_are_shown_to_whoever_is_signed_in(audit: Service, tmp_path: Path) -> None:
    shown = asked(audit)
    answer = shown.get("/v1/witness/registry/checkpoint")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cosigned_yet")
    keys = tmp_path / "keys.txt"
    keys.write_text(f"{SIGNER.verifier.vkey()}\n", "utf-8")
    judges = Judges(keys, [SOURCE], WITNESS)
    with audit.database.working() as connection:
        raw = driver(connection)
        take(raw, SOURCE, 0, chain(LOG))
        for size in (4, 9):
            note_checkpoint(raw, SOURCE, signed(size))
            assert judges()["registry"].judge(raw) == []
    verifiers = [SIGNER.verifier, WITNESS.verifier]
    sizes = [
        opened(shown.get("/v1/witness/registry/checkpoint", params=asked_for).text, verifiers).checkpoint.size
        for asked_for in ({}, {"index": 4}, {"index": 5})
    ]
    assert sizes == [9, 4, 9]
    assert shown.get("/v1/witness/registry/checkpoint", params={"index": 10}).status_code == 409
    assert shown.get("/v1/witness/nobody/checkpoint").status_code == 404
    first, second = shown.get("/v1/witness").json()["items"]
    assert (first["service"], first["size"], first["rounds"]) == ("registry", 9, 0)
    assert (second["service"], second["size"]) == ("matching", None)


def test_the_keys_are_read_again_when_their_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    judges = Judges(file, [SOURCE], WITNESS)
    with pytest.raises(OSError, match="keys"):
        judges()
    file.write_text(OLD.verifier.vkey(), "utf-8")
    before = judges()["registry"]
    assert judges()["registry"] is before
    file.write_text(f"{OLD.verifier.vkey()}\n{NEW.verifier.vkey()}\n", "utf-8")
    assert judges()["registry"] is not before
    file.write_text("half a key+", "utf-8")
    with pytest.raises(KeyUnreadable):
        judges()
