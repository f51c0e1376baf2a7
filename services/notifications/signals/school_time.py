"""The school days of one calendar as day numbers (``date.toordinal``), laid out once: windows are then two look-ups."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date
from functools import lru_cache

from shared.standards.school_calendar import CalendarError, SchoolCalendar, Span, calendar_of

NO_CALENDAR = SchoolCalendar(())


class SchoolTime:
    """Where the calendar knows nothing, a day on which a class reported counts as a school day."""

    def __init__(self, calendar: SchoolCalendar) -> None:
        self.calendar = calendar
        self._terms: list[Span] = [term for year in calendar.years for term in year.terms]
        self._years = [year.terms[0].first.toordinal() for year in calendar.years]
        self._begins = [term.first.toordinal() for term in self._terms]
        self._ends = [term.last.toordinal() for term in self._terms]
        self._days = [
            day
            for begin, end in zip(self._begins, self._ends, strict=True)
            for day in range(begin, end + 1)
            if calendar.is_school_day(date.fromordinal(day))
        ]
        self._school_days = frozenset(self._days)

    def knows(self, day: int) -> bool:
        """Whether the day lies between the first and the last day of the terms told."""
        return bool(self._begins) and self._begins[0] <= day <= self._ends[-1]

    def counts(self, day: int, said: bool | None = None) -> bool:
        """Whether there was school; ``said``: what the report held of its day."""
        return day in self._school_days if self.knows(day) else said is not False

    def window_begin(self, last: int, count: int) -> int | None:
        """The first of the ``count`` school days that end with ``last``; None where the calendar does not tell."""
        place = bisect_right(self._days, last) - count
        return self._days[place] if self.knows(last) and place >= 0 else None

    def ended_before(self, day: int, count: int) -> list[int]:
        """The last ``count`` school days before ``day``, in order; fewer where the calendar does not reach."""
        place = bisect_left(self._days, day)
        return self._days[max(0, place - count) : place]

    def count_between(self, begin: int, end: int) -> int:
        """How many school days lie in [begin, end)."""
        return bisect_left(self._days, end) - bisect_left(self._days, begin)

    def term_of(self, day: int) -> tuple[str, int] | None:
        """The name and the first school day of the term around a day."""
        place = bisect_right(self._begins, day) - 1
        if place < 0 or day > self._ends[place]:
            return None
        first = bisect_left(self._days, self._begins[place])
        return self._terms[place].name, self._days[first] if first < len(self._days) else self._begins[place]

    def year_begin(self, day: int) -> int:
        """When the school year around ``day`` began; a 1 September where no calendar tells."""
        place = bisect_right(self._years, day) - 1
        if place >= 0 and day - self._years[place] < 370:
            return self._years[place]
        then = date.fromordinal(day)
        return date(then.year - (then.month < 9), 9, 1).toordinal()


@lru_cache(maxsize=512)
def school_time(contents: tuple[str, ...]) -> SchoolTime:
    """Of the contents of several school years; years that do not fit together tell nothing."""
    try:
        return SchoolTime(calendar_of(contents))
    except CalendarError:
        return SchoolTime(NO_CALENDAR)
