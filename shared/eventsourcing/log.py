"""Reading the log of one's own service in its order: for the relay, for replay, for audit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from shared.database.arrays import UuidArray
from shared.eventsourcing.event import Event, Logged

PAGE = 2_000

_READ = """
SELECT l.log_index, l.recorded_at, l.leaf, e.traceparent, e.event_id, e.stream_id, e.version, e.type, e.effective_on,
       e.principal, e.command_id, e.cause_id, e.cause_recorded_at, e.data
FROM log l JOIN events e ON e.position = l.position
WHERE l.log_index > %s AND l.log_index <= %s
ORDER BY l.log_index
"""
_READ_STREAMS = _READ.replace("l.log_index > %s AND l.log_index <= %s", "e.stream_id = ANY(%s) AND l.recorded_at <= %s")


class Entry(NamedTuple):
    """An event with its place in the log, and the trace it belongs to."""

    logged: Logged
    traceparent: str | None


class Head(NamedTuple):
    """How far a log goes: the last ``log_index``, and the moment (UTC) up to which nothing more will be recorded.
    ``source`` is None before the first sequencer."""

    source: str | None
    log_index: int
    closed_until: datetime


def head(raw: psycopg.Connection[Any]) -> Head:
    """The head of the log in this connection's database."""
    row = raw.execute("SELECT source, head, closed_until FROM sequencer_state", binary=True).fetchone()
    assert row is not None
    return Head(*row)


def checkpoint(raw: psycopg.Connection[Any], upto: int) -> str | None:
    """The signed note of the last checkpoint that covers no event behind index ``upto``; None before the first."""
    row = raw.execute(
        "SELECT note FROM log_checkpoints WHERE size <= %s ORDER BY size DESC LIMIT 1", (upto,)
    ).fetchone()
    return None if row is None else str(row[0])


def page(raw: psycopg.Connection[Any], source: str, after: int, limit: int = PAGE) -> list[Entry]:
    """The next ``limit`` entries behind log index ``after``; fewer at the end (without gaps, a range is a page)."""
    rows = raw.execute(_READ, (after, after + limit), binary=True)
    return [Entry(Logged(source, row[0], row[1], row[2], Event(*row[4:])), row[3]) for row in rows]


def entries(raw: psycopg.Connection[Any], *, after: int = 0, until: int | None = None) -> Iterator[Entry]:
    """The log in order, behind ``after`` up to and including index ``until`` (default: the head at the start)."""
    end = head(raw)
    if end.source is None:
        return
    last = end.log_index if until is None else min(until, end.log_index)
    while after < last:
        found = page(raw, end.source, after, min(PAGE, last - after))
        yield from found
        after = found[-1].logged.log_index


def index_known_at(raw: psycopg.Connection[Any], moment: datetime) -> int:
    """The last log index recorded at or before ``moment``, 0 when there is none."""
    row = raw.execute("SELECT coalesce(max(log_index), 0) FROM log WHERE recorded_at <= %s", (moment,)).fetchone()
    assert row is not None
    return int(row[0])


def of_streams(raw: psycopg.Connection[Any], stream_ids: Iterable[UUID], known_at: datetime) -> list[Entry]:
    """The events of these streams recorded at or before ``known_at``, in the order of the log."""
    end = head(raw)
    rows = raw.execute(_READ_STREAMS, (UuidArray(stream_ids), known_at), binary=True)
    return [Entry(Logged(end.source or "", row[0], row[1], row[2], Event(*row[4:])), row[3]) for row in rows]
