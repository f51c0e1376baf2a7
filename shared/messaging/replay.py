"""Replay: the same fold over the same events, into a scratch schema nobody else sees (design.md §3, invariant 9)."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy

from shared.database.database import driver
from shared.eventsourcing.event import Logged
from shared.eventsourcing.periods import Assertion
from shared.eventsourcing.projection import Projection, Recorded
from shared.keys.keyring import KeyRing
from shared.messaging.facts import open_logged
from shared.messaging.scratch import Encoded, ScratchTable, create_scratch

REPLAY_BATCH_EVENTS = 5_000
MEMORY_BYTES = 400 << 20  # of periods; beyond it they are written to the scratch tables and come back as needed

Stream = tuple[str, UUID]


class Replayed(NamedTuple):
    """``events`` were read; ``left_out`` are (service, log index) of those a live projection would hold as dead
    letters: poison events, and what follows them in their streams, the ``parked`` ones (service, stream)."""

    events: int
    left_out: tuple[tuple[str, int], ...]
    parked: frozenset[Stream] = frozenset()


class Start(NamedTuple):
    """Where a replay may begin instead of at the first event: the rows of every table as :meth:`ScratchTable.dump`
    gave them, by the table's name, and what was left out and parked by then."""

    rows: Mapping[str, Iterable[bytes]]
    left_out: tuple[tuple[str, int], ...]
    parked: frozenset[Stream]


def replay(
    projection: Projection,
    connection: sqlalchemy.Connection,
    schema: str,
    events: Iterable[Logged],
    keyring: KeyRing,
    *,
    start: Start | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> Replayed:
    """Fold ``events`` (each log in its order; logs may interleave in any way) into the new schema ``schema``; with
    ``start``, only those behind it are given.

    ``connection`` is the owner's. Side effects do not run. Remove it with :func:`shared.messaging.builds.drop_schema`.
    """
    raw = driver(connection)
    tables = create_scratch(connection, projection, schema)
    raw.execute("SELECT set_config('search_path', quote_ident(%s) || ', public', true)", (schema,))
    left_out: list[tuple[str, int]] = []
    parked: set[Stream] = set()
    if start is not None:
        left_out, parked = list(start.left_out), set(start.parked)
        for name, rows in start.rows.items():
            tables[name].fill(raw, rows)
    folding = Folding(projection, tables, parked, left_out)
    count = 0
    try:
        for batch in _batches(events):
            gc.freeze()  # millions of periods live to the end: looking for cycles in them would cost more than folding
            count += len(batch)
            mine = [logged for logged in batch if logged.event.type in projection.by_type]
            _take(raw, folding, tables, open_logged(projection, keyring, mine), mine, memory_bytes)
    finally:
        gc.unfreeze()
    for table in tables.values():
        table.finish(raw, connection)
    return Replayed(count, tuple(left_out), frozenset(parked))


def _take(
    raw: psycopg.Connection[Any],
    folding: Folding,
    tables: Mapping[str, ScratchTable],
    facts: Sequence[Recorded | Exception],
    events: Sequence[Logged],
    memory_bytes: int,
) -> None:
    for name, assertions in folding.fold(facts, events).items():
        table = tables[name]
        table.load(raw, [assertion.entity for assertion, _, _ in assertions])
        assert_from = table.assert_from
        for (_, entity, effective_on, _), log_index, values in assertions:
            assert_from(entity, effective_on, log_index, values)
    if sum(table.memory_bytes for table in tables.values()) > memory_bytes:
        for table in tables.values():
            table.spill(raw)


class Folding:
    """Facts to assertions, with the memory of what is parked: a poison event parks its stream."""

    def __init__(
        self,
        projection: Projection,
        tables: Mapping[str, ScratchTable],
        parked: set[Stream],
        left_out: list[tuple[str, int]],
    ) -> None:
        self._fold, self._tables, self._parked, self._left_out = projection.fold, tables, parked, left_out

    def fold(
        self, facts: Sequence[Recorded | Exception], events: Sequence[Logged]
    ) -> dict[str, list[tuple[Assertion, int, Encoded]]]:
        """What these events assert, by table: the assertion, its log index and its values as they will be written."""
        written: dict[str, list[tuple[Assertion, int, Encoded]]] = {name: [] for name in self._tables}
        for recorded, logged in zip(facts, events, strict=True):
            if isinstance(recorded, Exception) or (self._parked and self._waits(logged)):
                self._leave_out(logged)
                continue
            try:
                assertions = self._fold(recorded)
                encoded = [self._tables[assertion.table.name].encoded(assertion.values) for assertion in assertions]
            except Exception:
                self._leave_out(logged)
                continue
            for assertion, values in zip(assertions, encoded, strict=True):
                written[assertion.table.name].append((assertion, logged.log_index, values))
        return {name: assertions for name, assertions in written.items() if assertions}

    def _waits(self, logged: Logged) -> bool:
        return (logged.service, logged.event.stream_id) in self._parked

    def _leave_out(self, logged: Logged) -> None:
        self._parked.add((logged.service, logged.event.stream_id))
        self._left_out.append((logged.service, logged.log_index))


def _batches(events: Iterable[Logged]) -> Iterator[list[Logged]]:
    iterator = iter(events)
    while batch := list(islice(iterator, REPLAY_BATCH_EVENTS)):
        yield batch
