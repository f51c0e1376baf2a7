"""Appending: bulk commands of 1,000 events through COPY, and single commands from several writers at once."""

from __future__ import annotations

import threading
import time

from bench.report import BenchResult, Measure, result, timed
from bench.stage import Stage, children, stage
from shared.eventsourcing.store import BATCH_LIMIT, Proposed

BULK_TARGET = 40_000.0
SINGLE_P99_TARGET_MS = 10.0


def run(events: int = 60_000, singles: int = 4_000, writers: int = 8) -> BenchResult:
    """``events`` per bulk line, ``singles`` single appends shared by ``writers`` threads."""
    with stage() as ready:
        measures = [
            _bulk(ready, "bulk, nothing personal", events, personal=False),
            _bulk(ready, "bulk, sealed, keys known", events, personal=True, keys_known=True),
            _bulk(ready, "bulk, sealed, every person new", events, personal=True),
            _singles(ready, singles, writers),
            _singles(ready, max(200, singles // 10), 1),
        ]
    return result("append", measures, events=events, singles=singles, writers=writers)


def _bulk(ready: Stage, label: str, events: int, *, personal: bool, keys_known: bool = False) -> Measure:
    batches = [children(BATCH_LIMIT, personal=personal) for _ in range(max(1, events // BATCH_LIMIT))]
    if keys_known:
        for batch in batches:
            ready.keyring.keys([each.stream_id for each in batch], create=True)
    ready.append(children(BATCH_LIMIT, personal=personal))  # warm: connections and plans
    began = time.perf_counter()
    for batch in batches:
        ready.append(batch)
    target = None if personal and not keys_known else BULK_TARGET
    return Measure(label, len(batches) * BATCH_LIMIT, time.perf_counter() - began, target_rate=target)


def _singles(ready: Stage, singles: int, writers: int) -> Measure:
    """One event per command, sealed, its person known: what a click costs."""
    each_count = singles // writers
    work: list[list[Proposed]] = [children(each_count, personal=True) for _ in range(writers)]
    for batch in work:
        ready.keyring.keys([each.stream_id for each in batch], create=True)
    latencies: list[float] = []
    start = threading.Barrier(writers + 1)

    def write(own: list[Proposed]) -> None:
        ready.append(children(1, personal=False))
        start.wait()
        for proposed in own:
            began = time.perf_counter()
            ready.append([proposed])
            latencies.append(time.perf_counter() - began)

    threads = [threading.Thread(target=write, args=(own,)) for own in work]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    label = f"single, {writers} writer{'s' if writers > 1 else ''}"
    return timed(label, seconds, latencies, target_p99_ms=SINGLE_P99_TARGET_MS)
