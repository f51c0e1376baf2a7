"""The roster on a real database: categories as the rules in Python say, pages that join up, a sheet that stays text."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from services.matching import app, roster, sheets
from services.matching.categories import DEFAULT_CATEGORY_RULES, Evidence, categorise
from services.matching.events import LinkConfirmed, LinkWithdrawn
from services.matching.roster import RosterRow
from services.registry.events import SchoolRegistered, StudentEnrolled, StudentPersonal, StudentTransferredOut
from shared.database.scopes import NO_SCOPE, Scope
from shared.hosting.service import Service
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation

TERM = date(2026, 9, 1)
DAYS = [TERM + timedelta(days=days) for days in (-1, 0, 20, 40, 80, 400)]
COUNTY = Scope(division=DIVISION[:4])
EVIDENCE: list[dict[str, Any]] = [
    {"list": "poverty", "household_type": "脱贫户"},
    {"list": "poverty", "household_type": "边缘易致贫户"},
    {"list": "poverty"},
    {"list": "disability", "disability_kind": 4, "disability_grade": 2},
    {"list": "civil", "support_type": "subsistence_allowance", "area_type": "rural", "coverage": "household"},
    {"list": "civil", "support_type": "subsistence_allowance", "area_type": "urban"},
    {"list": "civil", "support_type": "extreme_hardship"},
    {"list": "civil", "support_type": "extreme_hardship", "area_type": "urban"},
]


class Link(NamedTuple):
    """What a link says, [on, until), and the paper's own period."""

    entry: UUID
    student: UUID
    fields: dict[str, Any]
    on: date
    until: date | None
    valid_from: date | None
    valid_to: date | None


class Town(NamedTuple):
    """A matching service with students and links, and the same as plain data."""

    service: Service
    students: dict[UUID, tuple[str, date | None]]
    links: list[Link]

    def rows(self, day: date, scope: Scope = COUNTY, **asked: Any) -> list[RosterRow]:
        with self.service.database.reading(scope, "roster") as connection:
            return roster.roster(connection, day, PageTurn(None, 1_000), **asked)

    def expected(self, day: date) -> dict[UUID, tuple[str, str, int]]:
        """Student → category, kind and pieces of evidence, from the rules in Python over every link."""
        found = {}
        for student, (_, left) in self.students.items():
            if day < TERM or (left is not None and left <= day):
                continue
            held = [link for link in self.links if link.student == student and link.on <= day]
            held = [link for link in held if link.until is None or day < link.until]
            held.sort(key=lambda link: link.entry)
            papers = [Evidence(**link.fields, valid_from=link.valid_from, valid_to=link.valid_to) for link in held]
            category = categorise(papers, DEFAULT_CATEGORY_RULES, day)
            if category.category:
                found[student] = (category.category, category.kind, len(category.evidence))
        return found


@pytest.fixture(scope="module")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Made once: every test here only reads."""
    installation = Installation(postgres, tmp_path_factory.mktemp("matching"))
    yield _town(installation)
    installation.close()


def _town(installation: Installation) -> Town:
    installation.bare("registry")
    service = installation.start(app.build(installation.settings("matching")))
    chance = random.Random(3)
    made = Town(service, {}, [])
    for code in ("S1", "S2", "S3"):
        fact = SchoolRegistered(school_code=code, name=f"第{code}小学", division_code=DIVISION)
        installation.append("registry", UUID(int=chance.getrandbits(128)), fact, TERM)
    for number in range(30):
        _enrol(installation, made, chance, "=1+1" if number == 0 else f"王小{number}")
    for student in list(made.students):
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            _link(installation, made, chance, student)
    installation.pump()
    return made


def _enrol(installation: Installation, town: Town, chance: random.Random, name: str) -> None:
    student, school = UUID(int=chance.getrandbits(128)), chance.choice(("S1", "S2", "S3"))
    personal = StudentPersonal(person_id=student, name=name)
    fact = StudentEnrolled(school_code=school, division_code=f"{DIVISION}101", stage="primary", personal=personal)
    installation.append("registry", student, fact, TERM)
    left = TERM + timedelta(days=chance.randrange(10, 60)) if chance.random() < 0.2 else None
    if left is not None:
        gone = StudentTransferredOut(school_code=school, division_code=f"{DIVISION}101", destination_kind="unknown")
        installation.append("registry", student, gone, left)
    town.students[student] = (school, left)


def _link(installation: Installation, town: Town, chance: random.Random, student: UUID) -> None:
    entry, stream = UUID(int=chance.getrandbits(128)), UUID(int=chance.getrandbits(128))
    fields = chance.choice(EVIDENCE)
    on = TERM + timedelta(days=chance.randrange(-5, 30))
    until = on + timedelta(days=chance.randrange(1, 60)) if chance.random() < 0.3 else None
    starts = chance.choice((None, TERM, TERM + timedelta(days=30)))
    ends = chance.choice((None, None, TERM + timedelta(days=60)))
    link = Link(entry, student, fields, on, until, starts, ends)
    shared: dict[str, Any] = {
        "rule": "R1",
        "score": 1.0,
        "reason": "number_and_name_agree",
        "model": "ladder-1",
        "agency": "a",
    }
    scope: dict[str, Any] = {"division_code": DIVISION, "school_code": town.students[student][0]}
    fact = LinkConfirmed(
        entry_id=entry, student_id=student, **fields, **shared, **scope, valid_from=starts, valid_to=ends
    )
    installation.append("matching", stream, fact, on)
    if until is not None:
        gone = LinkWithdrawn(entry_id=entry, student_id=student, list=fields["list"], reason="entry_removed")
        installation.append("matching", stream, gone, until)
    town.links.append(link)


def test_every_day_shows_the_categories_that_the_rules_in_python_give(town: Town) -> None:
    for day in DAYS:
        found = {row.student_id: (row.category, row.kind, len(row.evidence)) for row in town.rows(day)}
        assert found == town.expected(day), day
    assert town.expected(DAYS[2]), "an oracle that expects nobody proves nothing"


def test_the_counts_are_those_of_the_rows(town: Town) -> None:
    for day in DAYS:
        with town.service.database.reading(COUNTY, "roster") as connection:
            counts = roster.category_counts(connection, day)
        assert Counter({name: count for name, count in counts.items() if count}) == Counter(
            row.category for row in town.rows(day)
        )


def test_pages_join_up_to_the_whole_without_gap_or_repeat(town: Town) -> None:
    day = DAYS[2]
    whole = [row.student_id for row in town.rows(day)]
    paged: list[UUID] = []
    after: tuple[str, UUID] | None = None
    with town.service.database.reading(COUNTY, "roster") as connection:
        while rows := roster.roster(connection, day, PageTurn(after, 4))[:4]:
            paged += [row.student_id for row in rows]
            after = (rows[-1].school_code or "", rows[-1].student_id)
    assert paged == whole


def test_a_long_list_is_read_in_pages_that_join_up(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "SHEET_PAGE_ROWS", 3)
    whole = town.rows(DAYS[2])
    with town.service.database.reading(COUNTY, "roster") as connection:
        assert list(roster.roster_pages(connection, DAYS[2])) == whole


def test_filters_and_scopes_show_a_part_and_nothing_else(town: Town) -> None:
    day = DAYS[2]
    everyone = town.rows(day)
    assert town.rows(day, school="S2") == [row for row in everyone if row.school_code == "S2"]
    assert town.rows(day, Scope(school="S2")) == [row for row in everyone if row.school_code == "S2"]
    assert town.rows(day, category="disabled") == [row for row in everyone if row.category == "disabled"]
    assert town.rows(day, category="nonsense") == []
    assert town.rows(day, NO_SCOPE) == []
    assert town.rows(day, Scope(division="4601")) == []


def test_the_live_row_of_a_student_is_the_row_of_the_list(town: Town) -> None:
    day = DAYS[2]
    with town.service.database.reading(COUNTY, "roster") as connection:
        by_id = roster.roster_by_id(connection, day, list(town.students))
    assert by_id == {row.student_id: row for row in town.rows(day)}


def test_the_sheet_holds_the_rows_in_order_with_masked_names_as_text(town: Town, tmp_path: Path) -> None:
    rows = town.rows(DAYS[2])
    assert sheets.write_roster(tmp_path / "roster.xlsx", "资助名册 2026-09-21", rows) == len(rows)
    written: list[list[Any]] = (
        CalamineWorkbook.from_path(str(tmp_path / "roster.xlsx")).get_sheet_by_index(0).to_python()
    )
    assert tuple(written[0]) == sheets.HEADER
    assert [line[4] for line in written[1:]] == [row.name for row in rows]
    assert [line[0] for line in written[1:]] == [row.school_code for row in rows]
    assert all("王小" not in line[4] for line in written[1:])
