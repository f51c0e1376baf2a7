"""Rows that wait to be decided (again): noted in the transaction that changed what a decision rests on.

A change of a student touches her *block keys* (block_keys.py), one of a list row its identity number and household, one
of a registered household its members (households.py); every list row that shares one of these is decided anew. Keys
that the student's row still tells are not noted again. A work row carries its cause, so that what is decided stands
after it in time (invariant 5).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy
from sqlalchemy import ARRAY, DateTime, Text, Uuid

from services.matching.block_keys import school_keys
from services.matching.events import DayOpened
from services.matching.tables import COVERS, DECISIONS, ENTRIES, MEMBERS, STUDENTS
from shared.database.database import driver
from shared.eventsourcing.projection import Change, Recorded
from shared.hosting.figures import Gauge
from shared.messaging.writing import COPY_FROM, encoder_of

CHANNEL = "matching_work"
NOTIFIED_STUDENTS_MAX = 100  # more in one batch: an open roster is told to read itself again

STEPS: tuple[tuple[str, str], ...] = (
    (
        "matching-0001-work",
        """
CREATE TABLE matching_work (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('student', 'entry', 'day')),
    entity uuid,
    numbers text[] NOT NULL,
    names text[] NOT NULL,
    households uuid[] NOT NULL,
    cause_id uuid NOT NULL,
    cause_recorded_at timestamptz NOT NULL,
    traceparent text
);
-- What was last decided about each list row: written in the transaction that appends the decision.
CREATE TABLE decided (
    entry_id uuid PRIMARY KEY,
    version integer NOT NULL,
    state text,
    student_id uuid,
    content bytea NOT NULL
);
CREATE TABLE opened_day (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    day date NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON matching_work, decided, opened_day TO rollcall_worker;
GRANT USAGE ON SEQUENCE matching_work_id_seq TO rollcall_worker;
GRANT SELECT ON matching_work TO rollcall_app;
""",
    ),
    ("matching-0003-block-keys", "ALTER TABLE matching_work RENAME COLUMN names TO keys"),
    # False for what was decided before: such a row is looked at once more than it need be.
    ("matching-0006-by-number", "ALTER TABLE decided ADD COLUMN by_number boolean NOT NULL DEFAULT false"),
)

GAUGES = (
    Gauge(
        "rollcall_matching_backlog_changes",
        "Changes whose list rows wait to be decided",
        (),
        "SELECT count(*) FROM matching_work",
    ),
)

_COPY = (
    "COPY public.matching_work (kind, entity, numbers, keys, households, cause_id, cause_recorded_at, traceparent)"
    " FROM STDIN"
)
_INSERT = f"""
INSERT INTO public.matching_work (kind, entity, numbers, keys, households, cause_id, cause_recorded_at, traceparent)
VALUES (%s, %s, %s::text[], %s::text[], %s::uuid[], %s, %s, %s) RETURNING pg_notify('{CHANNEL}', '')
"""
_TYPES = (Text(), Uuid(), ARRAY(Text), ARRAY(Text), ARRAY(Uuid), Uuid(), DateTime(timezone=True), Text())
_ENCODERS = [encoder_of(kind) for kind in _TYPES]


def keys_left(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[str]:
    """The block keys of a student that her row of STUDENTS does not tell: those she had before and has no more, and the
    keys of her schools. Every key once she hides nobody any more. Sorted."""
    had, has = (set((row and row["block_keys"]) or ()) for row in (before, after))
    places = [school_keys(row["school_code"] or "", row["name_sound"] or "") for row in (before, after) if row]
    left = had | has if _hides_no_more(before, after) else had - has
    return sorted(left.union(*places))


def _hides_no_more(before: dict[str, Any] | None, after: dict[str, Any] | None) -> bool:
    """A present student hides the ended registrations of her name (candidates.py): when she leaves or is named
    otherwise, they may be meant by rows that could not mean them before, whatever these rows have to do with her."""
    if before is None or not before["enrolled"]:
        return False
    return after is None or not after["enrolled"] or before["match_name"] != after["match_name"]


def shared_by_entries(rows: Iterable[dict[str, Any] | None]) -> tuple[list[str], list[UUID]]:
    """Identity numbers and households of rows of ENTRIES, sorted: what other list rows may share with them."""
    known = [row for row in rows if row is not None]
    numbers = {row["id_number"] for row in known if row["id_number"]}
    households = {row["household_key"] for row in known if row["household_key"]}
    return sorted(numbers), sorted(households)


def enqueue(connection: sqlalchemy.Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
    """The roster's ``after``: note what each change touches, and a new day. Same transaction as the roster's rows."""
    raw = driver(connection)
    causes = {event.stream_id: event for event in events if event.service == "registry"}
    rows: list[tuple[Any, ...]] = []
    for change in changes:
        both = (change.before, change.after)
        whose = change.after["household_id"] if change.table is MEMBERS else change.entity
        cause = causes.get(whose)
        if cause is None or change.table not in (STUDENTS, ENTRIES, MEMBERS):
            continue
        if change.table is MEMBERS:
            numbers = sorted({row["id_number"] for row in both if row is not None and row["id_number"]})
            rows.append(("household", whose, numbers, [], [], *_cause(cause)))
        elif change.table is STUDENTS:
            rows.append(("student", change.entity, [], keys_left(*both), [], *_cause(cause)))
        else:  # a row is decided knowing who else carries its number and whether its household has other rows
            numbers, households = shared_by_entries(both)
            rows.append(("entry", change.entity, numbers, [], households, *_cause(cause)))
    for event in events:
        if isinstance(event.fact, DayOpened):
            raw.execute(
                "INSERT INTO public.opened_day (day) VALUES (%s)"
                " ON CONFLICT (single) DO UPDATE SET day = greatest(opened_day.day, excluded.day)",
                (event.fact.day,),
            )
            rows.append(("day", None, [], [], [], *_cause(event)))
    if rows:
        _keep(raw, rows)
    _tell_roster(raw, changes)


def _keep(raw: psycopg.Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    """Note these rows and wake the deciders: equal notices of one transaction are one."""
    if len(rows) < COPY_FROM:
        with raw.cursor() as cursor:
            cursor.executemany(_INSERT, rows)
        return
    lines = [
        "\t".join(["\\N" if value is None else encode(value) for encode, value in zip(_ENCODERS, row, strict=True)])
        for row in rows
    ]
    text = "\n".join([*lines, ""]).encode()  # ready before COPY begins (shared/messaging/writing.py)
    with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write(text)
    raw.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def _cause(event: Recorded) -> tuple[UUID, datetime, str | None]:
    return event.event_id, event.recorded_at, event.traceparent


def _tell_roster(raw: psycopg.Connection[Any], changes: Sequence[Change]) -> None:
    """The roster's rows are students: tell whom a changed decision or registration is about."""
    students: set[UUID] = set()
    for change in changes:
        if change.table is STUDENTS:
            students.add(change.entity)
        elif change.table in (DECISIONS, COVERS):
            for row in (change.before, change.after):
                if row is not None and row["student_id"] is not None:
                    students.add(row["student_id"])
    if not students:
        return
    told = sorted(students)[:NOTIFIED_STUDENTS_MAX]
    payload = {
        "projection": "roster",
        "table": "roster",
        "entities": [str(student) for student in told],
        "more": len(students) > len(told),
    }
    raw.execute("SELECT pg_notify('changed', %s)", (json.dumps(payload),))
