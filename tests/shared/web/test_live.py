"""Live lists over a real server and a real PostgreSQL: notified, read again as the viewer, resumed, bounded."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from fastapi import APIRouter, Depends, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from shared.web import Authenticator, EventStream, SseHub, Viewer, create_app, viewer
from shared.web.live import Notice
from tests.conftest import PostgresFixture
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token
from tests.support.serving import Server, serving

SIGNER = Ed25519Signer()
Who = Annotated[Viewer, Depends(viewer)]


class Rows:
    """The list behind the stream: id → school; a viewer sees their own school's, the division everything."""

    def __init__(self) -> None:
        self.school_of: dict[UUID, str] = {}
        self.reads = 0

    def seen_by(self, who: Viewer, ids: Sequence[UUID]) -> dict[UUID, dict[str, str]]:
        self.reads += 1
        found = {i: self.school_of[i] for i in ids if i in self.school_of}
        return {i: {"school": s} for i, s in found.items() if who.scope.division or s == who.scope.school}


class Live:
    """A running service with one live list."""

    def __init__(self, server: Server, hub: SseHub, rows: Rows, dsn: str) -> None:
        self.server, self.hub, self.rows, self.dsn = server, hub, rows, dsn

    def tell(self, *ids: UUID, more: bool = False, table: str = "roster") -> None:
        self.tell_together([ids], more=more, table=table)

    def tell_together(self, batches: Sequence[Sequence[UUID]], *, more: bool = False, table: str = "roster") -> None:
        """One transaction that notifies several times, as a projection's does."""
        with psycopg.connect(self.dsn) as connection:
            for ids in batches:
                notice = {"projection": "p", "table": table, "entities": [str(i) for i in ids], "more": more}
                connection.execute("SELECT pg_notify('changed', %s)", (json.dumps(notice),))

    @contextmanager
    def listening(self, last: str | None = None, path: str = "/v1/stream", **told: Any) -> Iterator[Iterator[Event]]:
        headers = {"authorization": f"Bearer {token(SIGNER, claims(**told))}"}
        if last:
            headers["last-event-id"] = last
        timeout = httpx.Timeout(5, read=10)
        with (
            httpx.Client(base_url=self.server.url, headers=headers, timeout=timeout, trust_env=False) as client,
            client.stream("GET", path) as answer,
        ):
            assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
            yield events(answer.iter_lines())


Event = tuple[str, Any, str | None]


def events(lines: Iterator[str]) -> Iterator[Event]:
    """(name, data, id) per block, also of comments (name ""), read as the standard says."""
    name, data, last = "", "", None
    for line in lines:
        if line == "":
            yield name, json.loads(data) if data else None, last
            name, data = "", ""
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data += line[6:]
        elif line.startswith("id: "):
            last = line[4:]


def next_named(stream: Iterator[Event]) -> Event:
    return next(event for event in stream if event[0])


@pytest.fixture
def live(postgres: PostgresFixture) -> Iterator[Live]:
    dsn = postgres.dsn(postgres.create_database("live"))
    hub, rows = SseHub(dsn, memory_changes=50), Rows()
    router = APIRouter(prefix="/v1")

    def of(request: Request, who: Viewer, **bounds: Any) -> Response:
        known = None if who.scope.division else [i for i, s in rows.school_of.items() if s == who.scope.school]
        return EventStream(request, hub, who, ["roster"], lambda ids: rows.seen_by(who, ids), known=known, **bounds)

    @router.get("/stream")
    async def stream(request: Request, who: Who) -> Response:
        return of(request, who, waiting_ids=300)

    @router.get("/brief")
    async def brief(request: Request, who: Who) -> Response:
        return of(request, who, heartbeat_seconds=0.1, life_seconds=0.5)

    @router.get("/slow")
    async def slow(request: Request, who: Who) -> Response:
        return of(request, who, slow_client_seconds=0.3)

    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    app = create_app("matching", [router], authenticator=who, parts=[hub.part], checks={"changes": hub.check})
    with serving(app) as server:
        end = time.monotonic() + 10
        while hub.check() is not None and time.monotonic() < end:
            time.sleep(0.02)
        yield Live(server, hub, rows, dsn)
        assert hub._loop is not None
        hub._loop.call_soon_threadsafe(hub.close)


def test_a_change_arrives_within_a_second_as_the_viewers_row(live: Live) -> None:
    child = uuid4()
    with live.listening() as stream:
        next(stream)
        live.rows.school_of[child] = "A"
        began = time.monotonic()
        live.tell(child)
        assert next_named(stream)[:2] == ("row", {"id": str(child), "row": {"school": "A"}})
        assert time.monotonic() - began < 1


def test_a_row_that_leaves_the_scope_arrives_as_a_removal_and_a_foreign_one_not_at_all(live: Live) -> None:
    child, foreign, marker = uuid4(), uuid4(), uuid4()
    live.rows.school_of = {child: "A", foreign: "B", marker: "A"}
    with live.listening(kind="registrar", school="A") as stream:
        next(stream)
        live.rows.school_of[child] = "B"
        live.tell(foreign)
        live.tell(child)
        assert next_named(stream)[:2] == ("removed", {"id": str(child)})
        live.tell(child)
        live.tell(foreign)
        live.tell(marker)
        assert next_named(stream)[:2] == ("row", {"id": str(marker), "row": {"school": "A"}})


def test_other_tables_do_not_disturb(live: Live) -> None:
    child = uuid4()
    live.rows.school_of[child] = "A"
    with live.listening() as stream:
        next(stream)
        live.tell(uuid4(), table="reviews")
        live.tell(child)
        assert next_named(stream)[1]["id"] == str(child)
    assert live.rows.reads == 1


def test_a_client_that_comes_back_gets_what_it_missed_once(live: Live) -> None:
    first, second = uuid4(), uuid4()
    live.rows.school_of = {first: "A", second: "A"}
    with live.listening() as stream:
        next(stream)
        live.tell(first)
        last = next_named(stream)[2]
    live.tell(second)
    live.tell(second)
    time.sleep(0.3)
    with live.listening(last) as stream:
        assert next_named(stream)[1]["id"] == str(second)
        live.tell(first)
        name, data, again = next_named(stream)
        assert (name, data["id"]) == ("row", str(first)) and again != last


def test_what_left_the_scope_meanwhile_is_gone_on_return_and_nobody_elses_id_is_told(live: Live) -> None:
    child = uuid4()
    live.rows.school_of[child] = "A"
    with live.listening(kind="registrar", school="A") as stream:
        last = next(stream)[2]
    live.rows.school_of[child] = "B"
    live.tell(child)
    time.sleep(0.3)
    with live.listening(last, kind="registrar", school="A") as stream:
        assert next_named(stream)[:2] == ("reload", {})
        live.tell(child)  # once is enough
        back = uuid4()
        live.rows.school_of[back] = "A"
        live.tell(back)
        assert next_named(stream)[1]["id"] == str(back)
    with live.listening(last) as stream:
        live.rows.school_of.pop(child)
        assert next_named(stream)[:2] == ("removed", {"id": str(child)})


@pytest.mark.parametrize("last", ["0123456789ab-1", "nonsense", "-", "x" * 500])
def test_an_unknown_position_means_reading_the_list_again(live: Live, last: str) -> None:
    with live.listening(last) as stream:
        assert next_named(stream)[0] == "reload"


def test_a_position_older_than_the_memory_means_reading_the_list_again(live: Live) -> None:
    with live.listening() as stream:
        last = next(stream)[2]
    for _ in range(60):
        live.tell(uuid4())
    time.sleep(0.3)
    with live.listening(last) as stream:
        assert next_named(stream)[0] == "reload"


def test_too_much_at_once_means_reading_the_list_again_and_not_a_thousand_rows(live: Live) -> None:
    with live.listening() as stream:
        next(stream)
        live.tell_together([[uuid4() for _ in range(80)] for _ in range(5)])
        assert next_named(stream)[0] == "reload"
        live.tell(uuid4(), more=True)
        assert next_named(stream)[0] == "reload"


def test_a_lost_listener_comes_back_and_says_that_it_may_have_missed_something(live: Live) -> None:
    with live.listening() as stream:
        next(stream)
        with psycopg.connect(live.dsn, autocommit=True) as connection:
            found = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name = 'rollcall changed'"
            ).fetchall()
        assert len(found) == 1
        assert next_named(stream)[0] == "reload"
    assert live.hub.check() is None


def test_a_stream_beats_and_ends_by_itself(live: Live) -> None:
    began = time.monotonic()
    with live.listening(path="/v1/brief") as stream:
        told = list(stream)
    assert told[-1][0] == "bye" and sum(name == "" for name, _, _ in told) >= 3
    assert time.monotonic() - began < 3


def test_a_stream_ends_with_its_token(live: Live) -> None:
    with live.listening(exp=int(time.time()) + 1) as stream:
        assert list(stream)[-1][0] == "bye"


def test_a_client_that_does_not_read_is_dropped(live: Live) -> None:
    ids = [uuid4() for _ in range(100)]
    live.rows.school_of = dict.fromkeys(ids, "S" * 50_000)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", live.server.port))
        bearer = token(SIGNER)
        client.sendall(f"GET /v1/slow HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {bearer}\r\n\r\n".encode())
        end = time.monotonic() + 10
        while not live.hub._subscriptions and time.monotonic() < end:
            time.sleep(0.02)
        assert len(live.hub._subscriptions) == 1
        while live.hub._subscriptions and time.monotonic() < end:
            live.tell(*ids)
            time.sleep(0.1)
        assert not live.hub._subscriptions


def test_clients_that_leave_are_forgotten(live: Live) -> None:
    with live.listening() as stream:
        next(stream)
        assert len(live.hub._subscriptions) == 1
    end = time.monotonic() + 5
    while live.hub._subscriptions and time.monotonic() < end:
        time.sleep(0.02)
    assert not live.hub._subscriptions


steps = st.lists(
    st.one_of(st.tuples(st.just("tell"), st.integers(0, 5)), st.tuples(st.just("take"), st.integers(1, 3))), max_size=60
)


@given(steps, st.integers(1, 8), st.integers(0, 30))
def test_whatever_the_order_nothing_told_is_lost(done: list[tuple[str, int]], memory: int, since: int) -> None:
    """Oracle: after joining at any earlier position, the ids taken and the reloads cover everything told since."""
    ids = [UUID(int=number) for number in range(6)]

    async def story() -> None:
        hub = SseHub("", memory_changes=memory)
        owed: set[UUID] = set()
        joined = None
        for index, (what, number) in enumerate(done):
            if index == since:
                joined = hub.subscribe(["t"], hub.event_id(max(0, hub._number - number)), 4)
                if not joined.reload:
                    assert owed_since(hub, number) <= set(joined.pending)
            if what == "tell":
                hub.publish(Notice("p", "t", (ids[number],)))
                if joined:
                    owed.add(ids[number])
            elif joined:
                taken, reload = joined.take(number)
                owed = set() if reload else owed - set(taken)
                assert owed <= set(joined.pending) or joined.reload

    def owed_since(hub: SseHub, count: int) -> set[UUID]:
        return {i for change in list(hub._memory)[-count:] if count for i in change.entities or ()}

    asyncio.run(story())
