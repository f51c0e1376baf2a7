"""Attendance as schools report it: one line per class and school day, naming those absent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from random import Random

from simulation.families import grade_zh
from simulation.households import Student

HEADER = ("day", "school_code", "grade", "class", "class_size", "absent_count", "absent_student_numbers")
ABSENT_SHARE = 0.012  # on an ordinary day
ILL_FOR_DAYS_SHARE = 0.006  # one run of 3–7 days, and back again
STOPPED_SHARE = 0.0025  # stays away until the end: the children a dropout alert is for
SILENT_CLASS_SHARE = 0.01  # a class that stops reporting


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a student is away for days running, by position among the school days: [first, last]."""

    first: int
    last: int
    stopped: bool


@dataclass(slots=True)
class AttendanceTruth:
    """`stopped_on`: register row → first day of staying away. `silent_classes`: (school, grade, class, first day)."""

    stopped_on: dict[int, date]
    silent_classes: list[tuple[str, str, str, date]]


def school_days(as_of: date, weeks: int) -> list[date]:
    """Mondays to Fridays of the given number of weeks, up to and including the reference date."""
    days = (as_of - timedelta(days=back) for back in range(weeks * 7 - 1, -1, -1))
    return [day for day in days if day.weekday() < 5]


def class_days(
    rng: Random, students: list[Student], days: list[date], truth: AttendanceTruth
) -> Iterator[tuple[str | int, ...]]:
    """Lines in the order of HEADER, class by class, from students sorted by class; what is special goes to `truth`."""
    for (school, stage, grade, number), members in groupby(
        students, key=lambda s: (s.school.code, s.stage, s.grade, s.class_number)
    ):
        pupils = list(members)
        away = _away(rng, pupils, days, truth)
        silent_from = rng.randrange(len(days)) if days and rng.random() < SILENT_CLASS_SHARE else len(days)
        label = grade_zh(stage, grade)
        if silent_from < len(days):
            truth.silent_classes.append((school, label, f"{number}班", days[silent_from]))
        for place, day in enumerate(days[:silent_from]):
            absent = {
                pupil.row: pupil.student_number
                for pupil in pupils
                if (run := away.get(pupil.row)) is not None and run.first <= place <= run.last
            }
            for pupil in _absent_today(rng, pupils, place, away):
                absent[pupil.row] = pupil.student_number
            named = "|".join(absent[row] for row in sorted(absent))
            yield day.isoformat(), school, label, f"{number}班", len(pupils), len(absent), named


def _away(rng: Random, pupils: list[Student], days: list[date], truth: AttendanceTruth) -> dict[int, Absence]:
    away: dict[int, Absence] = {}
    if not days:
        return away
    for pupil in pupils:
        draw = rng.random()
        older = 3 if pupil.grade in (8, 9) else 1
        if draw < STOPPED_SHARE * older:
            first = rng.randrange(len(days))
            away[pupil.row] = Absence(first, len(days), True)
            truth.stopped_on[pupil.row] = days[first]
        elif draw < STOPPED_SHARE * older + ILL_FOR_DAYS_SHARE:
            first = rng.randrange(len(days))
            last = min(first + rng.randint(2, 6), len(days) - 2)
            away[pupil.row] = Absence(first, last, False)
    return away


def _absent_today(rng: Random, pupils: list[Student], place: int, away: dict[int, Absence]) -> list[Student]:
    expected = len(pupils) * ABSENT_SHARE
    count = int(expected) + (rng.random() < expected % 1)
    chosen = rng.sample(pupils, count) if count else []
    # Someone ill comes back for the last day, so that only those who stopped are away at the end of a run.
    return [pupil for pupil in chosen if pupil.row not in away]
