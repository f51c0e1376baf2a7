"""How long a school may take to accept a child: in school time where a calendar is active, by days while none is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.notifications.signals.reasons import acceptance_due
from services.notifications.signals.school_time import NO_CALENDAR
from services.registry.events import SchoolCalendarActivated
from shared.hosting.service import Service
from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span, canonical
from tests.services.happenings import someone
from tests.services.installation import Installation
from tests.services.notifications.signals.test_watching import a_student, alerts, left, notifications, told

__all__ = ["notifications"]  # a fixture
SPRING = Span(date(2026, 3, 2), date(2026, 7, 5), "spring")
AUTUMN = Span(date(2026, 9, 1), date(2027, 1, 20), "autumn")
CALENDAR = SchoolCalendar((CalendarYear((SPRING, AUTUMN)),))


def tell(installation: Installation, as_of: date, *terms: Span, **place: Any) -> None:
    given: dict[str, Any] = {"division_code": "469000", "school_year": terms[0].first.year} | place
    fact = SchoolCalendarActivated(content=canonical(CalendarYear(terms)), content_hash="hash", **given)
    installation.append("registry", someone(), fact, as_of)
    installation.pump()


@pytest.mark.parametrize(
    ("left_on", "due"),
    [
        (date(2026, 5, 1), date(2026, 5, 16)),
        (date(2026, 7, 1), date(2026, 9, 11)),  # four days of July, eleven of September
        (date(2026, 8, 1), date(2026, 9, 15)),
        (date(2027, 1, 18), date(2027, 2, 2)),  # nobody told of the spring yet
        (date(2026, 2, 20), date(2026, 3, 7)),  # nor of what was before
    ],
)
def test_vacations_between_two_terms_do_not_count(left_on: date, due: date) -> None:
    assert acceptance_due(left_on, 15, CALENDAR) == due
    assert acceptance_due(left_on, 15, NO_CALENDAR) == left_on + timedelta(days=15)


@pytest.mark.parametrize("active", [True, False])
def test_who_leaves_in_july_is_missed_in_september(
    installation: Installation, notifications: Service, active: bool
) -> None:
    if active:
        tell(installation, date(2026, 1, 1), SPRING, AUTUMN)
    left(installation, a_student(installation), date(2026, 7, 1))
    due = date(2026, 9, 11) if active else date(2026, 7, 16)
    for day in (due - timedelta(days=1), due):
        installation.open_day(notifications, day)
        installation.pump()
        expected = [("left_without_acceptance", "open")] if day == due else []
        assert told(notifications, day) == expected


def test_a_school_in_another_rhythm_has_its_own_time(installation: Installation, notifications: Service) -> None:
    tell(installation, date(2026, 1, 1), SPRING, AUTUMN)
    summer = Span(date(2026, 7, 6), date(2026, 8, 31), "summer school")
    tell(installation, date(2026, 1, 1), SPRING, summer, AUTUMN, school_code="S1", division_code="469001")
    left(installation, a_student(installation), date(2026, 7, 1))
    installation.open_day(notifications, date(2026, 7, 16))
    installation.pump()
    assert told(notifications, date(2026, 7, 16)) == [("left_without_acceptance", "open")]


def test_a_calendar_told_later_takes_no_alert_away(installation: Installation, notifications: Service) -> None:
    student = a_student(installation)
    left(installation, student, date(2026, 7, 1))
    installation.open_day(notifications, date(2026, 7, 17))
    installation.pump()
    tell(installation, date(2026, 7, 17), SPRING, AUTUMN)
    installation.open_day(notifications, date(2026, 7, 18))
    installation.pump()
    (row,) = alerts(notifications, date(2026, 7, 18))
    assert (row.state, row.raised_on) == ("open", date(2026, 7, 17))
