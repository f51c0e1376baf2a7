"""The inside of one batch: fold, write, side effects; and finding the one event that cannot be applied.

Two partitions may write the same entity. So that neither reads a timeline the other is about to change, every batch
locks its tables: shared while each of its events only writes its own stream's entity (no other partition can),
exclusive otherwise. The locks end with the transaction and do not touch readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy

from shared.database.database import driver
from shared.eventsourcing.projection import Assertion, Change, Projection, Recorded
from shared.eventsourcing.rounds import rounds
from shared.eventsourcing.timeline import Timeline
from shared.keys.keyring import KeyRing
from shared.messaging import deadletters
from shared.messaging.arrivals import Arrival, Foreign
from shared.messaging.builds import schema_name
from shared.messaging.checkpoint import Checkpoint, Hint, Key
from shared.messaging.failures import is_passing
from shared.messaging.writing import PeriodWriter


class Folded(NamedTuple):
    """An event and what it asserts."""

    item: Arrival
    recorded: Recorded
    assertions: list[Assertion]


class Halt(NamedTuple):
    """The event at which this build stops, and why."""

    item: Arrival
    reason: str


class Batch:
    """One batch in its transaction. Letters are collected and written at the end, whatever was rolled back between."""

    def __init__(
        self,
        projection: Projection,
        writers: Mapping[str, PeriodWriter],
        keyring: KeyRing,
        connection: sqlalchemy.Connection,
        key: Key,
        standing: Checkpoint,
    ) -> None:
        self.projection, self.key, self.connection = projection, key, connection
        self.raw: psycopg.Connection[Any] = driver(connection)
        self.halt: Halt | None = None
        self._writers, self._keyring, self._standing = writers, keyring, standing
        self._letters: list[tuple[Arrival | Foreign, BaseException | None]] = []
        self._parked_since: dict[UUID, int] = {}  # log index of the poison event; 0 when parked before this batch

    @property
    def effective(self) -> bool:
        """Whether this build speaks to the world: a build that catches up is silent."""
        return self._standing.state == "live"

    def fold(self, taken: Sequence[Arrival], facts: Mapping[int, Recorded | Exception]) -> list[Folded]:
        """The events that can be folded, in order; the others become letters, or the halt."""
        mine = [item for item in taken if item.log_index in facts]
        if mine and deadletters.any_parked(self.raw, self.key):
            streams = {item.stream_id for item in mine if item.stream_id is not None}
            self._parked_since = dict.fromkeys(deadletters.parked(self.raw, self.key, streams), 0)
        good: list[Folded] = []
        fold = self.projection.fold
        for item in mine:
            recorded = facts[item.log_index]
            if self._waits(item):
                continue
            try:
                if isinstance(recorded, Exception):
                    raise recorded
                assertions = fold(recorded)
                for assertion in assertions:
                    self._writers[assertion.table.name].check(assertion.values)
                good.append(Folded(item, recorded, assertions))
            except Exception as error:
                if self._poison(item, error):
                    break
        return good

    def write(self, good: list[Folded], *, apart: bool) -> list[Change]:
        """Write what the events assert and run the side effects. ``apart``: in savepoints, halving down to the event
        that fails, which becomes a letter or the halt; otherwise the failure is raised."""
        if not good:
            return []
        self._enter(good)
        return self._apart(good) if apart else self._together(good)

    def letter(self, item: Arrival | Foreign, error: BaseException | None) -> None:
        """Collect a letter. ``error`` None: it queues behind its parked stream."""
        self._letters.append((item, error))

    def keep_letters(self, place: Hint | None) -> tuple[int, int]:
        """Write the collected letters up to the halt and park their streams; how many are poison, how many queue."""
        if self.halt is not None:
            end = self.halt.item.log_index
            self._letters = [
                (item, error) for item, error in self._letters if isinstance(item, Foreign) or item.log_index <= end
            ]
        for item, error in self._letters:
            deadletters.keep(self.raw, self._keyring, self.key, item, error, place)
        deadletters.park(self.raw, self.key, [stream for stream, since in self._parked_since.items() if since])
        poisoned = sum(error is not None for _, error in self._letters)
        return poisoned, len(self._letters) - poisoned

    def _waits(self, item: Arrival) -> bool:
        """Queue the event if its stream was parked by an earlier one."""
        if item.stream_id is None or self._parked_since.get(item.stream_id, item.log_index) >= item.log_index:
            return False
        self.letter(item, None)
        return True

    def _poison(self, item: Arrival, error: Exception) -> bool:
        """Turn an event into a letter; True when the build halts here."""
        self.letter(item, error)
        if self.projection.halts:
            reason = f"{type(error).__name__} at {item.type} {self.key.log}#{item.log_index}"
            self.halt = Halt(item, reason)
            return True
        if item.stream_id is not None:
            since = self._parked_since.get(item.stream_id, item.log_index)
            self._parked_since[item.stream_id] = min(since, item.log_index)
        return False

    def _enter(self, good: Sequence[Folded]) -> None:
        """The build's tables by their names, and their locks in the order of the names, in one statement."""
        schema = schema_name(self.key.projection, self.key.build)
        own: dict[str, bool] = {}
        for folded in good:
            stream = folded.item.stream_id
            for table, entity, _, _ in folded.assertions:
                own[table.name] = own.get(table.name, True) and entity == stream
        calls = ["set_config('search_path', quote_ident(%s) || ', public', true)"]
        values: list[str | int] = [schema]
        for name in sorted(own):
            calls.append("pg_advisory_xact_lock_shared(%s)" if own[name] else "pg_advisory_xact_lock(%s)")
            values.append(table_lock(schema, name))
        self.raw.execute("SELECT " + ", ".join(calls), values)

    def _together(self, good: list[Folded]) -> list[Change]:
        projection, quiet_until = self.projection, self._standing.quiet_until
        if projection.after is None or not self.effective:
            return self._written(good)
        changes: list[Change] = []
        for some in self._rounds(good):
            written = self._written(some)
            loud = [folded.recorded for folded in some if folded.item.log_index > quiet_until]
            if loud:
                projection.after(self.connection, loud, written)
            changes += written
        return changes

    def _rounds(self, good: list[Folded]) -> list[list[Folded]]:
        """The events in the rounds the projection speaks in; all in one unless it says whom they touch."""
        if self.projection.touched is None or len(good) == 1:
            return [good]
        touched = self.projection.touched(self.connection, [folded.recorded for folded in good])
        return [[good[place] for place in places] for places in rounds(touched)]

    def _written(self, good: Sequence[Folded]) -> list[Change]:
        by_table: dict[str, list[tuple[int, Assertion]]] = {}
        for folded in good:
            for assertion in folded.assertions:
                by_table.setdefault(assertion.table.name, []).append((folded.item.log_index, assertion))
        changes: list[Change] = []
        for name in sorted(by_table):
            before = self.projection.after is not None
            changes += write_table(self.raw, self._writers[name], by_table[name], before=before)
        return changes

    def _apart(self, good: list[Folded]) -> list[Change]:
        good = [folded for folded in good if not self._waits(folded.item)]
        if not good or (self.halt is not None and self.halt.item.log_index < good[0].item.log_index):
            return []
        try:
            with self.raw.transaction():
                return self._together(good)
        except Exception as error:
            if is_passing(error):
                raise
            if len(good) == 1:
                self._poison(good[0].item, error)
                return []
        middle = len(good) // 2
        return self._apart(good[:middle]) + self._apart(good[middle:])


def table_lock(schema: str, table: str) -> int:
    """The advisory lock of a table of a build."""
    digest = hashlib.sha256(f"{schema}.{table}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def write_table(
    connection: psycopg.Connection[Any],
    writer: PeriodWriter,
    assertions: Sequence[tuple[int, Assertion]],
    *,
    before: bool = False,
) -> list[Change]:
    """Assert into one table, through the current search path: (log index, assertion) in log order per stream.

    With ``before`` the changes carry the last rows before and after; else only the entities that changed.
    """
    positions = writer.table.positions
    timelines = writer.load(connection, {assertion.entity for _, assertion in assertions})
    earlier: dict[UUID, dict[str, Any] | None] = {}
    if before:
        earlier = {entity: _last(writer, timeline) for entity, timeline in timelines.items()}
    for log_index, (_, entity, effective_on, values) in assertions:
        timelines[entity].assert_from(
            effective_on, log_index, [(positions[column], value) for column, value in values.items()]
        )
    return [
        Change(writer.table, entity, earlier.get(entity), (before and _last(writer, timelines[entity])) or {})
        for entity in writer.write(connection, timelines)
    ]


def _last(writer: PeriodWriter, timeline: Timeline) -> dict[str, Any] | None:
    return writer.row(timeline.periods[-1]) if timeline.periods else None
