"""A past period read back and judged anew by other thresholds: who, by which kind, when, and what became of them.

It reads the policy's memory as the worker, because that memory tells no scope: the places are given, and only counts
leave this module. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.errors import TooManyChildren
from services.notifications.events import AlertKind
from services.notifications.signals.attendance_memory import days_of
from services.notifications.signals.memory import Calendars
from services.notifications.signals.reasons import Schooling
from services.notifications.signals.rules import AlertRules
from services.notifications.whatif.trying import tried
from services.notifications.whatif.verdicts import Course
from shared.database.scopes import Scope

CHUNK_CHILDREN = 500
CHILDREN_MOST = 40_000  # named absent in the period: about 20 s of one core, no request should take more


class Past(NamedTuple):
    """The period, both days included, and the places looked at."""

    first: date
    last: date
    scope: Scope
    school: str | None = None


class Found(NamedTuple):
    """One alert that would have been raised."""

    kind: AlertKind
    school_code: str
    course: Course


class Acts(NamedTuple):
    """What else is known of the children: days on which somebody acted for them, and on which they dropped out."""

    acted: Mapping[UUID, Sequence[date]]
    dropped_out: Mapping[UUID, Sequence[date]]


_NAMED = text("""
SELECT DISTINCT a.student_id FROM absences a JOIN class_days d ON d.entity = a.class_day
WHERE a.reason IS NOT NULL AND a.day BETWEEN :first AND :last
  AND (d.division_code ^@ CAST(:division AS text) OR d.school_code = :own)
  AND (CAST(:school AS text) IS NULL OR d.school_code = :school)
ORDER BY a.student_id LIMIT :limit
""")

# Where she was enrolled last within the period.
_ENROLLED = text("""
SELECT DISTINCT ON (entity) entity, status, since, event_id, stage, division_code, school_code
FROM schooling WHERE entity = ANY(:students) AND status = 'enrolled' AND valid_from <= :last
ORDER BY entity, valid_from DESC
""")


def children(connection: Connection, past: Past) -> list[UUID]:
    """Who was named absent in the period by a class of the place. Raises TooManyChildren."""
    values = {
        "first": past.first,
        "last": past.last,
        "division": past.scope.division,
        "own": past.scope.school,
        "school": past.school,
        "limit": CHILDREN_MOST + 1,
    }
    found = list(connection.execute(_NAMED, values).scalars())
    if len(found) > CHILDREN_MOST:
        raise TooManyChildren(
            f"该范围内缺勤学生超过 {CHILDREN_MOST} 人,请选择学校或缩短时段",
            f"more than {CHILDREN_MOST} children were absent; choose a school or a shorter period",
        )
    return found


def would_have_been(
    connection: Connection, past: Past, students: Sequence[UUID], rules: AlertRules, calendars: Calendars, acts: Acts
) -> Iterator[Found]:
    """Every alert these rules would have raised about these students in the period."""
    first, last = past.first.toordinal(), past.last.toordinal()
    for begin in range(0, len(students), CHUNK_CHILDREN):
        some = list(students[begin : begin + CHUNK_CHILDREN])
        enrolled = {
            student: Schooling(student, status, since, event_id, stage, division or "", school, None)
            for student, status, since, event_id, stage, division, school in connection.execute(
                _ENROLLED, {"students": some, "last": past.last}
            )
        }
        for student, days in days_of(connection, enrolled, rules, calendars, past.last).items():
            place = enrolled[student]
            thresholds = rules.at(place.division_code, place.stage)
            time = calendars.time(place.division_code, place.school_code)
            for each in tried(days.child, thresholds, time, first, last):
                course = _course(each.raised_on, each.returned_on, student, acts)
                yield Found(each.kind, place.school_code or "", course)


def _course(raised_on: date, returned_on: date | None, student: UUID, acts: Acts) -> Course:
    reason = None if returned_on is None else "attending_again"
    dropped_out = _first(acts.dropped_out.get(student, ()), raised_on)
    if returned_on is not None and dropped_out is not None and dropped_out > returned_on:
        dropped_out = None  # another time
    return Course(raised_on, returned_on, reason, _first(acts.acted.get(student, ()), raised_on), dropped_out)


def _first(days: Sequence[date], since: date) -> date | None:
    return min((day for day in days if day >= since), default=None)


_ACTED = text("""
SELECT student_id, acted_on, confirmed_on FROM alert_outcomes
WHERE student_id = ANY(:students) AND (acted_on IS NOT NULL OR confirmed_on IS NOT NULL)
""")
_DROPPED_OUT = text("SELECT entity, left_on FROM told_dropouts WHERE entity = ANY(:students) AND left_on IS NOT NULL")


def acts_of(connection: Connection, students: Sequence[UUID]) -> Acts:
    """From the figures' own tables, within the viewer's scope."""
    acted: dict[UUID, list[date]] = defaultdict(list)
    dropped_out: dict[UUID, list[date]] = defaultdict(list)
    for student, acted_on, confirmed_on in connection.execute(_ACTED, {"students": list(students)}):
        if acted_on is not None:
            acted[student].append(acted_on)
        if confirmed_on is not None:
            dropped_out[student].append(confirmed_on)
    for student, left_on in connection.execute(_DROPPED_OUT, {"students": list(students)}):
        dropped_out[student].append(left_on)
    return Acts(acted, dropped_out)
