"""The memory read back as of a cut: rows in, plain facts out, in the order in which they are true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.reports.cuts import Cut
from services.notifications.reports.report_facts import ACTS, AID, CLASS_REPORTS, LIVES, PLACES, REGISTER_DAYS, YEARS
from services.notifications.signals.memory import Calendars
from shared.eventsourcing.periods import PeriodTable
from shared.standards.school_calendar import ToldYear

ROWS_AT_ONCE = 5_000


class Said(NamedTuple):
    """What the register said of a student; ``what`` as in report_facts.LIVES."""

    on: date
    what: str
    division: str | None
    school: str | None
    stage: str | None
    grade: str | None
    class_name: str | None
    left_behind: bool | None


class Act(NamedTuple):
    """A step of an alert; ``what`` and ``value`` as in report_facts.ACTS. The last four are told by ``raised`` only."""

    alert: UUID
    on: date
    what: str
    value: str | None
    student: UUID | None
    entry: UUID | None
    division: str | None
    school: str | None


class ClassDay(NamedTuple):
    """A class told of a day."""

    school: str
    stage: str
    grade: str
    class_name: str
    day: date


class Schools(NamedTuple):
    """School → its division, and the schools that were open on the last day."""

    division: dict[str, str]
    open: frozenset[str]


def _select(table: PeriodTable, columns: str, cut: Cut, where: str, order: str) -> tuple[str, dict[str, object]]:
    condition, values = cut.condition(table.log)
    return f"SELECT {columns} FROM {table.name} WHERE {condition} AND {where} ORDER BY {order}", values


def lives(connection: Connection, cut: Cut, until: date, school: str | None) -> Iterator[tuple[UUID, list[Said]]]:
    """Each student with what was said of her until a day; with ``school``, those who ever were there."""
    there = f"(CAST(:school AS text) IS NULL OR stream IN (SELECT stream FROM {LIVES.name} WHERE school = :school))"
    columns = "stream, valid_from, what, division, school, stage, grade, class_name, left_behind"
    query, values = _select(LIVES, columns, cut, f"valid_from <= :until AND {there}", "stream, valid_from, log_index")
    statement = text(query).execution_options(yield_per=ROWS_AT_ONCE)
    rows = connection.execute(statement, values | {"until": until, "school": school})
    for student, said in groupby(rows, key=lambda row: row[0]):
        yield student, [Said(*row[1:]) for row in said]


def acts(connection: Connection, cut: Cut, until: date) -> dict[UUID, list[Act]]:
    """Alert → its steps until a day, in order."""
    columns = "stream, valid_from, what, value, student_id, entry_id, division, school"
    where = "valid_from <= :until AND what NOT IN ('rules', 'plan', 'day')"
    query, values = _select(ACTS, columns, cut, where, "stream, valid_from, log_index")
    found: dict[UUID, list[Act]] = defaultdict(list)
    for row in connection.execute(text(query), values | {"until": until}):
        found[row[0]].append(Act(*row))
    return found


def aided(connection: Connection, cut: Cut, until: date) -> dict[UUID, set[str]]:
    """Student, or listed child in no register, → the lists she is on at the end of ``until``. How a row was decided
    last counts, as on the board."""
    columns = "entry_id, student_id, list, holds, ends_on"
    query, values = _select(AID, columns, cut, "valid_from <= :until", "log_index")
    standing: dict[tuple[UUID, UUID | None], tuple[str, date | None] | None] = {}
    for entry, student, name, holds, ends_on in connection.execute(text(query), values | {"until": until}):
        if holds and student is not None:
            standing[entry, None] = None  # the row is about somebody of the register now
        standing[entry, student] = (name, ends_on) if holds else None
    found: dict[UUID, set[str]] = defaultdict(set)
    for (entry, student), told in standing.items():
        if told is not None and (told[1] is None or told[1] > until):
            found[student or entry].add(told[0])
    return found


def class_days(connection: Connection, cut: Cut, first: date, last: date, school: str | None) -> Iterator[ClassDay]:
    """The days classes told of, each once."""
    columns = "DISTINCT school, coalesce(stage, '') AS stage, grade, class_name, valid_from"
    where = "valid_from BETWEEN :first AND :last AND (CAST(:school AS text) IS NULL OR school = :school)"
    query, values = _select(CLASS_REPORTS, columns, cut, where, "school")
    asked = values | {"first": first, "last": last, "school": school}
    for row in connection.execute(text(query).execution_options(yield_per=ROWS_AT_ONCE), asked):
        yield ClassDay(*row)


def schools(connection: Connection, cut: Cut, until: date) -> Schools:
    """As registered or closed last until a day."""
    query, values = _select(PLACES, "school, division, closed", cut, "valid_from <= :until", "valid_from, log_index")
    division: dict[str, str] = {}
    opened: set[str] = set()
    for school, place, closed in connection.execute(text(query), values | {"until": until}):
        division[school] = place
        (opened.discard if closed else opened.add)(school)
    return Schools(division, frozenset(opened))


def calendars(connection: Connection, cut: Cut) -> Calendars:
    """The school years as told last, each of its place."""
    columns = "DISTINCT ON (stream) place, school, school_year, content"
    query, values = _select(YEARS, columns, cut, "true", "stream, log_index DESC")
    return Calendars(ToldYear(*row) for row in connection.execute(text(query), values))


def version(connection: Connection, cut: Cut, what: str, until: date) -> str | None:
    """The hash of the ``rules`` or the ``plan`` in force on a day."""
    query, values = _select(
        ACTS, "value", cut, "what = :what AND valid_from <= :until", "valid_from DESC, log_index DESC LIMIT 1"
    )
    found: str | None = connection.execute(text(query), values | {"what": what, "until": until}).scalar_one_or_none()
    return found


def opened(connection: Connection, cut: Cut) -> date | None:
    """The last day that both this service and the register have opened: nothing the register said before it is still on
    its way in the partition that tells. None before the first."""
    days: list[date] = []
    for table, where in ((ACTS, "what = 'day'"), (REGISTER_DAYS, "true")):
        query, values = _select(table, "valid_from", cut, where, "valid_from DESC LIMIT 1")
        days += connection.execute(text(query), values).scalars()
    return min(days) if len(days) == 2 else None


def first_opened(connection: Connection, cut: Cut) -> date | None:
    """The first day this installation lived through."""
    query, values = _select(ACTS, "valid_from", cut, "what = 'day'", "valid_from LIMIT 1")
    found: date | None = connection.execute(text(query), values).scalar_one_or_none()
    return found
