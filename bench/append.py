"""Appending: bulk commands of 1,000 events through COPY, beside a peer; and single commands from several writers."""

from __future__ import annotations

import gc
import importlib.util
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.report import BenchResult, Measure, result, timed
from bench.stage import Stage, children, children_in_clear, processor_seconds, stage
from shared.eventsourcing.store import BATCH_LIMIT, Proposed
from shared.hosting.collecting import calm_collector

BULK_TARGET = 40_000.0
SINGLE_P99_TARGET_MS = 10.0
ENCRYPTION_TARGET_PERCENT = 25
NOTHING, CLEAR, SEALED = "bulk, nothing personal", "bulk, the same fields in clear", "bulk, sealed, keys known"
NEW_PEOPLE = "bulk, sealed, every person new"
PEER = importlib.util.find_spec("eventsourcing") is not None  # it comes with what the tests need

Batch = Callable[[], Callable[[], Any]]  # prepares one batch; what is returned appends it


def run(events: int = 60_000, singles: int = 4_000, writers: int = 8) -> BenchResult:
    """``events`` per bulk line, ``singles`` single appends shared by ``writers`` threads.

    The bulk lines take turns, batch by batch, so that what else the machine does meets them alike. What encryption
    costs is the rate of sealed events beside that of the same fields in clear, by the clock and by the processor time
    of this process and its database.
    """
    with ExitStack() as stack:
        ready = stack.enter_context(stage())
        stack.enter_context(_calmed())
        kinds = _kinds(ready) | (_peers(ready, stack) if PEER else {})
        bulk, worked = _in_turn(kinds, max(1, events // BATCH_LIMIT))
        singly = [_singles(ready, singles, writers), _singles(ready, max(200, singles // 10), 1)]
    return result(
        "append",
        [*bulk.values(), *(worked[label] for label in (CLEAR, SEALED)), *singly],
        events=events,
        singles=singles,
        writers=writers,
        encryption_percent=_slower(bulk[SEALED], bulk[CLEAR]),
        encryption_processor_percent=_slower(worked[SEALED], worked[CLEAR]),
        encryption_target_percent=ENCRYPTION_TARGET_PERCENT,
    )


@contextmanager
def _calmed() -> Iterator[None]:
    """Python's cycle collector as a service has it."""
    before = gc.get_threshold()
    calm_collector()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _slower(one: Measure, other: Measure) -> int:
    """By how many percent ``one`` is slower."""
    return round(100 * (1 - one.rate / other.rate))


def _kinds(ready: Stage) -> dict[str, Batch]:
    def batch(proposed: list[Proposed], *, known: bool = False) -> Callable[[], Any]:
        if known:
            ready.keyring.keys([each.stream_id for each in proposed], create=True)
        return lambda: ready.append(proposed)

    return {
        NOTHING: lambda: batch(children(BATCH_LIMIT, personal=False)),
        CLEAR: lambda: batch(children_in_clear(BATCH_LIMIT)),
        SEALED: lambda: batch(children(BATCH_LIMIT, personal=True), known=True),
        NEW_PEOPLE: lambda: batch(children(BATCH_LIMIT, personal=True)),
    }


def _peers(ready: Stage, stack: ExitStack) -> dict[str, Batch]:
    """The library's application saves as many aggregates at once."""
    from bench import eventsourcing_peer as peer

    plain = stack.enter_context(peer.application(ready.dsn, "peer_plain", encrypted=False))
    encrypted = stack.enter_context(peer.application(ready.dsn, "peer_encrypted", encrypted=True))

    def batch(app: Any) -> Callable[[], Any]:
        made = peer.children(BATCH_LIMIT)
        return lambda: app.save(*made)

    return {
        "peer eventsourcing, in clear": lambda: batch(plain),
        "peer eventsourcing, its cipher on": lambda: batch(encrypted),
    }


def _in_turn(kinds: dict[str, Batch], batches: int) -> tuple[dict[str, Measure], dict[str, Measure]]:
    """By the clock, and by processor time."""
    seconds, worked = dict.fromkeys(kinds, 0.0), dict.fromkeys(kinds, 0.0)
    for turn in range(batches + 1):
        # All before the first is timed: the keys that one of them has made keep the server busy for a while.
        for label, append in {label: prepare() for label, prepare in kinds.items()}.items():
            before, began = processor_seconds(None), time.perf_counter()
            append()
            took, work = time.perf_counter() - began, processor_seconds(None) - before
            if turn:  # the first warms connections and plans
                seconds[label] += took
                worked[label] += work
    targets = {NOTHING: BULK_TARGET, SEALED: BULK_TARGET}
    count = batches * BATCH_LIMIT
    by_clock = {label: Measure(label, count, seconds[label], target_rate=targets.get(label)) for label in kinds}
    return by_clock, {label: Measure(f"{label}: processor", count, worked[label]) for label in kinds}


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
