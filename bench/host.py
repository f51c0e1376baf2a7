"""The processor host against plain Faust and Quix Streams, on one topic, one machine, in one run.

Ours decodes, opens, folds and upserts a real SQL projection with its checkpoint in PostgreSQL; the peers only count per
key in their own state. ``python -m bench.host`` starts its own Kafka and PostgreSQL in a temporary home. The peer Quix
needs an interpreter that has it (its pins clash with ours): ROLLCALL_BENCH_QUIX_PYTHON; without it the line says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from sqlalchemy import Column, Integer, Text

from deploy.broker import EmbeddedKafka
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from shared.database.database import Database, driver
from shared.eventsourcing.event import Event, Logged, partition_of
from shared.eventsourcing.periods import Assertion, PeriodTable
from shared.eventsourcing.projection import Projection, Recorded
from shared.eventsourcing.sealing import seal
from shared.hosting.collecting import calm_collector
from shared.kernel.facts import Fact, fact
from shared.kernel.identifiers import keyed_id, new_event_id
from shared.keys.keyring import KeyRing
from shared.messaging.builds import prepare
from shared.messaging.codec import encode
from shared.messaging.host import ProcessorHost
from shared.messaging.runner import Applied, Runner

PARTITIONS = 4
START = datetime(2025, 9, 1, tzinfo=UTC)
TIMEOUT_SECONDS = 180.0
POLL_SECONDS = 0.1
PEER_EVENTS_MAX = 20_000


@fact("bench")
class Seen(Fact, frozen=True, kw_only=True):
    school_code: str
    division_code: str
    grade: int


SEEN = PeriodTable(
    "seen", "bench", [Column("school_code", Text), Column("division_code", Text), Column("grade", Integer)]
)


def seen(event: Recorded) -> Iterable[Assertion]:
    given = event.fact
    values = {"school_code": given.school_code, "division_code": given.division_code, "grade": given.grade}
    yield Assertion(SEEN, event.stream_id, event.effective_on, values)


def projection(name: str) -> Projection:
    return Projection(name, (SEEN,), {Seen: seen})


def batches(events: int, per_row: int) -> dict[int, list[tuple[bytes, bytes, list[tuple[str, bytes]]]]]:
    """The log as published; the events of one row follow each other closely, as corrections do."""
    parts: dict[int, list[Any]] = {partition: [] for partition in range(PARTITIONS)}
    last: dict[int, int] = {}
    for index in range(1, events + 1):
        stream = keyed_id(b"bench", str(per_row), str((index - 1) // per_row))
        given = Seen(school_code=f"S{index % 500}", division_code="460107001", grade=index % 9)
        event_id = new_event_id()
        data = seal(given, event_id, stream, 1, {})
        event = Event(event_id, stream, 1, "bench.Seen.v1", date(2025, 9, 1), "bench", new_event_id(), None, None, data)
        recorded_at = START + timedelta(microseconds=index)
        logged = Logged("//rollcall/460107/bench", index, recorded_at, bytes(32), event)
        partition = partition_of(stream, PARTITIONS)
        parts[partition].append(encode(logged, last.get(partition, 0), None))
        last[partition] = index
    return parts


async def publish(bootstrap: str, topic: str, events: int, per_row: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=262_144)
    await producer.start()
    try:
        for partition, records in batches(events, per_row).items():
            builder = producer.create_batch()
            for key, value, headers in records:
                if not builder.append(timestamp=None, key=key, value=value, headers=headers):
                    builder.close()
                    await (await producer.send_batch(builder, topic, partition=partition))
                    builder = producer.create_batch()
                    builder.append(timestamp=None, key=key, value=value, headers=headers)
            builder.close()
            await (await producer.send_batch(builder, topic, partition=partition))
    finally:
        await producer.stop()


async def work(given: dict[str, Any]) -> None:
    """One worker process: run a host until the projection has everything, then print what it took."""
    database = Database("bench", given["dsn"], name=given["database"])
    keyring = KeyRing(given["dsn"], bytes(32), name=given["keys"])
    runner = Runner(projection(given["projection"]), database, keyring)
    durations: list[float] = []
    inner = runner.apply

    def timed(*args: Any, **kwargs: Any) -> Applied:
        began = time.perf_counter()
        applied = inner(*args, **kwargs)
        durations.append(time.perf_counter() - began)
        return applied

    runner.apply = timed  # type: ignore[method-assign]
    calm_collector()
    host = ProcessorHost(given["group"], given["bootstrap"], {"bench": given["topic"]}, [runner])
    await host.start()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    began, cpu = time.monotonic(), time.process_time()
    done = 0
    while done < given["events"] and time.monotonic() < deadline:
        if not durations:
            began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(POLL_SECONDS)
        done = await asyncio.to_thread(applied_events, database, given["projection"])
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    await host.stop()
    cuts = statistics.quantiles(durations, n=100) if len(durations) > 1 else [0.0] * 99
    result = {
        "events": done,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "batch_ms": [round(cuts[at] * 1_000, 1) for at in (49, 94, 98)],
        "memory_mb": peak_memory_mb(),
    }
    print(json.dumps(result), flush=True)


def peak_memory_mb() -> int:
    """Of this process alone; what getrusage says begins with the parent's."""
    told = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) // 1_024 for line in told.splitlines() if line.startswith("VmHWM"))


def applied_events(database: Database, name: str) -> int:
    with database.working() as connection:
        row = (
            driver(connection)
            .execute("SELECT coalesce(sum(applied), 0) FROM checkpoints WHERE projection = %s", (name,))
            .fetchone()
        )
    return int(row[0]) if row else 0


def ours(given: dict[str, Any], workers: int) -> dict[str, Any]:
    """Run worker processes side by side; rate over the slowest, CPU over all."""
    command = [sys.executable, "-m", "bench.host", "--worker", json.dumps(given)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(workers)]
    results = [json.loads(child.communicate(timeout=TIMEOUT_SECONDS + 60)[0].splitlines()[-1]) for child in children]
    seconds = max(result["seconds"] for result in results)
    return {**results[0], "seconds": seconds, "cpu_seconds": sum(result["cpu_seconds"] for result in results)}


def peer(command: list[str]) -> dict[str, Any] | None:
    """A peer's own figures; None when it cannot run here."""
    done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS + 60, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith(b"{")]
    return json.loads(lines[-1]) if lines else None


def line(name: str, result: dict[str, Any] | None, base: float | None) -> float:
    if result is None or not result["events"]:
        print(f"{name:34} cannot run here")
        return 0.0
    rate = float(result["events"] / result["seconds"])
    cpu = 1e6 * result["cpu_seconds"] / result["events"]
    ratio = f"{rate / base:6.2f} x" if base else "        "
    extra = f"  batch p50/p95/p99 {result['batch_ms']} ms  {result['memory_mb']} MB" if "batch_ms" in result else ""
    print(f"{name:34}{rate:10,.0f}/s {ratio}  {cpu:6.1f} us CPU/event{extra}", flush=True)
    return rate


def measure(bootstrap: str, dsn: str, events: int) -> None:
    database = Database("bench", dsn, name="bench")
    database.prepare()
    KeyRing(dsn, bytes(32), name="bench_keys").prepare()
    names = ["new_rows", "ten_per_row", "new_rows_two"]
    prepare(database, [projection(name) for name in names])
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    topics = {1: "bench.new", 10: "bench.ten"}
    admin.create_topics([NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1) for topic in topics.values()])
    admin.close()
    for per_row, topic in topics.items():
        asyncio.run(publish(bootstrap, topic, events, per_row))
    common = {"bootstrap": bootstrap, "dsn": dsn, "database": "bench", "keys": "bench_keys", "events": events}

    def given(name: str, topic: str) -> dict[str, Any]:
        return {**common, "projection": name, "topic": topic, "group": f"bench-{name}"}

    base = line("ours, new row per event", ours(given("new_rows", topics[1]), 1), None)
    line("ours, ten events per row", ours(given("ten_per_row", topics[10]), 1), base)
    line("ours, new rows, two workers", ours(given("new_rows_two", topics[1]), 2), base)
    fewer = str(min(events, PEER_EVENTS_MAX))
    line(
        "Faust Table (count per key)",
        peer([sys.executable, "-m", "bench.faust_peer", bootstrap, topics[1], fewer]),
        base,
    )
    quix = os.environ.get("ROLLCALL_BENCH_QUIX_PYTHON", sys.executable)
    script = str(Path(__file__).with_name("quix_peer.py"))
    line("Quix Streams (count per key)", peer([quix, script, bootstrap, topics[1], fewer]), base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=150_000)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        asyncio.run(work(json.loads(arguments.worker)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers below end with this process
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    postgres = EmbeddedPostgres(home, free_port())
    broker = EmbeddedKafka(home, free_port(), free_port())
    try:
        postgres.start()
        broker.start()
        measure(broker.bootstrap, postgres.dsn("postgres"), arguments.events)
    finally:
        broker.stop(timeout_seconds=10.0)
        postgres.stop(timeout_seconds=10.0)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
