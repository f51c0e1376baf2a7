"""Proofs: keeping the nodes of a long log, signing it, and making proofs over all of it.

The leaves are hashes of numbers, written by the database itself: a proof never looks behind a leaf.
"""

from __future__ import annotations

import random
import time

import psycopg

from bench.report import BenchResult, Measure, result, timed
from bench.stage import SOURCE, Stage, stage
from shared.database import driver
from shared.transparency.checkpointer import Checkpointer, latest, own_nodes
from shared.transparency.checkpoints import log_signers, opened, origin_of
from shared.transparency.routes import Proofs
from shared.transparency.verifying import verify_consistency, verify_inclusion

TARGET_P99_MS = 10.0
TARGET_BYTES = 3_072
PAGE = 200_000
SIGNERS = log_signers(SOURCE, [b"b" * 32])


def run(events: int = 10_000_000, proofs: int = 1_000) -> BenchResult:
    """A log of ``events`` leaves, then ``proofs`` of each kind, every one verified."""
    with stage() as ready:
        _fill(ready, events)
        signing = Checkpointer(ready.database, origin_of(SOURCE), SIGNERS)
        began = time.perf_counter()
        while not signing.tick():
            pass
        grown = Measure("nodes kept and signed", events, time.perf_counter() - began)
        worked = time.process_time()
        included, included_bytes = _inclusions(ready, events, proofs)
        alone = Measure("the same, this process's processor time", proofs, time.process_time() - worked)
        consistent, consistent_bytes = _consistencies(ready, events, proofs)
        again = _next_checkpoint(ready, signing, events)
    largest = max(included_bytes, consistent_bytes)
    assert largest <= TARGET_BYTES, f"a proof has {largest} bytes"
    return result(
        "proofs", [grown, included, alone, consistent, again], events=events, proofs=proofs, largest_bytes=largest
    )


def _fill(ready: Stage, events: int) -> None:
    """Leaves without events behind them, as the owner: nothing else may write a log."""
    for first in range(1, events + 1, PAGE):
        last = min(first + PAGE - 1, events)
        with ready.database.owner() as connection:
            driver(connection).execute(
                "INSERT INTO log (log_index, position, recorded_at, leaf)"
                " SELECT n, n, 'epoch'::timestamptz + n * interval '1 microsecond', sha256(int8send(n))"
                " FROM generate_series(%s::bigint, %s::bigint) AS n",
                (first, last),
            )
    with psycopg.connect(ready.database.owner_conninfo, autocommit=True) as raw:
        raw.execute("UPDATE sequencer_state SET head = %s", (events,))
        raw.execute("VACUUM (ANALYZE) log")  # so that nobody tidies up behind the filling while proofs are timed
        raw.execute("CHECKPOINT")


def _inclusions(ready: Stage, events: int, count: int) -> tuple[Measure, int]:
    chance, proofs = random.Random(20_261_128), Proofs(SOURCE, "bench")
    latencies, largest, began = [], 0, time.perf_counter()
    for index in (chance.randrange(1, events + 1) for _ in range(count)):
        asked = time.perf_counter()
        with ready.database.working() as connection:
            proof = proofs.inclusion(driver(connection), index, None)
        text = proof.model_dump_json()
        latencies.append(time.perf_counter() - asked)
        largest = max(largest, len(text))
        root = opened(proof.checkpoint, [each.verifier for each in SIGNERS]).checkpoint.root
        verify_inclusion(proof.leaf, index - 1, events, proof.path, root)
    took = time.perf_counter() - began
    return timed("proof of inclusion", took, latencies, target_p99_ms=TARGET_P99_MS), largest


def _consistencies(ready: Stage, events: int, count: int) -> tuple[Measure, int]:
    chance, proofs = random.Random(20_261_129), Proofs(SOURCE, "bench")
    latencies, largest, began = [], 0, time.perf_counter()
    with ready.database.working() as connection:
        last = latest(driver(connection))
        assert last is not None
    for old in (chance.randrange(1, events + 1) for _ in range(count)):
        asked = time.perf_counter()
        with ready.database.working() as connection:
            proof = proofs.consistency(driver(connection), old, None)
        text = proof.model_dump_json()
        latencies.append(time.perf_counter() - asked)
        largest = max(largest, len(text))
        if old % 10 == 0:
            with ready.database.working() as connection:
                old_root = own_nodes(driver(connection), "bench").at(old).root()
            verify_consistency(old, old_root, events, last.root, proof.path)
    took = time.perf_counter() - began
    return timed("proof of consistency", took, latencies, target_p99_ms=TARGET_P99_MS), largest


def _next_checkpoint(ready: Stage, signing: Checkpointer, events: int, times: int = 50) -> Measure:
    """One event more, signed: what the checkpointer does each second in a long log."""
    latencies, began = [], time.perf_counter()
    for number in range(1, times + 1):
        _one_more(ready, events + number)
        asked = time.perf_counter()
        signing.tick()
        latencies.append(time.perf_counter() - asked)
    return timed("next checkpoint", time.perf_counter() - began, latencies)


def _one_more(ready: Stage, index: int) -> None:
    with ready.database.owner() as connection:
        raw = driver(connection)
        raw.execute("INSERT INTO log SELECT %s, %s, now(), sha256(int8send(%s))", (index, index, index))
        raw.execute("UPDATE sequencer_state SET head = %s", (index,))
