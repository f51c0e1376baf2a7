"""Who is to be asked after: left-behind children by the last day of their care record, on a real database; nothing of
the record is opened, and every week begins with a message to each school that has somebody to ask after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notifications import app
from services.notifications.care.contacts import LeftBehindRow, left_behind
from services.notifications.delivery.wording import worded
from services.notifications.delivery_events import MessageComposed
from services.registry.events import AgencySilent, CounsellingNoted, GuardianshipChanged, StudentLeft, StudentPlaced
from services.registry.life_events import CarePersonal
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.hosting.service import Service
from shared.web.pages import PageTurn, decode_cursor, page_of
from tests.services.happenings import enrolled, someone
from tests.services.installation import DIVISION, Installation

MONDAY = date(2026, 11, 23)
COUNTY, S1 = Scope(division=DIVISION[:4]), Scope(school="S1")
ALLOWED = 60


@pytest.fixture(scope="module")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Service]]:
    installation = Installation(postgres, Path(tmp_path_factory.mktemp("care")))
    installation.bare("registry")
    installation.bare("matching")
    yield installation, installation.start(app.build(installation.settings("notifications")))
    installation.close()


def child(installation: Installation, school: str = "S1", *, left_behind: bool = True) -> UUID:
    student = someone()
    fact = enrolled(student, school, left_behind=left_behind)
    installation.append("registry", student, fact, date(2024, 9, 1))
    return student


def heard(installation: Installation, student: UUID, days_ago: int, school: str = "S1") -> None:
    care = CarePersonal(person_id=student, carer_name="外婆", carer_relation="外祖母")
    fact = GuardianshipChanged(student_id=student, division_code="469001", school_code=school, personal=care)
    installation.append("registry", someone(), fact, MONDAY - timedelta(days=days_ago))


def rows(service: Service, scope: Scope = COUNTY, day: date = MONDAY, **how: Any) -> list[LeftBehindRow]:
    with service.database.reading(scope, "alerts") as connection:
        return left_behind(connection, day, PageTurn(None, 200), ALLOWED, **{"due": False, "school": None, **how})


def test_the_longest_unheard_of_child_stands_first_and_the_others_in_no_list(
    town: tuple[Installation, Service],
) -> None:
    installation, service = town
    never, long_ago, lately, elsewhere, at_home, gone, home_again = (
        child(installation),
        child(installation),
        child(installation),
        child(installation, "S2"),
        child(installation, left_behind=False),
        child(installation),
        child(installation),
    )
    heard(installation, long_ago, 61)
    heard(installation, lately, 200)
    noted = CounsellingNoted(student_id=lately, division_code="469001", school_code="S1", noted_by="t", personal=None)
    installation.append("registry", someone(), noted, MONDAY - timedelta(days=60))
    heard(installation, elsewhere, 90, "S2")
    left = StudentLeft(school_code="S1", division_code="469001", reason="graduated")
    installation.append("registry", gone, left, MONDAY - timedelta(days=9))
    placed = StudentPlaced(school_code="S1", division_code="469001", stage="primary", grade="5", left_behind=False)
    installation.append("registry", home_again, placed, MONDAY - timedelta(days=9))
    installation.pump()
    everyone = rows(service)
    assert [row.student_id for row in everyone] == [never, elsewhere, long_ago, lately]
    assert [(row.days, row.due) for row in everyone] == [(None, True), (90, True), (61, True), (60, False)]
    assert at_home not in {row.student_id for row in everyone}
    assert [row.student_id for row in rows(service, S1, due=True)] == [never, long_ago]
    assert {row.student_id for row in rows(service, day=MONDAY - timedelta(days=10))} >= {gone, home_again}
    assert rows(service, S1, school="S2") == []
    with service.database.reading(COUNTY, "alerts") as connection:
        first = left_behind(connection, MONDAY, PageTurn(None, 2), ALLOWED, due=False, school=None)
        cursor = page_of(first, PageTurn(None, 2), key=lambda row: (row.heard_on or date.min, row.student_id)).next
        rest = left_behind(connection, MONDAY, PageTurn(decode_cursor(str(cursor)), 2), ALLOWED, due=False, school=None)
    assert [row.student_id for row in [*first[:2], *rest]] == [never, elsewhere, long_ago, lately]
    stored = "SELECT string_agg(care_contacts::text, ' ') FROM care_contacts"
    with service.database.working() as connection:
        driver(connection).execute(f"SET LOCAL search_path = {_schema(connection)}")
        assert "外婆" not in str(driver(connection).execute(stored).fetchone())

    installation.open_day(service, MONDAY + timedelta(days=1))
    installation.pump()
    assert messages(service) == {}, "a Tuesday"
    installation.open_day(service, MONDAY + timedelta(days=7))
    installation.pump()
    assert messages(service) == {"school:S1": 3, "school:S2": 1}


def test_the_county_is_told_once_which_agencies_are_silent(town: tuple[Installation, Service]) -> None:
    installation, service = town
    due = MONDAY - timedelta(days=3)
    for each in ("poverty", "poverty", "civil"):
        silent = AgencySilent(agency="a", list=each, division_code=DIVISION, due_on=due, contract_hash="0" * 64)
        installation.append("registry", someone(), silent, MONDAY)
    installation.pump()
    with service.database.working() as connection:
        sql = "SELECT place, counts FROM messages WHERE topic = 'agencies_silent'"
        found = driver(connection).execute(sql).fetchall()
    assert found == [(f"division:{DIVISION[:4]}", {"list_poverty": 2, "list_civil": 1})]
    told = MessageComposed(
        topic="agencies_silent",
        division_code=DIVISION,
        school_code=None,
        counts=found[0][1],
        total=3,
        opened_at=(now := datetime.now(UTC)),
        grew_at=now,
        first_cause=someone(),
        last_cause=someone(),
    )
    line = worded(told, "zh")
    assert (line.title, line.parts) == ("部门名单逾期未报 3 项", ("建档立卡名单:2", "低保特困名单:1"))


def _schema(connection: Any) -> str:
    row = (
        driver(connection)
        .execute("SELECT quote_ident(schema) FROM builds WHERE projection = 'alerts' AND state = 'live'")
        .fetchone()
    )
    assert row is not None
    return str(row[0])


def messages(service: Service) -> dict[str, int]:
    with service.database.working() as connection:
        found = driver(connection).execute("SELECT place, total FROM messages WHERE topic = 'contacts_due'").fetchall()
    return {str(place): int(total) for place, total in found}
