"""Single rows over HTTP: however a row comes, and whatever comes beside it, its answer is the same."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response
from sqlalchemy import text

from services.registry.commands import RecordListEntries
from services.registry.events import ListEntryAdded
from services.registry.lists.row_groups import RowWork, rows_recorded, together
from services.registry.lists.single_rows import single_row
from services.registry.sheets.schools import SchoolDirectory
from shared.eventsourcing.store import Command, NotTogether
from shared.kernel.clock import today
from tests.services.installation import DIVISION
from tests.services.registry.office import Office
from tests.services.registry.test_api import CLERK, Client, client, http

__all__ = ["client", "http"]  # fixtures
PATH = "/v1/lists/poverty/entries"
PLAIN, FRAMEWORK = "application/json", "application/json; charset=utf-8"


def sent(client: Client, body: bytes, kind: str, key: UUID | None = None, path: str = PATH) -> Response:
    headers = {"Idempotency-Key": str(key or uuid4()), "content-type": kind}
    answer: Response = client.http.post(path, content=body, headers=headers)
    return answer


def row(office: Office, number: int, **more: Any) -> bytes:
    said = {"姓名": "王小明", "身份证号": office.number(number), "户类型": "脱贫户", **more}
    return json.dumps(said, ensure_ascii=False).encode()


def test_both_ways_of_a_row_are_one_command(office: Office, client: Client) -> None:
    key, body = uuid4(), row(office, 1)
    first = sent(client, body, PLAIN, key)
    assert first.status_code == 201 and len(first.json()["event_ids"]) == 1
    again = sent(client, body, FRAMEWORK, key)
    assert (again.status_code, again.json(), again.headers["content-type"]) == (201, first.json(), PLAIN)
    other = sent(client, row(office, 2), PLAIN, key)
    assert (other.status_code, other.json()["code"]) == (422, "command_reused")
    said_before = sent(client, body, PLAIN)
    assert (said_before.json()["entry_id"], said_before.json()["event_ids"]) == (first.json()["entry_id"], [])


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[]", PATH),
        (b"{", PATH),
        (b'{"a": {"b": 1}}', PATH),
        (b'{"\xff": "1"}', PATH),
        (b'{"name": "\\ud800"}', PATH),
        (b"{}", PATH),
        (b'{"colour": "red"}', PATH),
        ('{"姓名": "王小明", "身份证号": "110105194912310021"}'.encode(), PATH),
        (b'{"name": "x"}', "/v1/lists/unheard_of/entries"),
        (b'{"name": "x"}', f"{PATH}?as_of=yesterday"),
    ],
)
def test_what_is_wrong_is_said_alike(office: Office, client: Client, body: bytes, path: str) -> None:
    answers = [sent(client, body, kind, path=path) for kind in (PLAIN, FRAMEWORK)]
    assert answers[0].status_code >= 400
    assert (answers[0].status_code, answers[0].json()) == (answers[1].status_code, answers[1].json())


def test_who_may_not_send_is_refused_alike(office: Office, client: Client) -> None:
    for who, status in (
        ({"sub": "school", "kind": "registrar", "school": "x"}, 403),
        ({"sub": "office", "kind": "agency_publisher", "agency": "civil_affairs"}, 403),
        ({"sub": "late", "kind": "aid_clerk", "exp": 1}, 401),
    ):
        client.act_as(who)
        answers = [sent(client, row(office, 3), kind) for kind in (PLAIN, FRAMEWORK)]
        assert [each.status_code for each in answers] == [status, status]
        assert answers[0].json() == answers[1].json()
    client.act_as(CLERK)
    headers = {"content-type": PLAIN}
    assert client.http.post(PATH, content=row(office, 3), headers=headers).json()["code"] == "malformed"


def test_rows_of_one_moment_are_each_answered_for_themselves(office: Office, client: Client) -> None:
    """Among them are repetitions, rows about one entry, and rows that cannot be."""
    twice, key = row(office, 20), uuid4()
    works: list[tuple[bytes, UUID]] = [(row(office, number), uuid4()) for number in range(30, 60)]
    works += [(twice, key), (twice, key), (row(office, 21), uuid4()), (row(office, 21, 户类型="监测户"), uuid4())]
    works += [('{"姓名": "王小明", "身份证号": "110105194912310021"}'.encode(), uuid4())]
    with ThreadPoolExecutor(len(works)) as pool:
        answers = list(pool.map(lambda work: sent(client, work[0], PLAIN, work[1]), works))
    assert [each.status_code for each in answers[:-1]] == [201] * (len(works) - 1)
    assert answers[-1].status_code == 422
    assert answers[30].json() == answers[31].json(), "one command, done once"
    last_two = [each.json() for each in answers[32:34]]
    assert last_two[0]["entry_id"] == last_two[1]["entry_id"] and all(each["event_ids"] for each in last_two)
    entries = {each.json()["entry_id"] for each in answers[:30]}
    with office.running.service.database.owner() as connection:
        counted = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM events WHERE stream_id = ANY(:ids)),"
                " (SELECT count(*) FROM standing_entries WHERE entry_id = ANY(:ids) AND standing),"
                " (SELECT count(*) FROM entry_statements WHERE entry_id = ANY(:ids))"
            ),
            {"ids": [UUID(each) for each in entries]},
        ).one()
    assert len(entries) == 30 and tuple(counted) == (30, 30, 30)


def test_two_rows_about_one_entry_are_never_decided_from_the_same_state(office: Office) -> None:
    registry = office.registry

    def work(household_type: str) -> RowWork:
        fields = {"name": "王小明", "id_number": office.number(70), "household_type": household_type}
        read = single_row("poverty", 1, fields, SchoolDirectory.of(()))
        return RowWork(RecordListEntries("poverty_office", "poverty", ((read, 1),), today()), "poverty")

    together(registry).run(Command("sender", uuid4(), b"first"), work("脱贫户"))
    with registry.database.writing() as connection, pytest.raises(NotTogether):
        rows_recorded(registry, connection, [work("监测户"), work("脱贫户")])


def test_a_row_belongs_to_the_part_of_the_installation_that_it_names(office: Office, client: Client) -> None:
    """469000 is the installation, all of 4690: what lives in a county of it is that county's."""
    rows = {"469001": "469001", "469001100": "469001100", "469000": "4690", "460106": DIVISION, "": DIVISION}
    for place, code in enumerate(rows, 1):
        row = {"姓名": "李一", "身份证号": office.number(place), "户籍地代码": code}
        assert client.post("/v1/lists/poverty/entries", json=row).status_code == 201
    found = [each.fact for each in office.log() if isinstance(each.fact, ListEntryAdded)]
    assert [fact.division_code for fact in found] == list(rows.values())
    assert [fact.residence_code for fact in found] == ["469001", "469001100", "4690", "460106", None]
