"""School years of the invented county: two terms, holidays, and the days made up for them (调休).

The pattern is like a real one and the days are invented: which days are free or made up is told by each year's own
notice, never by a rule.
"""

from __future__ import annotations

from datetime import date, timedelta

from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span

SATURDAY, SUNDAY = 6, 7


def school_year(first: int) -> CalendarYear:
    """The school year that begins in September of ``first``."""
    then = first + 1
    autumn = Span(date(first, 9, 1), _weekday_before(date(then, 1, 25), 5), f"{first}-autumn")
    spring = Span(_weekday_after(date(then, 2, 26), 1), _weekday_before(date(then, 7, 8), 5), f"{then}-spring")
    holidays = (
        Span(date(first, 10, 1), date(first, 10, 7), "国庆节"),
        Span(date(then, 1, 1), date(then, 1, 1), "元旦"),
        Span(date(then, 4, 4), date(then, 4, 6), "清明节"),
        Span(date(then, 5, 1), date(then, 5, 5), "劳动节"),
        Span(date(then, 6, 19), date(then, 6, 21), "端午节"),
    )
    made_up = (
        _weekday_before(date(first, 10, 1), SUNDAY),
        _weekday_after(date(first, 10, 7), SATURDAY),
        _weekday_before(date(then, 5, 1), SUNDAY),
        _weekday_after(date(then, 5, 5), SATURDAY),
    )
    return CalendarYear(terms=(autumn, spring), holidays=holidays, made_up=made_up)


def past_terms(as_of: date, terms: int) -> tuple[tuple[CalendarYear, ...], tuple[Span, ...]]:
    """The last ``terms`` terms that ended before ``as_of``, in order, and the school years they lie in."""
    years = [school_year(first) for first in range(as_of.year - terms - 1, as_of.year + 1)]
    ended = [term for year in years for term in year.terms if term.last < as_of][-terms:]
    return tuple(year for year in years if any(term in ended for term in year.terms)), tuple(ended)


def days_of(years: tuple[CalendarYear, ...], terms: tuple[Span, ...]) -> list[date]:
    """The school days of these terms, in order."""
    calendar = SchoolCalendar(years)
    return [day for term in terms for day in calendar.school_days_between(term.first, term.last + timedelta(days=1))]


def _weekday_after(day: date, weekday: int) -> date:
    day += timedelta(days=1)
    while day.isoweekday() != weekday:
        day += timedelta(days=1)
    return day


def _weekday_before(day: date, weekday: int) -> date:
    day -= timedelta(days=1)
    while day.isoweekday() != weekday:
        day -= timedelta(days=1)
    return day
