"""What the register's students count for: the ledger of school-age children, and the classes that should report. Pure.

School age is told by the stage a child is enrolled in (primary, junior), never by a birth date: what a person may have
erased must not change a report that was issued.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple

from services.notifications.reports.ledger_counts import Step, Unit
from services.notifications.reports.reading import ClassDay, Said
from services.notifications.reports.report_periods import Period

COMPULSORY = ("primary", "junior")
_PLACES = ("enrolled", "placed")
ClassKey = tuple[str, str, str, str]  # school, stage, grade, class


class Standing(NamedTuple):
    """A student from a day on."""

    on: date
    status: str
    division: str
    school: str
    stage: str
    grade: str
    class_name: str
    left_behind: bool
    way: str


def standings(said: Sequence[Said]) -> Iterator[Standing]:
    """Word by word: being placed says nothing of whether she is enrolled, leaving says nothing of where."""
    status, place = "", ("", "", "", "", "", False)
    for each in said:
        if each.what in _PLACES:
            place = (
                each.division or "", each.school or "", each.stage or "", each.grade or "", each.class_name or "",
                bool(each.left_behind),
            )  # fmt: skip
        if each.what != "placed":
            status = each.what
        yield Standing(each.on, status, *place, each.what)


def school_age_steps(life: Iterable[Standing], unit: Callable[[str, str], Unit]) -> Iterator[Step]:
    """Where she stands in the ledger of school-age children."""
    for each in life:
        inside = each.status == "enrolled" and each.stage in COMPULSORY
        yield Step(each.on, unit(each.division, each.school) if inside else None, each.way)


class ClassRolls:
    """How many students each class has on each day of a period."""

    def __init__(self, period: Period) -> None:
        self._first = period.first.toordinal()
        self._days = period.last.toordinal() - self._first + 1
        self._changes: dict[ClassKey, list[int]] = defaultdict(lambda: [0] * (self._days + 1))

    def add(self, life: Sequence[Standing]) -> None:
        """A student is of her class from each word to the next."""
        ends = [each.on for each in life[1:]] + [None]
        for each, end in zip(life, ends, strict=True):
            begin = max(each.on.toordinal() - self._first, 0)
            until = self._days if end is None else min(end.toordinal() - self._first, self._days)
            if each.status == "enrolled" and each.class_name and begin < until:
                changes = self._changes[each.school, each.stage, each.grade, each.class_name]
                changes[begin] += 1
                changes[until] -= 1

    def coverage(
        self, told: Iterable[ClassDay], school_days: Callable[[str], Sequence[date]]
    ) -> Iterator[tuple[str, int, int]]:
        """Per class: its school, the school days on which it should have told, and those on which it did."""
        heard: dict[ClassKey, set[int]] = defaultdict(set)
        for each in told:
            heard[each.school, each.stage, each.grade, each.class_name].add(each.day.toordinal() - self._first)
        for key in sorted(self._changes):
            members, there = 0, []
            for change in self._changes[key][: self._days]:
                members += change
                there.append(members > 0)
            due = {day.toordinal() - self._first for day in school_days(key[0])}
            due = {day for day in due if there[day]}
            yield key[0], len(due), len(due & heard[key])


def grade_on(life: Sequence[Standing], day: date) -> str:
    """The grade a student was in last by ``day``; empty when nothing tells."""
    return next((each.grade for each in reversed(life) if each.on <= day), "")
