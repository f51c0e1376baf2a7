"""Attendance of a class on a day: what may be reported, and what a second report means. Pure rules.

The last report of a class and day counts; those before stay on record. Whether the day was a school day is noted and
never refused: a class that came on a Saturday came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.registry.life_errors import DayInFuture, DayTooLongAgo, ListIncomplete, NamedTwice, NotInClass
from services.registry.life_events import AbsenceReason, ClassAttendanceReported

YEARS_BACK = 2


class Absent(NamedTuple):
    student_id: UUID
    reason: AbsenceReason
    half_day: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One class on one day. ``stage`` may be left out where the school has one class of that name. ``full``: every
    child is named, as absent or in ``present``. Who came late was there all the same."""

    school_code: str
    grade: str
    class_name: str
    day: date
    absent: tuple[Absent, ...] = ()
    late: tuple[UUID, ...] = ()
    present: tuple[UUID, ...] = ()
    full: bool = False
    stage: str | None = None

    @property
    def named(self) -> list[UUID]:
        """Every child the report names, late ones who are in the full list once."""
        there = set(self.present)
        return [*(each.student_id for each in self.absent), *self.present, *(x for x in self.late if x not in there)]


class ClassOnDay(NamedTuple):
    """A class as it was on the day: where it belongs, and who was in it."""

    school_code: str
    division_code: str
    stage: str | None
    grade: str
    class_name: str
    members: frozenset[UUID]


def check_day(day: date, today: date) -> None:
    """Raises DayInFuture, DayTooLongAgo."""
    if day > today:
        raise DayInFuture(day)
    earliest = _years_before(today)
    if day < earliest:
        raise DayTooLongAgo(day, earliest)


def check_named(report: Report, members: Collection[UUID]) -> None:
    """Raises NamedTwice, NotInClass, ListIncomplete."""
    named = report.named
    if twice := sorted({each for each in named if named.count(each) > 1} | _twice(report.late)):
        raise NamedTwice(twice)
    if strangers := sorted(set(named) - set(members)):
        raise NotInClass(strangers, report.day)
    listed = {*(each.student_id for each in report.absent), *report.present}
    if report.full and (missing := sorted(set(members) - listed)):
        raise ListIncomplete(missing)


def stated(report: Report, at: ClassOnDay, school_day: bool | None, reported_by: str) -> ClassAttendanceReported:
    """The report as a fact; children by id, so that the same report is always the same fact."""
    absences: dict[str, tuple[UUID, ...]] = {}
    for reason in sorted({each.reason for each in report.absent}):
        absences[reason] = tuple(sorted(each.student_id for each in report.absent if each.reason == reason))
    return ClassAttendanceReported(
        school_code=at.school_code,
        division_code=at.division_code,
        stage=at.stage,
        grade=at.grade,
        class_name=at.class_name,
        members=len(at.members),
        full=report.full,
        absences=absences,
        half_day=tuple(sorted(each.student_id for each in report.absent if each.half_day)),
        late=tuple(sorted(report.late)),
        present=tuple(sorted(report.present)),
        school_day=school_day,
        reported_by=reported_by,
    )


def remarkable(fact: ClassAttendanceReported) -> set[UUID]:
    """The children a report says something about: absent or late."""
    return {*fact.late, *(each for ids in fact.absences.values() for each in ids)}


def report_class(
    before: ClassAttendanceReported | None, now: ClassAttendanceReported
) -> ClassAttendanceReported | None:
    """What a report means after the one before: itself, a correction that names who is cleared, or nothing when both
    say the same of every child."""
    if before is None:
        return now
    if _said(before) == _said(now):
        return None
    cleared = tuple(sorted(remarkable(before) - remarkable(now)))
    fields = {name: getattr(now, name) for name in now.__struct_fields__} | {"cleared": cleared}
    return ClassAttendanceReported(**fields)


def _said(fact: ClassAttendanceReported) -> tuple[object, ...]:
    return fact.full, fact.absences, fact.half_day, fact.late, fact.present


def _twice(ids: Iterable[UUID]) -> set[UUID]:
    seen: set[UUID] = set()
    return {each for each in ids if each in seen or seen.add(each)}  # type: ignore[func-returns-value]


def _years_before(day: date) -> date:
    try:
        return day.replace(year=day.year - YEARS_BACK)
    except ValueError:  # 29 February
        return day.replace(year=day.year - YEARS_BACK, day=28)
