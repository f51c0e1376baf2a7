"""Terms of aid follow the school calendar where one is active; what was granted keeps the term it was granted in."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.disbursement.living_subsidy import LIVING_SUBSIDY
from services.disbursement.schedule import amount_fen, pay_by, term_named, term_of
from services.registry.events import SchoolCalendarActivated
from shared.hosting.service import Service
from shared.standards.school_calendar import CalendarYear, Span, canonical
from tests.services.disbursement.test_entitling import a_poor_student, disbursement, entitlements, pay
from tests.services.happenings import enrolled, link, someone
from tests.services.installation import Installation

__all__ = ["disbursement"]  # a fixture
AUTUMN = Span(date(2026, 8, 27), date(2027, 1, 20), "第一学期")
SPRING = Span(date(2027, 2, 22), date(2027, 7, 5), "第二学期")
FIRSTS = (AUTUMN.first, SPRING.first)
BEFORE, AFTER = date(2027, 2, 6), date(2027, 2, 24)


def tell(installation: Installation, as_of: date, *terms: Span, **place: Any) -> None:
    """The registry activates a calendar of these terms."""
    given: dict[str, Any] = {"division_code": "469000", "school_year": terms[0].first.year} | place
    content = canonical(CalendarYear(terms))
    fact = SchoolCalendarActivated(content=content, content_hash="hash", **given)
    installation.append("registry", someone(), fact, as_of)
    installation.pump()


def test_a_term_keeps_its_name_and_begins_with_school() -> None:
    spring = term_of(LIVING_SUBSIDY, date(2027, 3, 1), FIRSTS)
    assert spring[:3] == ("2027-spring", date(2027, 2, 22), date(2027, 9, 1))
    assert term_of(LIVING_SUBSIDY, date(2027, 2, 21), FIRSTS)[:3] == ("2026-autumn", AUTUMN.first, SPRING.first)
    assert term_of(LIVING_SUBSIDY, date(2027, 2, 21)).name == "2027-spring"  # by the rule
    assert term_named(LIVING_SUBSIDY, "2027-spring", FIRSTS) == spring
    assert pay_by(AUTUMN.first) == date(2026, 10, 26) and pay_by(date(2026, 12, 31)) == date(2027, 2, 27)


def test_the_rate_is_the_rules_however_early_school_begins() -> None:
    early = term_of(LIVING_SUBSIDY, date(2024, 1, 30), (date(2024, 1, 29),))
    assert early.name == "2024-spring" and amount_fen(LIVING_SUBSIDY, early, "primary", True, "469001") == 62_500


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.lists(st.dates(date(2019, 1, 1), date(2036, 1, 1)), max_size=6))
def test_every_day_lies_in_one_term_whatever_a_calendar_tells(day: date, firsts: list[date]) -> None:
    term = term_of(LIVING_SUBSIDY, day, firsts)
    assert term.begins <= day < term.ends
    assert term_of(LIVING_SUBSIDY, term.ends, firsts).begins == term.ends
    assert term_named(LIVING_SUBSIDY, term.name, firsts) == term


def test_a_trimester_out_of_order_is_left_to_the_rule() -> None:
    monthly = msgspec.structs.replace(
        LIVING_SUBSIDY,
        terms=tuple(msgspec.structs.replace(LIVING_SUBSIDY.terms[0], name=f"m{n}", month=n, day=1) for n in (1, 2, 3)),
    )
    assert term_of(monthly, date(2027, 2, 10), (date(2027, 2, 28), date(2027, 2, 14))).begins <= date(2027, 2, 10)


@pytest.mark.parametrize(
    ("told", "granted_on", "by"), [(True, AUTUMN.first, (10, 26)), (False, date(2026, 9, 1), (10, 31))]
)
def test_a_grant_begins_with_the_term_and_says_when_it_is_paid_in_time(
    installation: Installation, disbursement: Service, told: bool, granted_on: date, by: tuple[int, int]
) -> None:
    if told:
        tell(installation, date(2026, 8, 1), AUTUMN, SPRING)
    a_poor_student(installation)
    installation.open_day(disbursement, date(2026, 11, 24))
    installation.pump()
    (row,) = entitlements(disbursement)
    assert (row.term, row.granted_on, row.pay_by) == ("2026-autumn", granted_on, date(2026, *by))
    assert row.amount_fen == 62_500


def winter_child(installation: Installation) -> None:
    """On a list for four days of February only: in the spring by the rule, in the autumn by the calendar."""
    student = someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    fact = link(someone(), student, valid_from=date(2027, 2, 5), valid_to=date(2027, 2, 9))
    installation.append("matching", someone(), fact, date(2027, 2, 5))


@pytest.mark.parametrize("paid", [False, True])
def test_a_calendar_told_later_neither_takes_a_grant_away_nor_adds_a_second(
    installation: Installation, disbursement: Service, paid: bool
) -> None:
    winter_child(installation)
    installation.open_day(disbursement, BEFORE)
    installation.pump()
    (before,) = entitlements(disbursement, day=BEFORE)
    assert (before.term, before.granted_on) == ("2027-spring", date(2027, 2, 5))
    if paid:
        pay(installation, disbursement, before.entitlement_id, on=BEFORE)
    tell(installation, date(2027, 2, 7), AUTUMN, SPRING)
    for day in (date(2027, 2, 8), AFTER, AFTER + timedelta(days=300)):
        installation.open_day(disbursement, day)
        installation.pump()
        (row,) = entitlements(disbursement, day=day)
        assert (row.term, row.granted_on, row.state) == ("2027-spring", date(2027, 2, 5), "paid" if paid else "granted")


def test_with_the_calendar_told_before_the_same_days_are_the_autumns(
    installation: Installation, disbursement: Service
) -> None:
    tell(installation, date(2027, 2, 1), AUTUMN, SPRING)
    winter_child(installation)
    installation.open_day(disbursement, BEFORE)
    installation.pump()
    assert [row.term for row in entitlements(disbursement, day=BEFORE)] == ["2026-autumn"]


@pytest.mark.parametrize("overlapping", [False, True])
def test_a_schools_own_calendar_or_years_that_overlap_move_no_term(
    installation: Installation, disbursement: Service, overlapping: bool
) -> None:
    if overlapping:
        tell(installation, date(2026, 8, 1), AUTUMN, school_year=2025)
        tell(installation, date(2026, 8, 1), AUTUMN, SPRING)
    else:
        tell(installation, date(2026, 8, 1), AUTUMN, SPRING, school_code="S1")
        tell(installation, date(2026, 8, 1), AUTUMN, SPRING, division_code="469001")
    a_poor_student(installation)
    installation.open_day(disbursement, date(2026, 11, 24))
    installation.pump()
    assert [row.granted_on for row in entitlements(disbursement)] == [date(2026, 9, 1)]
