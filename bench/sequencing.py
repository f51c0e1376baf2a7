"""Sequencing: giving a backlog its indexes, moments and leaves; and how soon after its commit one event has them."""

from __future__ import annotations

import threading
import time

import psycopg

from bench.report import BenchResult, Measure, result, timed
from bench.stage import SOURCE, Stage, children, stage
from shared.database import driver
from shared.eventsourcing import log
from shared.eventsourcing.event import leaf_hash
from shared.eventsourcing.sequencer import Sequencer, Term
from shared.eventsourcing.store import BATCH_LIMIT

TARGET = 30_000.0
PAUSE_SECONDS = 0.0005


def run(events: int = 60_000, singles: int = 200) -> BenchResult:
    """A backlog of ``events``, then ``singles`` appends one after the other under a running sequencer."""
    with stage() as ready:
        for _ in range(max(1, events // BATCH_LIMIT)):
            ready.append(children(BATCH_LIMIT, personal=True))
        measures = [_backlog(ready), _verifying(ready), _wait(ready, singles)]
    return result("sequencing", measures, events=events, singles=singles)


def _backlog(ready: Stage) -> Measure:
    with psycopg.connect(ready.database.worker_conninfo, autocommit=True) as connection:
        term = Term(connection, SOURCE)
        term.claim()
        term.recover()
        done, began = 0, time.perf_counter()
        while count := term.sequence():
            done += count
        return Measure("sequence with leaves", done, time.perf_counter() - began, target_rate=TARGET)


def _verifying(ready: Stage) -> Measure:
    """Reading the log in order and computing every leaf again, in Python."""
    with ready.database.working() as connection:
        done, began = 0, time.perf_counter()
        for logged, _ in log.entries(driver(connection)):
            assert leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event) == logged.leaf
            done += 1
        return Measure("read and verify again", done, time.perf_counter() - began)


def _wait(ready: Stage, singles: int) -> Measure:
    stop = threading.Event()
    thread = threading.Thread(target=Sequencer(ready.database, SOURCE).run, args=(stop,))
    thread.start()
    waits: list[float] = []
    began = time.perf_counter()
    try:
        with psycopg.connect(ready.database.worker_conninfo, autocommit=True) as connection:
            for _ in range(singles):
                wanted = log.head(connection).log_index + 1
                ready.append(children(1, personal=False))
                committed = time.perf_counter()
                while log.head(connection).log_index < wanted:
                    time.sleep(PAUSE_SECONDS)
                waits.append(time.perf_counter() - committed)
    finally:
        stop.set()
        thread.join()
    return timed("commit to sequenced", time.perf_counter() - began, waits)
