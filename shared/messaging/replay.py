"""Replay: the same fold over the same events, into a scratch schema nobody else sees (design.md §3, invariant 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import sqlalchemy

from shared.database.database import driver
from shared.eventsourcing.event import Logged
from shared.eventsourcing.projection import Assertion, Projection
from shared.keys.keyring import KeyRing
from shared.messaging.applying import write_table
from shared.messaging.arrivals import Arrival, arrival
from shared.messaging.builds import create_schema
from shared.messaging.codec import Envelope
from shared.messaging.facts import open_facts
from shared.messaging.writing import PeriodWriter

REPLAY_BATCH_EVENTS = 1_000


class Replayed(NamedTuple):
    """``events`` were read; ``left_out`` are (service, log index) of those a live projection would hold as dead
    letters: poison events, and what follows them in their streams."""

    events: int
    left_out: tuple[tuple[str, int], ...]


def replay(
    projection: Projection,
    connection: sqlalchemy.Connection,
    schema: str,
    events: Iterable[Logged],
    keyring: KeyRing,
) -> Replayed:
    """Fold ``events`` (each log in its order; logs may interleave in any way) into the new schema ``schema``.

    ``connection`` is the owner's. Side effects do not run. Remove it with :func:`shared.messaging.builds.drop_schema`.
    """
    create_schema(connection, projection, schema, private=True)
    raw = driver(connection)
    raw.execute("SELECT set_config('search_path', quote_ident(%s) || ', public', true)", (schema,))
    writers = {table.name: PeriodWriter(table) for table in projection.tables}
    parked: set[tuple[str, UUID]] = set()
    left_out: list[tuple[str, int]] = []
    count = 0
    for batch in _batches(events):
        count += len(batch)
        by_table: dict[str, list[tuple[int, Assertion]]] = {}
        for service, items in _by_service(batch).items():
            for log_index, assertions in _fold(projection, writers, keyring, service, items, parked, left_out):
                for assertion in assertions:
                    by_table.setdefault(assertion.table.name, []).append((log_index, assertion))
        for name in sorted(by_table):
            write_table(raw, writers[name], by_table[name])
    return Replayed(count, tuple(left_out))


def _fold(
    projection: Projection,
    writers: Mapping[str, PeriodWriter],
    keyring: KeyRing,
    service: str,
    items: list[Arrival],
    parked: set[tuple[str, UUID]],
    left_out: list[tuple[str, int]],
) -> Iterator[tuple[int, list[Assertion]]]:
    facts = open_facts(projection, keyring, items)
    for item in items:
        recorded = facts.get(item.log_index)
        if recorded is None or item.stream_id is None:
            continue
        stream = (service, item.stream_id)
        if stream not in parked and not isinstance(recorded, Exception):
            try:
                assertions = projection.fold(recorded)
                for assertion in assertions:
                    writers[assertion.table.name].check(assertion.values)
                yield item.log_index, assertions
                continue
            except Exception:
                parked.add(stream)
        parked.add(stream)
        left_out.append((service, item.log_index))


def _batches(events: Iterable[Logged]) -> Iterator[list[Logged]]:
    iterator = iter(events)
    while batch := list(islice(iterator, REPLAY_BATCH_EVENTS)):
        yield batch


def _by_service(batch: list[Logged]) -> dict[str, list[Arrival]]:
    services: dict[str, list[Arrival]] = {}
    for logged in batch:
        services.setdefault(logged.service, []).append(arrival(Envelope(logged, 0, None)))
    return services
