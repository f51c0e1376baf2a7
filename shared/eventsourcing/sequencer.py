"""The sequencer: one per service, gives every committed event its place (design.md §3, invariant 5).

One statement takes the next events in order of position, numbers them without gaps, times them, hashes their leaves
and writes the log, all inside the database: the rows travel nowhere. The leaf that event.py computes in Python is
written here a second time, in SQL; whoever verifies the log uses the other one, so neither can err alone.

Leadership is an advisory lock on the very connection that writes: who lost the connection lost both.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import psycopg

from shared.database.database import Database
from shared.eventsourcing.event import DATA_CONTENT_TYPE
from shared.eventsourcing.holes import Hole, Holes
from shared.kernel.failpoints import step
from shared.kernel.pacing import USUAL, Pace

BATCH_LIMIT = 5_000
POLL_SECONDS = 0.5  # for a wake-up that got lost
CLOSE_SECONDS = 1.0
LEADER_POLL_SECONDS = 0.5
IDLE_SESSION_SECONDS = 15
RECONNECT_SECONDS = (0.1, 0.5, 1.0, 2.0)
_LEADER_LOCK = 0x53657175656E6365

_logger = logging.getLogger(__name__)


def _field(expression: str) -> str:
    """One attribute in leaf order: a 4-byte length and the text's bytes, or ff ff ff ff where it is absent."""
    raw = f"convert_to({expression}, 'UTF8')"
    return rf"coalesce(int4send(octet_length({raw})) || {raw}, '\xffffffff'::bytea)"


_LEAF = " || ".join(
    [
        r"'\x00'::bytea",
        _field("'1.0'"),
        _field("%(source)s::text"),
        _field("event_id::text"),
        _field("type"),
        _field("stream_id::text"),
        _field("version::text"),
        _field("effective_on::text"),
        _field("principal"),
        _field("command_id::text"),
        _field("cause_id::text"),
        _field("cause_us::text"),
        _field(f"'{DATA_CONTENT_TYPE}'"),
        _field("log_index::text"),
        _field("recorded_us::text"),
        "data",
    ]
)

# recorded(i) = max(now, last + 1, cause(i) + 1, recorded(i-1) + 1) = i + running maximum of (the first three - i).
_SEQUENCE = f"""
WITH fresh AS (
    (SELECT e.* FROM events e WHERE e.position > %(frontier)s ORDER BY e.position LIMIT %(limit)s)
    UNION ALL
    (SELECT e.* FROM unnest(%(first)s::bigint[], %(last)s::bigint[]) AS hole (first, last)
     JOIN events e ON e.position BETWEEN hole.first AND hole.last
     WHERE NOT EXISTS (SELECT FROM log l WHERE l.position = e.position)
     ORDER BY e.position LIMIT %(limit)s)
), state AS (
    SELECT head, greatest(
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
        (extract(epoch FROM closed_until) * 1000000)::bigint + 1
    ) AS earliest_us
    FROM sequencer_state
), numbered AS (
    SELECT fresh.*, row_number() OVER (ORDER BY position) AS place,
           (extract(epoch FROM cause_recorded_at) * 1000000)::bigint AS cause_us
    FROM fresh
), timed AS (
    SELECT numbered.*, head + place AS log_index,
           place + max(greatest(earliest_us, cause_us + 1) - place) OVER (ORDER BY position) AS recorded_us
    FROM numbered, state
), written AS (
    INSERT INTO log (log_index, position, recorded_at, leaf)
    SELECT log_index, position, 'epoch'::timestamptz + recorded_us * interval '1 microsecond', sha256({_LEAF})
    FROM timed
    RETURNING position, recorded_at
)
SELECT array_agg(position), max(recorded_at) FROM written
"""


class SourceChanged(Exception):
    """The division or service was renamed under an existing log, whose leaves carry the old name."""


class Sequencer:
    """Sequences the log of ``database``; ``source`` is ``//rollcall/<division>/<service>`` and never changes."""

    def __init__(self, database: Database, source: str, pace: Pace = USUAL) -> None:
        self._database = database
        self._source = source
        self._pace = pace

    def run(self, stop: threading.Event) -> None:
        """Lead whenever nobody else does, until ``stop``. Survives a lost database: it starts over.

        Raises SourceChanged, psycopg.ProgrammingError (a schema that is not ours).
        """
        failures = 0
        while not stop.is_set():
            try:
                with psycopg.connect(self._database.worker_conninfo, autocommit=True) as connection:
                    if self._become_leader(connection, stop):
                        failures = 0
                        Term(connection, self._source, self._pace).run(stop)
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.IntegrityError) as lost:
                pause = RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)]
                failures += 1
                _logger.warning("sequencer of %s starts over: %s", self._database.name, type(lost).__name__)
                stop.wait(pause)

    def _become_leader(self, connection: psycopg.Connection[Any], stop: threading.Event) -> bool:
        while not stop.is_set():
            row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LEADER_LOCK,)).fetchone()
            if row is not None and row[0]:
                return True
            stop.wait(LEADER_POLL_SECONDS)
        return False


class Term:
    """One time in office, on one connection in autocommit that holds the lock."""

    def __init__(self, connection: psycopg.Connection[Any], source: str, pace: Pace = USUAL) -> None:
        self._connection = connection
        self._source = source
        self._pace = pace
        self._holes = Holes()

    def run(self, stop: threading.Event) -> None:
        """Sequence until ``stop``. Raises psycopg.Error when the database goes away."""
        self._connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # each statement its own snapshot
        # A stopped process must not hold the lock for ever; a running one asks every POLL_SECONDS.
        self._connection.execute(f"SET idle_session_timeout = '{IDLE_SESSION_SECONDS}s'")
        # What is wanted stands at the end of the log; a planner that guesses a third of the table would read all of it.
        self._connection.execute("SET enable_seqscan = off")
        self._connection.execute("LISTEN appended")
        self.claim()
        self.recover()
        closed = time.monotonic()
        while not stop.is_set():
            began = time.monotonic()
            count = self.sequence()
            worked = time.monotonic() - began
            if time.monotonic() - closed >= CLOSE_SECONDS:
                self.close()
                closed = time.monotonic()
            if count == 0:
                self._wait()
            else:
                stop.wait(self._pace.rest_seconds(worked, count))

    def claim(self) -> None:
        """Write the source into the state at the first start. Raises SourceChanged when the log has another one."""
        self._connection.execute("UPDATE sequencer_state SET source = %s WHERE source IS NULL", (self._source,))
        row = self._connection.execute("SELECT source FROM sequencer_state").fetchone()
        assert row is not None
        if row[0] != self._source:
            raise SourceChanged(f"this log belongs to {row[0]}, not to {self._source}")

    def recover(self) -> None:
        """Find the frontier and the open holes again from what the log says."""
        row = self._connection.execute(
            "SELECT settled, greatest(settled, (SELECT max(position) FROM log)) FROM sequencer_state"
        ).fetchone()
        assert row is not None
        settled, frontier = row
        gaps = self._connection.execute(
            "SELECT before + 1, position - 1 FROM"
            " (SELECT position, lag(position, 1, %(settled)s::bigint) OVER (ORDER BY position) AS before"
            "  FROM log WHERE position > %(settled)s) AS steps WHERE position > before + 1 ORDER BY 1",
            {"settled": settled},
        )
        self._holes = Holes(frontier, [Hole(first, last) for first, last in gaps])

    def sequence(self) -> int:
        """Put up to BATCH_LIMIT newly visible events into the log, in one transaction; how many."""
        holes, connection = self._holes, self._connection
        if not self._anything():
            return 0
        before = holes.settled
        with connection.transaction():
            oldest = self._number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            row = connection.execute(
                _SEQUENCE,
                {
                    "source": self._source,
                    "frontier": holes.frontier,
                    "limit": BATCH_LIMIT,
                    "first": [hole.first for hole in holes.ranges],
                    "last": [hole.last for hole in holes.ranges],
                },
                binary=True,
            ).fetchone()
            assert row is not None
            positions = sorted(row[0] or [])
            late = sum(position <= holes.frontier for position in positions)
            holes.found(positions, oldest if late < BATCH_LIMIT else 0)
            if holes.unfenced:
                holes.fence(self._number("SELECT pg_current_xact_id()::text::bigint"))
            if positions:
                connection.execute(
                    "UPDATE sequencer_state SET head = head + %s, settled = %s, closed_until = %s",
                    (len(positions), holes.settled, row[1]),
                )
                connection.execute("SELECT pg_notify('sequenced', '')")
            elif holes.settled != before:
                connection.execute("UPDATE sequencer_state SET settled = %s", (holes.settled,))
            step("sequencer.before_commit")
        step("sequencer.committed")
        return len(positions)

    def close(self) -> None:
        """Promise that whatever is recorded from here on is recorded later than now."""
        self._connection.execute("UPDATE sequencer_state SET closed_until = greatest(closed_until, clock_timestamp())")

    def _anything(self) -> bool:
        if self._holes.ranges:
            return True
        return self._number("SELECT coalesce(max(position), 0) FROM events") > self._holes.frontier

    def _number(self, query: str, *values: int) -> int:
        row = self._connection.execute(query.encode(), values or None).fetchone()
        assert row is not None
        return int(row[0])

    def _wait(self) -> None:
        for _ in self._connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass
