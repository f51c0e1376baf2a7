"""Takes work that waits, and finds the list rows it touches: what changed beside them, or every row on a new day and by
a new model, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from services.matching.block_keys import number_key
from services.matching.households import HouseholdWork, touched_by_households
from services.matching.index_rows import page, touched
from services.matching.ruled_rows import ruled_about
from shared.eventsourcing.store import Cause

WORK_ROWS = 1_000
DAY_ROWS = 2_000
OWN_NUMBER = number_key("")
_TAKE = """
DELETE FROM matching_work WHERE id IN (
    SELECT id FROM matching_work WHERE kind NOT IN ('day', 'model') ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING id, kind, entity, numbers, keys, households, cause_id, cause_recorded_at, traceparent,
            EXISTS (SELECT FROM matching_work WHERE kind IN ('day', 'model')) AS every_row_waits
"""


class Taken(NamedTuple):
    """Work taken: the rows to decide, the latest cause, the first of the work rows it settles, and whether more may
    wait already: what comes later is notified. ``beside``: those of the rows that only share a name, a birth date or a
    school with one of the ``students`` who changed."""

    entries: list[UUID]
    cause: Cause
    first_work_id: int
    more: bool
    beside: frozenset[UUID] = frozenset()
    students: frozenset[UUID] = frozenset()


def take(raw: psycopg.Connection[Any]) -> Taken | None:
    """Take the oldest work that nobody else holds, and find the list rows it touches."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        work: list[Any] = cursor.execute(_TAKE, (WORK_ROWS,)).fetchall()
    if not work:
        return None
    numbers = {number for row in work for number in row.numbers}
    keys = {key for row in work for key in row.keys}
    households = {household for row in work for household in row.households}
    students = {row.entity for row in work if row.kind == "student"}
    sharing = touched(raw, students, keys, numbers, households)
    entries = {row.entity for row in work if row.kind == "entry"} | {row for row, near in sharing.items() if near}
    entries |= ruled_about(raw, students)
    entries |= touched_by_households(raw, _household_work(work, numbers, keys))
    beside = frozenset(sharing.keys() - entries)
    latest = max(work, key=lambda row: (row.cause_recorded_at, row.id))
    more = len(work) == WORK_ROWS or work[0].every_row_waits
    return Taken(
        sorted(entries | beside), _cause(latest), min(row.id for row in work), more, beside, frozenset(students)
    )


def _household_work(work: Sequence[Any], numbers: set[str], keys: set[str]) -> HouseholdWork:
    """A student is a member of a household by her id or by her number: of those she had, the keys tell."""
    of_kind = {kind: [row.entity for row in work if row.kind == kind] for kind in ("student", "household", "entry")}
    own = {key.removeprefix(OWN_NUMBER) for key in keys if key.startswith(OWN_NUMBER)}
    return HouseholdWork(of_kind["student"], of_kind["household"], of_kind["entry"], numbers | own)


def take_every_row(raw: psycopg.Connection[Any]) -> Taken | None:
    """A new day or a new model: decide every list row again, a page at a time; the work row remembers how far."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        work: Any = cursor.execute(
            "SELECT id, entity, cause_id, cause_recorded_at, traceparent FROM matching_work"
            " WHERE kind IN ('day', 'model') ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        ).fetchone()
    if work is None:
        return None
    entries = page(raw, work.entity, DAY_ROWS)
    if len(entries) < DAY_ROWS:
        raw.execute("DELETE FROM matching_work WHERE id = %s", (work.id,))
    else:
        raw.execute("UPDATE matching_work SET entity = %s WHERE id = %s", (entries[-1], work.id))
    # The page's last row makes the command of each page another one.
    ordinal = work.id if not entries else work.id * (1 << 32) + entries[-1].int % (1 << 31)
    return Taken(entries, _cause(work), ordinal, True)


def _cause(row: Any) -> Cause:
    event_id: UUID = row.cause_id
    recorded_at: datetime = row.cause_recorded_at
    return Cause(event_id, recorded_at, row.traceparent)
