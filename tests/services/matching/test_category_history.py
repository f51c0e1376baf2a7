"""A student's categories over time: an oracle that asks each day by itself; exits, covers and 脱贫; who may see it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.categories import (
    CONTENT,
    DEFAULT_CATEGORY_RULES,
    CategoryRules,
    Evidence,
    canonical_json,
    categorise,
)
from services.matching.category_history import CategorySpan, category_history, every_category_history, is_known
from services.matching.events import CategoryRulesActivated
from services.registry.events import StudentLeft
from shared.database.scopes import NO_SCOPE, Scope
from tests.services.installation import Installation
from tests.services.matching.test_deciding import (
    COUNTY,
    SINCE,
    TODAY,
    Happening,
    Matching,
    ids,
    listed,
    matching_of,
    student,
)
from tests.services.matching.test_households import (
    CHILD,
    HEAD,
    enrolled,
    happened,
    head_row,
    joined,
    left,
    removed,
)
from tests.services.matching.test_roster import TERM, Town, _town

LATER = date(2026, 10, 10)
RULES_CHANGE = TERM + timedelta(days=25)
DISABLED_FIRST = {
    **CONTENT,
    "version": "test-1",
    "classes": [CONTENT["classes"][1], CONTENT["classes"][0], *CONTENT["classes"][2:]],
}


@pytest.fixture(scope="module")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The roster's town, where another order of the classes takes over one day."""
    installation = Installation(postgres, tmp_path_factory.mktemp("categories"))
    made = _town(installation)
    rules = CategoryRules.of(DISABLED_FIRST)
    fact = CategoryRulesActivated(content=canonical_json(DISABLED_FIRST), content_hash=rules.content_hash)
    installation.append("matching", UUID(int=1), fact, RULES_CHANGE)
    installation.pump()
    yield made
    installation.close()


def told(town: Town, student_id: UUID, scope: Scope = COUNTY, day: date = TERM) -> list[CategorySpan]:
    with town.service.database.reading(scope, "roster") as connection:
        return category_history(connection, day, student_id)


def on_day(spans: list[CategorySpan], day: date) -> tuple[str, str, list[UUID]] | None:
    found = [each for each in spans if each.valid_from <= day and (each.valid_to is None or day < each.valid_to)]
    assert len(found) <= 1
    return (found[0].category, found[0].kind, [each.entry_id for each in found[0].evidence]) if found else None


def expected(town: Town, student_id: UUID, day: date) -> tuple[str, str, list[UUID]] | None:
    """The oracle, from the links as plain data, for one day alone."""
    _, gone = town.students[student_id]
    if day < TERM or (gone is not None and gone <= day):
        return None
    held = sorted((link for link in town.links if link.student == student_id), key=lambda link: link.entry)
    held = [link for link in held if link.on <= day and (link.until is None or day < link.until)]
    held = [link for link in held if link.valid_from is None or link.valid_from <= day]
    held = [link for link in held if link.valid_to is None or day < link.valid_to]
    if not held:
        return None
    rules = CategoryRules.of(DISABLED_FIRST) if day >= RULES_CHANGE else DEFAULT_CATEGORY_RULES
    category = categorise([Evidence(**link.fields) for link in held], rules, day)
    return category.category, category.kind, [link.entry for link in held]


def test_every_day_of_a_history_is_what_that_day_alone_says(town: Town) -> None:
    seen = 0
    for student_id in town.students:
        spans = told(town, student_id)
        for offset in range(-8, 110):
            day = TERM + timedelta(days=offset)
            assert on_day(spans, day) == expected(town, student_id, day), (student_id, day)
            seen += expected(town, student_id, day) is not None
        for one, other in itertools.pairwise(spans):
            assert one.valid_to is not None and one.valid_to <= other.valid_from
    assert seen > 500, "an oracle that expects nothing proves nothing"


def test_a_day_of_the_history_is_the_roster_of_that_day(town: Town) -> None:
    for offset in (0, 10, 24, 25, 40, 80):
        day = TERM + timedelta(days=offset)
        shown = {row.student_id: (row.category, row.kind) for row in town.rows(day)}
        with town.service.database.reading(COUNTY, "roster") as connection:
            spans = every_category_history(connection, day)
        assert {each.student_id: (each.category, each.kind) for each in spans if each.on_day and each.category} == shown


def test_a_school_sees_its_own_students_history_and_no_scope_sees_none(town: Town) -> None:
    child = next(link.student for link in town.links)
    school = town.students[child][0]
    other = next(code for code in ("S1", "S2", "S3") if code != school)
    assert told(town, child, Scope(school=school)) == told(town, child)
    for scope in (Scope(school=other), NO_SCOPE):
        assert told(town, child, scope) == []
        with town.service.database.reading(scope, "roster") as connection:
            assert not is_known(connection, child)


@pytest.fixture
def matching(installation: Installation) -> Matching:
    return matching_of(installation)


def spans_of(matching: Matching, student_id: UUID) -> list[tuple[date, date | None, str, str]]:
    with matching.service.database.reading(COUNTY, "roster") as connection:
        found = category_history(connection, TODAY, student_id)
    return [(each.valid_from, each.valid_to, each.category, each.kind) for each in found]


def test_an_entry_and_an_exit_are_days_and_being_lifted_ends_nothing(
    installation: Installation, matching: Matching
) -> None:
    child, entry = ids(71, 2)
    row = listed(entry, "王小明", CHILD, household_type="脱贫户", lifted_on=date(2020, 12, 1))
    happened(installation, matching, student(child, "王小明", CHILD), row)
    assert spans_of(matching, child) == [(SINCE, None, "registered_poor", "脱贫户")]
    happened(installation, matching, removed(entry, LATER, "missing_from_snapshot"))
    assert spans_of(matching, child) == [(SINCE, LATER, "registered_poor", "脱贫户")]
    again = LATER + timedelta(days=20)
    happened(installation, matching, row._replace(on=again))
    assert spans_of(matching, child) == [
        (SINCE, LATER, "registered_poor", "脱贫户"),
        (again, None, "registered_poor", "脱贫户"),
    ]


def test_a_cover_by_the_household_is_part_of_the_history(installation: Installation, matching: Matching) -> None:
    child, house, entry = ids(72, 3)
    gone = Happening(child, StudentLeft(school_code="S1", division_code="469000", reason="suspended"), TODAY)
    happened(
        installation, matching,
        joined(house, "王大", HEAD), joined(house, "王小明", CHILD), left(house, CHILD, LATER),
        head_row(entry, "王大", HEAD), enrolled(child, "王小明", CHILD), gone,
    )  # fmt: skip
    assert spans_of(matching, child) == [(SINCE, LATER, "subsistence_rural", "农村低保")]
