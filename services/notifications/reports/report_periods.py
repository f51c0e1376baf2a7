"""Of which period a level reports: school monthly, county quarterly, city per term, province per school year. Pure.

The terms of a school year follow each other without a gap: a term's report runs until the next term begins, so that
no vacation day is outside, and the terms of a year make up the year's report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from services.notifications.report_events import PeriodKind, ReportLevel
from shared.standards.school_calendar import SchoolCalendar, months_on

ONE_DAY = timedelta(days=1)
LEVELS: Mapping[ReportLevel, PeriodKind] = {"school": "month", "county": "quarter", "city": "term", "province": "year"}


class Period(NamedTuple):
    """Both days included."""

    kind: PeriodKind
    name: str
    first: date
    last: date


def period_around(kind: PeriodKind, day: date, calendar: SchoolCalendar) -> Period | None:
    """The period that contains ``day``; None where no calendar tells the term or school year."""
    if kind == "month":
        first = day.replace(day=1)
        return Period(kind, f"{day:%Y-%m}", first, months_on(first, 1) - ONE_DAY)
    if kind == "quarter":
        quarter = (day.month - 1) // 3
        first = date(day.year, quarter * 3 + 1, 1)
        return Period(kind, f"{day.year}-Q{quarter + 1}", first, months_on(first, 3) - ONE_DAY)
    told = _terms(calendar) if kind == "term" else _years(calendar)
    return next((each for each in told if each.first <= day <= each.last), None)


def ended_before(kind: PeriodKind, day: date, calendar: SchoolCalendar) -> Period | None:
    """The period that ended last before ``day``; None where the calendar tells none."""
    if kind in ("month", "quarter"):
        running = period_around(kind, day, calendar)
        assert running is not None  # there is always a month
        return period_around(kind, running.first - ONE_DAY, calendar)
    told = _terms(calendar) if kind == "term" else _years(calendar)
    return max((each for each in told if each.last < day), key=lambda each: each.last, default=None)


def _terms(calendar: SchoolCalendar) -> Iterator[Period]:
    return _following([(term.name, term.first, term.last) for year in calendar.years for term in year.terms], "term")


def _years(calendar: SchoolCalendar) -> Iterator[Period]:
    years = [(year.terms[0].first, year.terms[-1].last) for year in calendar.years]
    return _following([(str(first.year), first, last) for first, last in years], "year")


def _following(told: list[tuple[str, date, date]], kind: PeriodKind) -> Iterator[Period]:
    """Each until the next one begins; the last one told, until the school year ends on 31 August."""
    for (name, first, _), (_, following, _) in pairwise(told):
        yield Period(kind, name, first, following - ONE_DAY)
    for name, first, last in told[-1:]:
        yield Period(kind, name, first, max(last, date(first.year + (first.month >= 8), 8, 31)))
