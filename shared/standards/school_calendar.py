"""School days: terms, weekly rest, holidays, and the days made up for them (调休). Pure: every day is an argument.

A calendar is told per school year as canonical JSON::

    {"holidays": [{"first": "2026-10-01", "last": "2026-10-07", "name": "国庆节"}], "made_up": ["2026-10-10"],
     "rest_weekdays": [6, 7], "terms": [{"first": "2026-09-01", "last": "2027-01-20", "name": "2026-autumn"}]}

Days are inclusive as people print them; weekdays count from Monday = 1.
"""

from __future__ import annotations

import calendar as months_of
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec

from shared.standards.division import area

NAME_CHARACTERS = 40
SPANS_MOST = 400  # of one kind in one school year
_ONE_DAY = timedelta(days=1)


class CalendarError(ValueError):
    """A calendar that cannot be: what is wrong, in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.message_zh, self.message_en = zh, en


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date
    name: str

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class CalendarYear(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One school year as it is told."""

    terms: tuple[Span, ...]
    rest_weekdays: tuple[int, ...] = (6, 7)
    holidays: tuple[Span, ...] = ()
    made_up: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """Any number of school years of one place, in order."""

    years: tuple[CalendarYear, ...]

    def is_school_day(self, day: date) -> bool:
        """Whether there is school: within a term, and neither weekly rest nor holiday unless it is made up."""
        for year in self.years:
            if any(day in term for term in year.terms):
                free = day.isoweekday() in year.rest_weekdays or any(day in holiday for holiday in year.holidays)
                return day in year.made_up or not free
        return False

    def school_days_between(self, begin: date, end: date) -> tuple[date, ...]:
        """The school days of [begin, end), in order."""
        return tuple(day for day in _days(begin, end) if self.is_school_day(day))

    def nth_school_day_before(self, day: date, n: int) -> date | None:
        """The ``n``-th school day before ``day``, which itself does not count; None when the calendar does not reach
        back that far. Raises ValueError for ``n`` below 1."""
        if n < 1:
            raise ValueError("the n-th day before counts from 1")
        first = min((term.first for year in self.years for term in year.terms), default=day)
        while n and day > first:
            day -= _ONE_DAY
            n -= self.is_school_day(day)
        return None if n else day

    def is_working_day(self, day: date) -> bool:
        """Whether offices work: within a term as on a school day, in between Monday to Friday but for holidays."""
        if self.term_of(day) is not None:
            return self.is_school_day(day)
        return day.isoweekday() < 6 and not any(day in holiday for year in self.years for holiday in year.holidays)

    def first_school_day(self, term: Span) -> date:
        """The first day of ``term`` on which there is school; its first day when there is none."""
        return next((day for day in _days(term.first, term.last + _ONE_DAY) if self.is_school_day(day)), term.first)

    def nth_working_day_from(self, day: date, n: int) -> date:
        """The ``n``-th working day beyond ``day``, which itself does not count: after it, before it for ``n`` below 0,
        ``day`` itself for 0."""
        step, left = (_ONE_DAY if n > 0 else -_ONE_DAY), abs(n)
        while left:
            day += step
            left -= self.is_working_day(day)
        return day

    def is_vacation(self, day: date) -> bool:
        """Whether the day lies between two terms told."""
        return self.knows(day) and self.term_of(day) is None

    def knows(self, day: date) -> bool:
        """Whether the day lies between the first and the last day of the terms told."""
        terms = [term for year in self.years for term in year.terms]
        return bool(terms) and terms[0].first <= day <= terms[-1].last

    def term_of(self, day: date) -> Span | None:
        """The term that contains the day, None in between."""
        return next((term for year in self.years for term in year.terms if day in term), None)


class ToldYear(NamedTuple):
    """A school year as one place tells it: the division's code, or a school's own in it."""

    place: str
    school: str | None
    school_year: int
    content: str


def calendar_for(told: Iterable[ToldYear], division: str, school: str | None) -> SchoolCalendar:
    """The calendar of a school in a division: of each school year its own, else that of the smallest division around
    it. Raises CalendarError when years that do not fit together meet."""
    return calendar_of(years_for(told, division, school).values())


def months_on(day: date, months: int) -> date:
    """The same day some months on (or back), or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, months_of.monthrange(year, month + 1)[1]))


def years_for(told: Iterable[ToldYear], division: str, school: str | None) -> dict[int, str]:
    """School year → the content that counts for a school in a division, or for the division itself."""
    best: dict[int, tuple[tuple[bool, int], str]] = {}
    for each in told:
        own, around = each.school is not None and each.school == school, area(each.place)
        if not own and (each.school is not None or not division.startswith(around)):
            continue
        rank = (own, len(around))
        if each.school_year not in best or rank > best[each.school_year][0]:
            best[each.school_year] = (rank, each.content)
    return {school_year: content for school_year, (_, content) in sorted(best.items())}


def calendar_of(contents: Iterable[str]) -> SchoolCalendar:
    """The calendar of several school years. Raises CalendarError, also when their terms overlap."""
    years = sorted((read_year(content) for content in contents), key=lambda year: year.terms[0].first)
    _in_order([term for year in years for term in year.terms])
    return SchoolCalendar(tuple(years))


def read_year(content: str) -> CalendarYear:
    """One school year, checked. Raises CalendarError."""
    try:
        year = msgspec.json.decode(content, type=CalendarYear)
    except msgspec.MsgspecError as wrong:
        raise CalendarError(f"校历格式不正确:{wrong}", f"The calendar is out of form: {wrong}") from None
    if not year.terms:
        raise CalendarError("校历至少要有一个学期", "A calendar has at least one term.")
    if max(len(year.terms), len(year.holidays), len(year.made_up)) > SPANS_MOST:
        raise CalendarError(f"校历每类最多{SPANS_MOST}项", f"A calendar has at most {SPANS_MOST} entries of a kind.")
    for span in (*year.terms, *year.holidays):
        if span.first > span.last or not 1 <= len(span.name) <= NAME_CHARACTERS:
            raise CalendarError(
                f"“{span.name}”的起止日期或名称不正确", f"The days or the name of “{span.name}” cannot be."
            )
    if any(not 1 <= weekday <= 7 for weekday in year.rest_weekdays) or len(set(year.rest_weekdays)) > 6:
        raise CalendarError("每周休息日应为1至7,且至少有一天上课", "Weekly rest days are 1 to 7, and not all of them.")
    _in_order(year.terms)
    outside = [day for day in year.made_up if not any(day in term for term in year.terms)]
    if outside:
        raise CalendarError(f"补课日{outside[0]}不在任何学期内", f"The made-up day {outside[0]} lies in no term.")
    return year


def canonical(year: CalendarYear) -> str:
    """The one text of a school year: keys in order, days in order, nothing else."""
    told = msgspec.to_builtins(
        msgspec.structs.replace(
            year,
            holidays=tuple(sorted(year.holidays, key=lambda span: (span.first, span.last, span.name))),
            made_up=tuple(sorted(set(year.made_up))),
            rest_weekdays=tuple(sorted(set(year.rest_weekdays))),
        )
    )
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _in_order(terms: Sequence[Span]) -> None:
    for before, after in pairwise(terms):
        if after.first <= before.last:
            raise CalendarError(
                f"学期“{before.name}”与“{after.name}”重叠或次序颠倒",
                f"The terms “{before.name}” and “{after.name}” overlap or are out of order.",
            )


def _days(begin: date, end: date) -> Iterable[date]:
    return (begin + timedelta(days=offset) for offset in range((end - begin).days))
