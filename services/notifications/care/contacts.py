"""When somebody last looked after the care record of a child (留守儿童档案): the day, and nothing of what it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from pydantic import BaseModel
from sqlalchemy import Column, Connection, Date, Text, select, text

from services.notifications.signals.memory import rules_on
from services.registry.events import CounsellingNoted, GuardianshipChanged
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact
from shared.web.pages import PageTurn

# One row per child with a care record. ``heard_on`` is the day of the last entry, its own day, whenever it was told.
CONTACTS = PeriodTable(
    "care_contacts",
    "registry",
    [Column("heard_on", Date), Column("division_code", Text), Column("school_code", Text)],
)
NEVER = date(1, 1, 1)

_CHILDREN = """
FROM children c
LEFT JOIN care_contacts k ON k.entity = c.entity AND k.valid_from <= :day AND k.valid_to > :day
WHERE c.valid_from <= :day AND c.valid_to > :day AND c.status = 'enrolled' AND c.left_behind
"""
_ROWS = text(f"""
SELECT * FROM (
    SELECT c.entity AS student_id, coalesce(c.name_masked, '') AS name, c.school_code, c.grade, c.class_name,
           c.division_code, k.heard_on, coalesce(k.heard_on, DATE '0001-01-01') AS since {_CHILDREN}
) AS child
WHERE (CAST(:school AS text) IS NULL OR school_code = :school)
  AND (CAST(:before AS date) IS NULL OR since < :before)
  AND (CAST(:after_day AS date) IS NULL OR (since, student_id) > (:after_day, CAST(:after_id AS uuid)))
ORDER BY since, student_id LIMIT :count
""")
_DUE_BY_CLASS = f"""
SELECT c.school_code, min(c.division_code), count(*), coalesce(c.stage, ''), c.grade, c.class_name {_CHILDREN}
  AND coalesce(k.heard_on, DATE '0001-01-01') < :before
  AND c.school_code <> '' AND c.grade <> '' AND c.class_name <> ''
GROUP BY c.school_code, 4, c.grade, c.class_name ORDER BY c.school_code, 4, c.grade, c.class_name
"""
_DUE_BY_SCHOOL = f"""
SELECT c.school_code, min(c.division_code), count(*) {_CHILDREN}
  AND coalesce(k.heard_on, DATE '0001-01-01') < :before AND c.school_code IS NOT NULL
GROUP BY c.school_code ORDER BY c.school_code
"""


class LeftBehindRow(BaseModel):
    """A left-behind child at school. ``heard_on``: the last day on record, None = there is no care record yet.
    ``days``: since then; ``due``: longer than the rules allow, or never."""

    student_id: UUID
    name: str
    school_code: str | None
    grade: str | None
    class_name: str | None
    division_code: str | None
    heard_on: date | None
    days: int | None
    due: bool


class DueAt(NamedTuple):
    """How many left-behind children of a school, or of one class of it, are to be asked after."""

    school_code: str
    division_code: str | None
    children: int
    stage: str = ""
    grade: str = ""
    class_name: str = ""


def told(event: Recorded) -> Iterable[Assertion]:
    """An entry of a care record. Only that there is one, and when: nothing sealed is opened."""
    fact: GuardianshipChanged | CounsellingNoted = event.fact
    values = {"heard_on": event.effective_on, "division_code": fact.division_code, "school_code": fact.school_code}
    yield Assertion(CONTACTS, fact.student_id, event.effective_on, values)


CONTACT_FOLDS: Mapping[type[Fact], Fold] = {GuardianshipChanged: told, CounsellingNoted: told}


def contact_days(connection: Connection, day: date) -> int | None:
    """How long a child may go unheard by the rules in force on the day; None before the first. ``connection`` reads
    the watching policy's memory."""
    standing = rules_on(connection, day)
    return None if standing is None else standing.rules.contact_days


def left_behind(
    connection: Connection, day: date, turn: PageTurn, allowed: int, *, due: bool, school: str | None
) -> list[LeftBehindRow]:
    """At most ``turn.fetch`` left-behind children, who was not heard of for longest first; ``due``: only those beyond
    ``allowed`` days. Raises Malformed for another list's cursor."""
    before = day - timedelta(days=allowed)
    after = turn.after
    if after is not None:
        turn.beyond(CONTACTS.c.heard_on, CONTACTS.c.entity)
    rows = connection.execute(
        _ROWS,
        {
            "day": day,
            "school": school,
            "before": before if due else None,
            "after_day": None if after is None else after[0],
            "after_id": None if after is None else after[1],
            "count": turn.fetch,
        },
    )
    return [_row(row, day, before) for row in rows]


def _row(row: Any, day: date, before: date) -> LeftBehindRow:
    return LeftBehindRow(
        student_id=row.student_id,
        name=row.name,
        school_code=row.school_code,
        grade=row.grade,
        class_name=row.class_name,
        division_code=row.division_code,
        heard_on=row.heard_on,
        days=None if row.heard_on is None else (day - row.heard_on).days,
        due=row.heard_on is None or row.heard_on < before,
    )


def last_heard(connection: Connection, day: date, student_id: UUID) -> date | None:
    """The last entry of one child's care record by the day; None when there is none, or the viewer may not see her."""
    statement = select(CONTACTS.c.heard_on).where(CONTACTS.c.entity == student_id, CONTACTS.holds_on(day))
    return connection.execute(statement).scalar_one_or_none()


def due_by_school(raw: psycopg.Connection[Any], day: date, allowed: int) -> Sequence[DueAt]:
    """The schools that have somebody to ask after. ``raw`` finds the tables of the alerts view."""
    return _due(raw, _DUE_BY_SCHOOL, day, allowed)


def due_by_class(raw: psycopg.Connection[Any], day: date, allowed: int) -> Sequence[DueAt]:
    """The classes that have, as far as their children have one."""
    return _due(raw, _DUE_BY_CLASS, day, allowed)


def _due(raw: psycopg.Connection[Any], query: str, day: date, allowed: int) -> Sequence[DueAt]:
    statement = query.replace(":day", "%(day)s").replace(":before", "%(before)s")
    before = day - timedelta(days=allowed)
    return [DueAt(*row) for row in raw.execute(statement.encode(), {"day": day, "before": before})]
