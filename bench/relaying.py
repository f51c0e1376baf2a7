"""Relaying: from the log to the broker's acknowledgement, a backlog at full speed and single events one by one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

import psycopg
from kafka.admin import KafkaAdminClient, NewTopic

from bench.report import BenchResult, Measure, result, timed
from bench.stage import SOURCE, Stage, children, stage
from shared.eventsourcing import log
from shared.eventsourcing.sequencer import Sequencer
from shared.eventsourcing.store import BATCH_LIMIT
from shared.messaging.relay import Relay

TARGET = 20_000.0
PARTITIONS = 4
TOPIC, HEADS = "bench.log", "bench.heads"
PAUSE_SECONDS = 0.001
TIMEOUT_SECONDS = 120.0


def run(events: int = 60_000, singles: int = 100) -> BenchResult:
    """A sequenced backlog of ``events``, then ``singles`` appended while sequencer and relay run."""
    with stage(kafka=True) as ready:
        assert ready.bootstrap is not None
        admin = KafkaAdminClient(bootstrap_servers=ready.bootstrap)
        admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1), NewTopic(HEADS, 1, 1)])
        admin.close()
        for _ in range(max(1, events // BATCH_LIMIT)):
            ready.append(children(BATCH_LIMIT, personal=True))
        stop = threading.Event()
        sequencer = threading.Thread(target=Sequencer(ready.database, SOURCE).run, args=(stop,))
        sequencer.start()
        try:
            measures = asyncio.run(_relay(ready, max(1, events // BATCH_LIMIT) * BATCH_LIMIT, singles))
        finally:
            stop.set()
            sequencer.join()
    return result("relaying", measures, events=events, singles=singles)


async def _relay(ready: Stage, events: int, singles: int) -> list[Measure]:
    assert ready.bootstrap is not None
    with psycopg.connect(ready.database.worker_conninfo, autocommit=True) as connection:
        await _until(lambda: log.head(connection).log_index, events)
        relay = asyncio.create_task(Relay(ready.database, ready.bootstrap, TOPIC, HEADS, PARTITIONS).run())
        try:
            await _until(lambda: _cursor(connection), 1)  # the first page starts the clock: connecting is not relaying
            first, began = _cursor(connection), time.perf_counter()
            await _until(lambda: _cursor(connection), events)
            seconds = time.perf_counter() - began
            backlog = Measure("log to acknowledged", events - first, seconds, target_rate=TARGET)
            waits: list[float] = []
            began = time.perf_counter()
            for number in range(events + 1, events + singles + 1):
                await asyncio.to_thread(ready.append, children(1, personal=False))
                committed = time.perf_counter()
                await _until(lambda: _cursor(connection), number)
                waits.append(time.perf_counter() - committed)
            return [backlog, timed("commit to acknowledged", time.perf_counter() - began, waits)]
        finally:
            relay.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await relay


def _cursor(connection: psycopg.Connection[tuple[int, ...]]) -> int:
    row = connection.execute("SELECT log_index FROM relay_state").fetchone()
    assert row is not None
    return row[0]


async def _until(reached: Callable[[], int], wanted: int) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while reached() < wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"still at {reached()} of {wanted}")
        await asyncio.sleep(PAUSE_SECONDS)
