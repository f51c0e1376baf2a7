"""The sample county's school calendar fits together in every school year, and its years follow one another."""

from __future__ import annotations

from datetime import date

import pytest

from cli.demo import sample_calendar
from services.registry.reference.reference_api import Calendar
from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span, calendar_of, canonical


def told(day: date) -> CalendarYear:
    body = Calendar.model_validate(sample_calendar("469000", day))
    terms, holidays = (
        tuple(Span(each.first, each.last, each.name) for each in spans) for spans in (body.terms, body.holidays)
    )
    return CalendarYear(terms, body.rest_weekdays, holidays)


@pytest.mark.parametrize("day", [date(2026, 7, 31), date(2026, 8, 1), date(2026, 11, 28), date(2028, 2, 29)])
def test_the_sample_calendar_is_one_the_registry_takes(day: date) -> None:
    year = told(day)
    following = told(date(day.year + 1, day.month, 28))
    both: SchoolCalendar = calendar_of((canonical(year), canonical(following)))
    assert both.years == (year, following)
    assert date(year.terms[0].first.year, 8, 1) <= day <= date(year.terms[1].last.year, 7, 31)


def test_two_days_of_one_school_year_tell_the_same() -> None:
    assert told(date(2026, 8, 1)) == told(date(2027, 7, 31)) and told(date(2026, 7, 31)) != told(date(2026, 8, 1))
