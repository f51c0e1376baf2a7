"""Live lists: every planted record changes at once, and each stream tells of those in its viewer's scope, no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import psycopg
import pytest

from tests.services.access_matrix.asking import Found, bearer
from tests.services.access_matrix.opened import hidden, particulars
from tests.services.access_matrix.oracle import Person, people, who_may
from tests.services.access_matrix.planted import Planted
from tests.services.access_matrix.records import Child, children, linked
from tests.support.serving import Server, serving

QUIET_SECONDS = 0.6  # nothing came for so long after the others had theirs


class Live(NamedTuple):
    """``table`` of ``projection`` is told of; ``ids`` of the children in scope are answered with a row each."""

    service: str
    path: str
    projection: str
    table: str
    field: str
    planted: tuple[Child, ...]


LISTS = (
    Live("matching", "/roster/stream", "roster", "roster", "student", tuple(linked())),
    Live("notifications", "/alerts/stream", "alerts", "alerts", "alert", tuple(children())),
    Live("notifications", "/messages/stream", "inbox", "messages", "alert", ()),
)


def test_every_stream_is_among_those_listened_to() -> None:
    known = {(each.service, "GET", each.path) for each in LISTS}
    assert {route for route in who_may() if route[2].endswith("/stream") and route[1] == "GET"} == known


@pytest.fixture(scope="module")
def servers(county: Planted) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        names = sorted({each.service for each in LISTS})
        yield {name: stack.enter_context(serving(county.application(name))) for name in names}


class Heard:
    """What one person's stream said."""

    def __init__(self, person: Person, live: Live, last: str = "") -> None:
        self.person, self.live, self.last = person, live, last
        self.began = ""  # the position when it opened
        self.status, self.problem = 0, ""
        self.rows: set[UUID] = set()
        self.removed: set[UUID] = set()
        self.text = ""
        self.open = asyncio.Event()

    @property
    def wanted(self) -> set[UUID]:
        return {getattr(child, self.live.field) for child in self.live.planted if self.person.sees(child)}

    def _headers(self) -> dict[str, str]:
        return bearer(self.person) | ({"last-event-id": self.last} if self.last else {})

    async def listen(self, client: httpx.AsyncClient, url: str) -> None:
        async with client.stream("GET", f"{url}/v1{self.live.path}", headers=self._headers()) as answer:
            self.status = answer.status_code
            if answer.status_code != 200:
                self.problem = (await answer.aread()).decode()
                self.open.set()
                return
            name = ""
            async for line in answer.aiter_lines():
                self.text += line + "\n"
                if line.startswith("id: ") and not self.began:
                    self.began = line[4:]
                if line.startswith(": open"):
                    self.open.set()
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: ") and name in ("row", "removed"):
                    (self.rows if name == "row" else self.removed).add(UUID(json.loads(line[6:])["id"]))


def tell(county: Planted, live: Live) -> None:
    """What a projection's transaction says when every planted record has changed."""
    ids = [str(getattr(child, live.field)) for child in children()]
    notice = {"projection": live.projection, "table": live.table, "entities": ids, "more": False}
    with psycopg.connect(county.services[live.service].database.worker_conninfo, autocommit=True) as connection:
        connection.execute("SELECT pg_notify('changed', %s)", (json.dumps(notice),))


async def heard(
    county: Planted, servers: dict[str, Server], live: Live, found: list[Heard], *, changing: bool
) -> list[Heard]:
    """Everybody listens at once; then everything changes, or has changed before."""
    async with httpx.AsyncClient(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=None)) as client:
        tasks = [asyncio.create_task(each.listen(client, servers[live.service].url)) for each in found]
        await asyncio.wait_for(asyncio.gather(*(each.open.wait() for each in found)), 30)
        if changing:
            await asyncio.to_thread(tell, county, live)
        for _ in range(300):
            if all(each.status != 200 or each.rows >= each.wanted for each in found):
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(QUIET_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return found


def judged(found: Found, told: Heard) -> None:
    may = told.person.kind in who_may()[told.live.service, "GET", told.live.path]
    where: tuple[Any, ...] = (told.person, told.live.path, told.status, told.problem[:200])
    nowhere = told.status == 422 and '"no_place"' in told.problem  # messages go to a school or a division
    found.expect(told.status == (200 if may else 403) or (may and nowhere), *where)
    if told.status != 200:
        found.expect(not told.text, *where, cases=len(children()))
        return
    out_of_scope = hidden(told.person)
    found.expect(not told.rows & out_of_scope, "row", *where, cases=len(children()))
    # Who sees all of the division is told of every removal; others only of what they could see, also when they come
    # back and are told what they missed.
    found.expect(told.person.whole or not told.removed & out_of_scope, "removed", *where, cases=len(children()))
    found.expect(not any(each in told.text for each in particulars(told.person)), "named", *where)
    found.expect(told.wanted == told.rows & told.wanted, "missing", *where, cases=len(told.wanted))


def listened(county: Planted, servers: dict[str, Server], listeners: list[Person]) -> Found:
    found = Found()
    for live in LISTS:
        first = [Heard(person, live) for person in listeners]
        for told in asyncio.run(heard(county, servers, live, first, changing=True)):
            judged(found, told)
        again = [Heard(each.person, live, each.began) for each in first if each.began]
        for told in asyncio.run(heard(county, servers, live, again, changing=False)):
            judged(found, told)
    return found


def test_a_live_list_tells_of_its_viewers_records_and_no_other(county: Planted, servers: dict[str, Server]) -> None:
    listeners = [
        *(Person("auditor", division="469001"), Person("aid_clerk", division="46"), Person("cashier", division="46")),
        *(Person("registrar", school="S1"), Person("principal", school="S9"), Person("aid_clerk")),
        Person("class_teacher", school="S1", classroom=("primary", "五年级", "1班")),
        *(Person("township_cadre", division="469001100"), Person("agency_publisher", agency="civil_affairs")),
    ]
    listened(county, servers, listeners).check(400)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_every_live_list_of_everybody_does(county: Planted, servers: dict[str, Server]) -> None:
    found = listened(county, servers, list(people()))
    print(f"streams: {found.cases:,} cases")
    found.check(10_000)
