"""R7 on a real database: whom a listed head covers, by registered household or guardian, on which days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from services.matching import roster
from services.matching.commands import RuleRow
from services.matching.handlers import Desk, rule_row
from services.registry.events import (
    EntryPersonal,
    HouseholdMemberJoined,
    HouseholdMemberLeft,
    ListEntryAdded,
    ListEntryRemoved,
    MemberPersonal,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentPersonal,
)
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation
from tests.services.matching.test_deciding import (
    COUNTY,
    SINCE,
    TODAY,
    Happening,
    Matching,
    happen,
    ids,
    matching_of,
    number,
    settle,
)

HEAD = number(date(1980, 1, 1), 1)
OTHER_HEAD = number(date(1982, 5, 6), 3)
GRANDMOTHER = number(date(1950, 2, 2), 2)
CHILD, SISTER = number(date(2015, 3, 4), 1), number(date(2016, 7, 8), 5)
LATER = date(2026, 10, 10)
ALLOWANCE = {"support_type": "subsistence_allowance", "area_type": "rural"}


@pytest.fixture
def matching(installation: Installation) -> Matching:
    return matching_of(installation)


def enrolled(stream: UUID, name: str, id_number: str, *, guardian: tuple[str, str] = ("", "")) -> Happening:
    personal = StudentPersonal(
        person_id=stream,
        name=name,
        id_number=id_number,
        birth_date=date.fromisoformat(f"{id_number[6:10]}-{id_number[10:12]}-{id_number[12:14]}"),
        guardian_name=guardian[0],
        guardian_id=guardian[1],
    )
    fact = StudentEnrolled(school_code="S1", division_code=f"{DIVISION}101", stage="primary", personal=personal)
    return Happening(stream, fact, SINCE)


def joined(household: UUID, name: str, id_number: str, on: date = SINCE, student: UUID | None = None) -> Happening:
    member = UUID(int=int(id_number[:17]))
    personal = MemberPersonal(person_id=member, name=name, id_number=id_number)
    fact = HouseholdMemberJoined(member_id=member, division_code=DIVISION, student_id=student, personal=personal)
    return Happening(household, fact, on)


def left(household: UUID, id_number: str, on: date) -> Happening:
    return Happening(household, HouseholdMemberLeft(member_id=UUID(int=int(id_number[:17]))), on)


def head_row(entry: UUID, name: str, id_number: str, on: date = SINCE, **fields: Any) -> Happening:
    personal = EntryPersonal(person_id=entry, name="", head_name=name, head_id=id_number)
    given: dict[str, Any] = {"agency": "civil_affairs", "list": "civil", "coverage": "household", **ALLOWANCE}
    return Happening(entry, ListEntryAdded(**given | {"division_code": DIVISION} | fields, personal=personal), on)


def adult_row(entry: UUID, name: str, id_number: str, **fields: Any) -> Happening:
    born = date.fromisoformat(f"{id_number[6:10]}-{id_number[10:12]}-{id_number[12:14]}")
    personal = EntryPersonal(person_id=entry, name=name, id_number=id_number, birth_date=born)
    given: dict[str, Any] = {"agency": "civil_affairs", "list": "civil", "coverage": "single", **ALLOWANCE}
    return Happening(entry, ListEntryAdded(**given | {"division_code": DIVISION} | fields, personal=personal), SINCE)


def removed(entry: UUID, on: date, reason: Any = "withdrawn_by_agency") -> Happening:
    return Happening(entry, ListEntryRemoved(agency="civil_affairs", list="civil", reason=reason), on)


def happened(installation: Installation, matching: Matching, *happenings: Happening) -> None:
    happen(installation, happenings)
    settle(installation, matching)


class Covered(NamedTuple):
    """A cover that stands: whom, on which days ``until`` None = open, and how it is proven."""

    student: UUID
    since: date
    until: date | None
    reason: str


def covered(matching: Matching) -> list[Covered]:
    with matching.service.database.reading(COUNTY, "roster") as connection:
        rows = driver(connection).execute(
            "SELECT student_id, covered_from, nullif(covered_to, 'infinity'), reason FROM covers WHERE stands"
            " ORDER BY student_id, covered_from"
        )
        return [Covered(*row) for row in rows]


def on_roster(matching: Matching, day: date) -> dict[UUID, str]:
    with matching.service.database.reading(COUNTY, "roster") as connection:
        return {row.student_id: row.category for row in roster.roster(connection, day, PageTurn(None, 200))}


def state(matching: Matching, entry: UUID) -> tuple[str | None, str, str]:
    with matching.service.database.reading(COUNTY, "roster") as connection:
        row = (
            driver(connection)
            .execute("SELECT state, rule, reason FROM decisions WHERE entity = %s AND valid_to = 'infinity'", (entry,))
            .fetchone()
        )
    assert row is not None
    return row[0], row[1], row[2]


def test_a_listed_head_covers_every_student_of_his_registered_household(
    installation: Installation, matching: Matching
) -> None:
    child, sister, house, entry = ids(1, 4)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD, student=child), joined(house, "王小红", SISTER),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD), enrolled(sister, "王小红", SISTER),
    )  # fmt: skip
    assert {(each.student, each.since, each.until, each.reason) for each in covered(matching)} == {
        (child, SINCE, None, "household_registered"),
        (sister, SINCE, None, "household_registered"),
    }
    assert state(matching, entry) == ("out_of_age", "R7", "household_link_proven")
    assert on_roster(matching, TODAY) == dict.fromkeys((child, sister), "subsistence_rural")
    with matching.service.database.reading(COUNTY, "roster") as connection:
        (evidence,) = roster.roster_by_id(connection, TODAY, [child])[child].evidence
    assert (evidence.rule, evidence.entry_id, evidence.kind) == ("R7", entry, "农村低保")


def test_a_member_whom_only_the_registry_knows_as_a_student_is_covered_when_she_joins(
    installation: Installation, matching: Matching
) -> None:
    child, house, entry = ids(11, 3)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD),
    )  # fmt: skip
    assert covered(matching) == []
    personal = MemberPersonal(person_id=child, name="王小明")
    fact = HouseholdMemberJoined(member_id=child, division_code=DIVISION, student_id=child, personal=personal)
    happened(installation, matching, Happening(house, fact, LATER))
    assert [each[:3] for each in covered(matching)] == [(child, LATER, None)]


def test_a_child_that_moves_away_is_covered_until_that_day_and_her_sister_is_left_alone(
    installation: Installation, matching: Matching
) -> None:
    child, sister, house, elsewhere, entry = ids(2, 5)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD), joined(house, "王小红", SISTER),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD), enrolled(sister, "王小红", SISTER),
    )  # fmt: skip
    before = len(installation.entries("matching"))
    happened(installation, matching, left(house, CHILD, LATER), joined(elsewhere, "王小明", CHILD, LATER))
    assert [each[:3] for each in covered(matching) if each.student == child] == [(child, SINCE, LATER)]
    assert [each[:3] for each in covered(matching) if each.student == sister] == [(sister, SINCE, None)]
    assert on_roster(matching, LATER - timedelta(days=1)).keys() == {child, sister}
    assert on_roster(matching, LATER).keys() == {sister}
    told = [each.logged.event.type for each in installation.entries("matching")[before:]]
    assert told == ["matching.MemberCovered.v1"], "only the difference is said"


def test_a_head_who_leaves_the_household_takes_his_cover_with_him(
    installation: Installation, matching: Matching
) -> None:
    child, house, entry = ids(3, 3)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD), left(house, HEAD, LATER),
    )  # fmt: skip
    assert [each[:3] for each in covered(matching)] == [(child, SINCE, LATER)]
    assert state(matching, entry) == ("out_of_age", "", "age")


def test_a_row_that_leaves_its_list_ends_the_cover_and_one_entered_in_error_undoes_it(
    installation: Installation, matching: Matching
) -> None:
    child, house, entry = ids(4, 3)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD), removed(entry, LATER),
    )  # fmt: skip
    assert [each[:3] for each in covered(matching)] == [(child, SINCE, LATER)]
    happened(installation, matching, head_row(entry, "王大", HEAD, LATER))
    assert [each[:3] for each in covered(matching)] == [(child, SINCE, None)]
    happened(installation, matching, removed(entry, LATER + timedelta(days=5), "entered_in_error"))
    assert covered(matching) == []


def test_members_who_are_listed_themselves_leave_the_head_to_stand_for_himself(
    installation: Installation, matching: Matching
) -> None:
    child, house, entry, own = ids(5, 4)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD), enrolled(child, "王小明", CHILD),
        head_row(entry, "王大", HEAD, household_key=house),
    )  # fmt: skip
    assert [each[:3] for each in covered(matching)] == [(child, SINCE, None)]
    listed = adult_row(own, "王小明", CHILD, household_key=house, coverage="household")
    happened(installation, matching, listed._replace(on=LATER))
    assert [each[:3] for each in covered(matching)] == [(child, SINCE, LATER)]
    assert state(matching, own)[0] == "linked"
    assert on_roster(matching, TODAY) == {child: "subsistence_rural"}


def test_a_name_that_differs_asks_a_person_and_covers_nobody(installation: Installation, matching: Matching) -> None:
    child, house, entry = ids(6, 3)
    happened(
        installation, matching,
        joined(house, "赵六", HEAD), joined(house, "王小明", CHILD),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD),
    )  # fmt: skip
    assert covered(matching) == []
    assert state(matching, entry) == ("review", "R7", "household_link_unproven")


def test_an_allowance_for_another_member_alone_goes_to_review_until_the_child_is_listed(
    installation: Installation, matching: Matching
) -> None:
    child, house, entry, own = ids(7, 4)
    happened(
        installation, matching,
        joined(house, "李奶奶", GRANDMOTHER), joined(house, "王小明", CHILD),
        enrolled(child, "王小明", CHILD), adult_row(entry, "李奶奶", GRANDMOTHER),
    )  # fmt: skip
    assert state(matching, entry) == ("review", "R7", "household_single_cover")
    assert covered(matching) == []
    happened(installation, matching, adult_row(own, "王小明", CHILD))
    assert state(matching, entry) == ("out_of_age", "", "age")
    happened(installation, matching, removed(own, LATER))
    assert state(matching, entry) == ("review", "R7", "household_single_cover")


def test_a_guardian_proves_the_household_until_another_one_is_on_record(
    installation: Installation, matching: Matching
) -> None:
    child, entry = ids(8, 2)
    first = enrolled(child, "王小明", CHILD, guardian=("王大", HEAD))
    happened(installation, matching, first, head_row(entry, "王大", HEAD))
    assert covered(matching) == [Covered(child, SINCE, None, "household_guardian")]
    now = enrolled(child, "王小明", CHILD, guardian=("陈三", OTHER_HEAD)).fact
    assert isinstance(now, StudentEnrolled)
    happened(installation, matching, Happening(child, StudentDetailsCorrected(personal=now.personal), LATER))
    assert covered(matching) == [Covered(child, SINCE, LATER, "household_guardian")]


def test_a_person_who_rules_a_student_out_takes_back_her_cover_alone(
    installation: Installation, matching: Matching
) -> None:
    child, sister, house, entry = ids(9, 4)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD), joined(house, "王小红", SISTER),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD), enrolled(sister, "王小红", SISTER),
    )  # fmt: skip
    assert {each.student for each in covered(matching)} == {child, sister}
    rule_out(installation, matching, entry, child)
    settle(installation, matching)
    assert {each.student for each in covered(matching)} == {sister}
    last = [each.logged.event.type for each in installation.entries("matching")][-1]
    assert last == "matching.MemberCoverWithdrawn.v1"


def rule_out(installation: Installation, matching: Matching, entry: UUID, student: UUID) -> None:
    desk = Desk(matching.service.database, matching.service.store, matching.deciding.streams)
    intent = RuleRow(entry, "cannot_link", (student,), "clerk", None)
    rule_row(desk, COUNTY, intent, Command("clerk", UUID(int=99), b"rule"), lambda version: None)


def test_the_same_again_says_nothing(installation: Installation, matching: Matching) -> None:
    child, house, entry = ids(10, 3)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD),
    )  # fmt: skip
    before = len(installation.entries("matching"))
    installation.open_day(matching.service, TODAY + timedelta(days=1))
    settle(installation, matching)
    assert len(installation.entries("matching")) == before + 1  # the day itself
