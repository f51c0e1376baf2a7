"""What people ruled, as the decider reads it: one row per list row that somebody spoke about, written in the
transaction of the event, so that it never lags behind. Derived from the streams of rulings alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import namedtuple_row

from services.matching.rulings import InForce, Ruled, Ruling, in_force
from services.matching.work import CHANNEL

STEPS: tuple[tuple[str, str], ...] = (
    (
        "matching-0002-rulings",
        """
CREATE TABLE ruled_rows (
    entry_id uuid PRIMARY KEY,
    version integer NOT NULL,
    rulings bytea NOT NULL,
    students uuid[] NOT NULL,
    asked_by text[] NOT NULL
);
CREATE INDEX ruled_rows_by_student ON ruled_rows USING gin (students);
GRANT SELECT, INSERT, UPDATE ON ruled_rows TO rollcall_app;
GRANT SELECT ON ruled_rows TO rollcall_worker;
-- A ruling is decided at once: its work is noted with it.
GRANT INSERT ON matching_work TO rollcall_app;
GRANT USAGE ON SEQUENCE matching_work_id_seq TO rollcall_app;
""",
    ),
)
_KEEP = """
INSERT INTO public.ruled_rows (entry_id, version, rulings, students, asked_by) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (entry_id) DO UPDATE SET version = excluded.version, rulings = excluded.rulings,
students = excluded.students, asked_by = excluded.asked_by
"""
# The event has its recorded_at from the sequencer only later, but before that of any decision, which is appended after.
_ENQUEUE = """
INSERT INTO public.matching_work (kind, entity, numbers, keys, households, cause_id, cause_recorded_at, traceparent)
VALUES ('entry', %s, '{}', '{}', '{}', %s, clock_timestamp(), %s)
"""


class RuledRow(NamedTuple):
    """What people said about one row, as it stands."""

    version: int
    rulings: tuple[Ruling, ...]
    asked_by: tuple[str, ...]


def keep(raw: psycopg.Connection[Any], entry_id: UUID, ruled: Ruled) -> None:
    """Note what stands now, in the transaction that appends it."""
    students = sorted(in_force(ruled.rulings).students)
    encoded = msgspec.json.encode(ruled.rulings)
    raw.execute(_KEEP, (entry_id, ruled.version, encoded, students, list(ruled.asked_by)))


def enqueue(raw: psycopg.Connection[Any], entry_id: UUID, cause_id: UUID, traceparent: str | None) -> None:
    """Let the row be decided again because of this event."""
    raw.execute(_ENQUEUE, (entry_id, cause_id, traceparent))
    raw.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def ruled_rows(raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> dict[UUID, RuledRow]:
    """What people said about these rows; rows nobody spoke about are absent."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        found: list[Any] = cursor.execute(
            "SELECT entry_id, version, rulings, asked_by FROM public.ruled_rows WHERE entry_id = ANY(%s)",
            (list(entries),),
        ).fetchall()
    return {
        row.entry_id: RuledRow(
            row.version, msgspec.json.decode(row.rulings, type=tuple[Ruling, ...]), tuple(row.asked_by)
        )
        for row in found
    }


def rulings_in_force(raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> dict[UUID, InForce]:
    """What the rulings about these rows come to; rows without one that stands are absent."""
    return {entry: in_force(row.rulings) for entry, row in ruled_rows(raw, entries).items() if row.rulings}


def ruled_about(raw: psycopg.Connection[Any], students: Collection[UUID]) -> set[UUID]:
    """The rows with a ruling that names one of these students: they may share no key with her (any more)."""
    if not students:
        return set()
    found = raw.execute("SELECT entry_id FROM public.ruled_rows WHERE students && %s::uuid[]", (list(students),))
    return {row[0] for row in found}
