"""A list line by line: chunks as they come, continued where it broke off, and nothing removed before its end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.events import ListEntryAdded, ListSubmissionOpened, ListSubmissionReceived
from services.registry.lists import line_stream, stream_api
from services.registry.lists.withdrawals import Withdrawals
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.services.installation import DIVISION
from tests.services.registry.office import Office, RunningRegistry
from tests.services.registry.test_api import CLERK, SIGNER, Client, client, http
from tests.shared.web.tokens import AUDIENCE, ISSUER, claims, token
from tests.support.serving import Server, serving

__all__ = ["client", "http"]


def lines(office: Office, numbers: Iterable[int], **changed: Any) -> list[bytes]:
    rows = [
        {"姓名": f"李{each:03d}", "身份证号": office.number(each), "户编号": f"H{each}", "户类型": "脱贫户"} | changed
        for each in numbers
    ]
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]


def send(client: Client, office: Office, sent: Iterable[bytes], key: UUID | None = None, **query: Any) -> Any:
    body = b"\n".join(sent) + b"\n"
    params = {"agency": office.agency, "effective_on": "2026-09-01", **query}
    return client.post("/v1/lists/poverty/stream", key, content=body, params=params)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_api, "CHUNK_LINES", 4)


def test_lines_are_recorded_and_the_receipt_names_each_line_to_mend(client: Client, office: Office) -> None:
    sent = lines(office, range(1, 8))
    sent[2:2] = [b"", b"{broken", b'{"unknown": 1}', *lines(office, [9], 身份证号="123")]
    answer = send(client, office, sent)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["lines"], told["rows"], told["unreadable"], told["added"], told["rejected"]) == (10, 8, 2, 8, 1)
    assert told["rows"] == told["added"] + told["corrected"] + told["unchanged"]
    assert [(each["line"], each["codes"]) for each in told["rejects"]] == [
        (3, ["row:not_json"]),
        (4, ["row:no_field"]),
        (5, ["id_number:length"]),
    ]
    assert all(each["zh"] and each["en"] for each in told["rejects"])
    office.pump()
    back = client.get(f"/v1/submissions/{told['submission_id']}/rejects.xlsx")
    assert back.status_code == 200 and back.content[:2] == b"PK"
    assert client.get(f"/v1/submissions/{told['submission_id']}").json()["state"] == "received"


def test_a_snapshot_ends_what_it_leaves_out_only_when_it_is_whole(client: Client, office: Office) -> None:
    send(client, office, lines(office, range(1, 11)), mode="snapshot")
    told = send(client, office, lines(office, range(2, 11)), mode="snapshot", effective_on="2026-10-01").json()
    assert (told["removed"], told["unchanged"], told["held"]) == (1, 9, False)
    assert set(office.standing()) == {f"李{each:03d}" for each in range(2, 11)}
    held = send(client, office, lines(office, [2]), mode="snapshot", effective_on="2026-10-01").json()
    assert held["held"] and held["missing"] == 8


def test_the_same_stream_again_gives_the_same_receipt_and_another_is_refused(client: Client, office: Office) -> None:
    key, sent = uuid4(), lines(office, range(1, 11))
    first = send(client, office, sent, key)
    events = office.count()
    assert send(client, office, sent, key).json() == first.json()
    assert office.count() == events
    assert send(client, office, sent, key, mode="snapshot").json()["code"] == "command_reused"


class Cut(Exception):
    """Stands for a process that ended in the middle."""


def test_a_stream_that_broke_off_goes_on_under_the_same_key(
    client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, sent = uuid4(), lines(office, range(1, 15))
    whole = line_stream.LineStream.take
    left = iter(range(2))

    def cut(stream: line_stream.LineStream, some: list[bytes]) -> None:
        if next(left, None) is None:
            raise Cut
        whole(stream, some)

    with monkeypatch.context() as patched:
        patched.setattr(line_stream.LineStream, "take", cut)
        assert send(client, office, sent, key).status_code == 500
    assert len(office.standing()) == 8
    changed = [*lines(office, [20]), *sent[1:]]
    assert send(client, office, changed, key).json()["code"] == "command_reused"
    told = send(client, office, sent, key).json()
    assert (told["rows"], told["added"], told["unchanged"]) == (14, 14, 0)
    added = [each.stream for each in office.log() if isinstance(each.fact, ListEntryAdded)]
    assert len(added) == len(set(added)) == 14


@pytest.fixture
def server(running: RunningRegistry) -> Iterator[Server]:
    service = running.service
    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    app = create_app(service.name, service.routers, authenticator=who, database=service.database)
    with serving(app) as started:
        yield started


def half_sent(server: Server, office: Office, sent: list[bytes], key: UUID, mode: str = "snapshot") -> None:
    """The head of a stream on a real connection, cut before its end."""
    bearer = token(SIGNER, claims(**{"division": None, **CLERK}))
    head = (
        f"POST /v1/lists/poverty/stream?agency={office.agency}&effective_on=2026-09-01&mode={mode} HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: Bearer {bearer}\r\nIdempotency-Key: {key}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = b"\n".join(sent) + b"\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + f"{len(body):x}\r\n".encode() + body + b"\r\n")
        end = time.monotonic() + 20
        while len(office.standing()) < 10 + len(sent) // 4 * 4 and time.monotonic() < end:
            time.sleep(0.1)


def test_a_half_sent_snapshot_removes_nothing_and_can_be_withdrawn_or_continued(
    client: Client, office: Office, server: Server
) -> None:
    send(client, office, lines(office, range(1, 11)), mode="snapshot")
    key, first = uuid4(), 100
    half_sent(server, office, lines(office, range(first, first + 9)), key)
    opened = [each for each in office.log() if isinstance(each.fact, ListSubmissionOpened)][-1]
    assert len(office.standing()) == 10 + 8
    office.pump()
    assert client.get(f"/v1/submissions/{opened.stream}").json()["state"] == "open"
    assert client.post(f"/v1/submissions/{opened.stream}/confirm").status_code == 404
    withdrawing = Withdrawals(office.registry)
    command = Command("clerk", uuid4(), b"")
    scope = Scope(division=DIVISION)
    fact = withdrawing.withdraw(opened.stream, scope, "clerk", "incomplete", today(), command)
    assert (fact.rows, fact.left) == (8, 8)
    assert set(office.standing()) == {f"李{each:03d}" for each in range(1, 11)}
    refused = send(client, office, lines(office, range(first, first + 9)), key, mode="snapshot")
    assert refused.json()["code"] == "submission_withdrawn"
    key = uuid4()
    half_sent(server, office, lines(office, range(300, 305)), key, "increment")
    told = send(client, office, lines(office, range(300, 305)), key, mode="increment").json()
    assert (told["rows"], told["added"], told["removed"]) == (5, 5, 0)
    received = [each for each in office.log() if isinstance(each.fact, ListSubmissionReceived)]
    assert len(received) == 2 and received[-1].version == 2


def test_a_line_that_is_too_long_ends_the_stream_and_leaves_what_was_taken(client: Client, office: Office) -> None:
    sent = [*lines(office, range(1, 7)), b"x" * 70_000]
    answer = send(client, office, sent)
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]["line"]) == (422, "line_too_long", 7)
    assert len(office.standing()) == 4


def test_only_a_sender_of_that_list_may_send(client: Client, office: Office) -> None:
    client.act_as({"sub": "agency", "kind": "agency_publisher", "agency": "civil_affairs"})
    assert send(client, office, lines(office, [1])).status_code == 403
    assert office.log() == []
