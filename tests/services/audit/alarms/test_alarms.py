"""Taking note of an alarm silences nothing: it is over only when the log was compared anew without a difference."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.audit import app
from services.audit.alarms.rounds import note_round
from services.audit.archive import raise_alarms
from services.audit.domain import STORE_DIFFERS, Alarm
from shared.database.database import driver
from shared.hosting.service import Service
from shared.web import Authenticator
from shared.web.application import create_app
from tests.services.installation import DIVISION, Installation
from tests.shared.web import tokens

SIGNER = tokens.Ed25519Signer()
FOUND = {"service": "registry", "kind": STORE_DIFFERS, "log_index": 11}


@pytest.fixture(scope="module")
def installation(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    made = Installation(postgres, Path(tmp_path_factory.mktemp("alarms")))
    yield made
    made.close()


@pytest.fixture(scope="module")
def audit(installation: Installation) -> Service:
    for other in ("registry", "matching", "notifications"):
        installation.bare(other)
    return installation.start(app.build(installation.settings("audit"), {}))


def asked(audit: Service, kind: str, **place: str | None) -> TestClient:
    who = Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    made = create_app("audit", audit.routers, authenticator=who)
    token = tokens.token(SIGNER, tokens.claims(**{"kind": kind, "division": DIVISION, **place}))
    return TestClient(made, headers={"authorization": f"Bearer {token}"})


def acknowledge(client: TestClient, key: str | None = None, **changed: Any) -> Any:
    body = FOUND | {"note": "the disk of the store is being looked at"} | changed
    return client.post("/v1/alarms/acknowledge", json=body, headers={"idempotency-key": key or str(uuid.uuid4())})


def compared(audit: Service, what: Any, wrong: int | None, log: str = "registry") -> None:
    with audit.database.working() as connection:
        note_round(driver(connection), log, what, 40, wrong)


def test_an_alarm_stands_until_noted_and_compared_green_from_end_to_end(
    installation: Installation, audit: Service
) -> None:
    client = asked(audit, "auditor")
    assert client.get("/v1/alarms/standing").json() == {"open": 0, "acknowledged": 0, "first": None}
    compared(audit, "store", None)
    compared(audit, "topic", None)
    with audit.database.working() as connection:
        raise_alarms(driver(connection), [Alarm("registry", STORE_DIFFERS, 11, "the event was changed")])
    standing = client.get("/v1/alarms/standing").json()
    assert (standing["open"], standing["acknowledged"], standing["first"]["log_index"]) == (1, 0, 11)
    compared(audit, "store", 11)
    key = str(uuid.uuid4())
    assert acknowledge(client, key).json() == acknowledge(client, key).json()
    installation.pump()
    (alarm,) = client.get("/v1/alarms").json()["items"]
    assert alarm["state"] == "acknowledged" and [note["note"] for note in alarm["notes"]] == [
        "the disk of the store is being looked at"
    ]
    assert client.get("/v1/alarms/standing").json()["acknowledged"] == 1
    compared(audit, "store", None)
    assert client.get("/v1/alarms").json()["items"][0]["state"] == "acknowledged"  # the topic is yet to be read again
    compared(audit, "topic", None)
    assert client.get("/v1/alarms").json()["items"][0]["state"] == "over"
    assert client.get("/v1/alarms/standing").json()["first"] is None
    rows = {row["compared"]: row for row in client.get("/v1/comparisons").json()["items"]}
    assert [rows["store"][name] for name in ("rounds", "green", "first_wrong", "size")] == [3, 2, 11, 40]
    assert [rows["topic"][name] for name in ("rounds", "green", "first_wrong")] == [2, 2, None]


def test_an_alarm_of_a_log_whose_topic_was_never_read_again_stands(installation: Installation, audit: Service) -> None:
    with audit.database.working() as connection:
        raise_alarms(driver(connection), [Alarm("matching", STORE_DIFFERS, 3, "the event was changed")])
    client = asked(audit, "auditor")
    assert acknowledge(client, service="matching", log_index=3).is_success
    installation.pump()
    compared(audit, "store", None, "matching")
    assert client.get("/v1/alarms/standing").json()["acknowledged"] == 1
    compared(audit, "topic", 2, "matching")
    assert client.get("/v1/alarms/standing").json()["acknowledged"] == 1


def test_only_who_sees_the_whole_may_take_note_and_only_of_what_was_found(audit: Service) -> None:
    client = asked(audit, "auditor")
    assert acknowledge(client, log_index=12).json()["code"] == "no_such_alarm"
    assert acknowledge(client, note="see 460106201203040015").status_code == 422
    assert acknowledge(client, note="?").status_code == 422
    school = asked(audit, "principal", division=None, school="S1")
    assert acknowledge(school).status_code == 403 and school.get("/v1/alarms").status_code == 403
