"""A report under way: each page leaves behind how far it came, in the transaction that keeps what it found, so that any
process goes on where another ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import namedtuple_row

from services.matching.model_diff import ChangedRow, Ending, Tally
from services.matching.model_proposals import ROW


@dataclass(frozen=True, slots=True)
class Begun:
    """A report being made, locked for this transaction. ``day`` and ``rows_total`` are None before its first page."""

    proposal_id: UUID
    content: bytes
    base_hash: str
    day: date | None
    rows_total: int | None
    done_until: UUID | None
    tally: Tally


def take(raw: psycopg.Connection[Any]) -> Begun | None:
    """The oldest report to make that nobody else works on, locked."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        row: Any = cursor.execute(
            "SELECT proposal_id, content, base_hash, day, rows_total, done_until, tally"
            " FROM public.model_proposals WHERE state = 'computing' ORDER BY proposed_at LIMIT 1 FOR UPDATE SKIP LOCKED"
        ).fetchone()
    if row is None:
        return None
    return Begun(
        row.proposal_id,
        row.content,
        row.base_hash,
        row.day,
        row.rows_total,
        row.done_until,
        Tally.of(msgspec.json.decode(row.tally)),
    )


def begin(raw: psycopg.Connection[Any], proposal_id: UUID, day: date, rows_total: int) -> None:
    """The first page is about to be made. Rows of reports that nobody can act on any more go."""
    raw.execute(
        "DELETE FROM public.model_changed_rows USING public.model_proposals AS p"
        " WHERE p.proposal_id = model_changed_rows.proposal_id AND p.state IN ('outdated', 'failed')"
    )
    raw.execute(
        "UPDATE public.model_proposals SET day = %s, rows_total = %s WHERE proposal_id = %s",
        (day, rows_total, proposal_id),
    )


def keep_page(
    raw: psycopg.Connection[Any],
    proposal_id: UUID,
    entries: Sequence[UUID],
    tally: Tally,
    changed: Sequence[ChangedRow],
) -> None:
    """A page is done, up to the last of its entries."""
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY public.model_changed_rows (proposal_id, {ROW}) FROM STDIN") as copy,
    ):
        for row in changed:
            copy.write_row((proposal_id, row.entry_id, *_columns(row.before), *_columns(row.after)))
    raw.execute(
        "UPDATE public.model_proposals SET tally = %s, rows_done = rows_done + %s,"
        " done_until = coalesce(%s, done_until) WHERE proposal_id = %s",
        (msgspec.json.encode(tally.as_json()), len(entries), entries[-1] if entries else None, proposal_id),
    )


def finish(raw: psycopg.Connection[Any], proposal_id: UUID, report: bytes, report_hash: str) -> None:
    """The report is complete."""
    raw.execute(
        "UPDATE public.model_proposals SET state = 'ready', finished_at = clock_timestamp(), report = %s,"
        " report_hash = %s WHERE proposal_id = %s",
        (report, report_hash, proposal_id),
    )


def fail(raw: psycopg.Connection[Any], proposal_id: UUID) -> None:
    """The report cannot be made."""
    raw.execute(
        "UPDATE public.model_proposals SET state = 'failed', finished_at = clock_timestamp() WHERE proposal_id = %s",
        (proposal_id,),
    )


def _columns(side: Ending) -> tuple[str, UUID | None, str, float]:
    return side.state, side.student_id, side.rule, side.score
