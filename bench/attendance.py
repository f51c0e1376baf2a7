"""A day's attendance of a county of a million children through notifications' processor: from the topic to alerts.

The county stands in the policy's memory with its last school days; then one day's class reports lie in Kafka and are
processed by one worker, and by two. ``python -m bench.attendance`` starts a Kafka and a PostgreSQL of its own
(fsync on). Plain Faust, which only counts per key, reads the same topic as a peer.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from aiokafka import AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from bench.attendance_county import Day, Placed, fill, notifications_settings
from bench.host import line, peak_memory_mb, peer
from bench.report import machine_line
from bench.stage import processor_seconds
from deploy.broker import EmbeddedKafka
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from services.notifications import app
from shared.database.database import Database, driver
from shared.hosting.collecting import calm_collector
from shared.hosting.settings import PARTITIONS
from shared.messaging.codec import encode
from shared.messaging.failures import DatabaseAway
from shared.messaging.host import ProcessorHost
from shared.messaging.runner import Runner

CHILDREN = 1_000_000
SECONDS_WANTED, RATIO_WANTED = 10.0, 1.2
REPEATS = 3
POLL_SECONDS = 0.5
TIMEOUT_SECONDS = 900.0
PEER_EVENTS_MAX = 20_000
TOPIC = "registry.day"
LOGS = ("registry", "matching", "notifications", "visits", "disbursement")  # the others are silent on that day


class Parts(NamedTuple):
    """The servers, and a home for what is written."""

    home: Path
    postgres: EmbeddedPostgres
    broker: EmbeddedKafka


class Took(NamedTuple):
    """``processor_seconds`` of all workers together, ``inside`` those of their transactions' threads, ``servers`` of
    PostgreSQL; ``batches`` of each worker; the largest one's memory in MB."""

    seconds: float
    processor_seconds: float
    inside: float
    batches: list[int]
    servers: float
    memory_mb: int
    alerts: int


def measure(parts: Parts, children: int, profile: str | None) -> None:
    began = time.perf_counter()
    day = fill(notifications_settings(*_places(parts, "filled")), children)
    print(f"{children:,} children and their last days loaded in {time.perf_counter() - began:,.0f} s", flush=True)
    asyncio.run(_publish(parts.broker.bootstrap, day.placed))
    runs: dict[int, list[Took]] = {1: [], 2: []}
    for _ in range(1 if profile else REPEATS):  # in turn, so that what else the machine does meets both
        for workers, took in runs.items():
            took.append(_processed(parts, day, workers, profile if workers == 1 else None))
            _tell(day, workers, took[-1])
    one, two = (min(each.processor_seconds for each in runs[workers]) for workers in (1, 2))
    print(f"CPU per event, two workers / one, the best of each: {two / one:.2f} (wanted at most {RATIO_WANTED})")
    fewer = str(min(day.reports, PEER_EVENTS_MAX))
    faust = [sys.executable, "-m", "bench.faust_peer", parts.broker.bootstrap, TOPIC, fewer]
    line("Faust Table (count per key)", peer(faust), day.reports / min(each.seconds for each in runs[1]))
    print(machine_line())


def _tell(day: Day, workers: int, took: Took) -> None:
    micro = 1e6 * took.processor_seconds / day.reports
    verdict = "" if workers > 1 else f" (wanted at most {SECONDS_WANTED:.0f})"
    print(
        f"{workers} worker{'s' * (workers > 1)}: {day.reports:,} reports with {day.absent:,} absences in"
        f" {took.seconds:.1f} s{verdict}, {day.reports / took.seconds:,.0f}/s, {micro:,.0f} us CPU/event"
        f" (in {' + '.join(map(str, took.batches))} transactions {1e6 * took.inside / day.reports:,.0f}),"
        f" PostgreSQL {took.servers:.1f} s, {took.memory_mb} MB, {took.alerts} alert events",
        flush=True,
    )


def _places(parts: Parts, database: str) -> tuple[str, str, str, str]:
    return str(parts.home), parts.postgres.dsn(database), parts.postgres.dsn("keys"), parts.broker.bootstrap


async def _publish(bootstrap: str, placed: Placed) -> None:
    """The day's reports to their topic."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    names = [f"{name}.day" for name in LOGS]
    admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=1) for name in names])
    admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=262_144)
    await producer.start()
    try:
        for partition, envelopes in placed.items():
            for envelope in envelopes:
                key, value, headers = encode(*envelope)
                await producer.send(TOPIC, value, key, partition, headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


def _processed(parts: Parts, day: Day, workers: int, profile: str | None) -> Took:
    """Worker processes side by side on a copy of the county, until every report is judged."""
    database = f"notifications_{workers}_{uuid.uuid4().hex[:6]}"
    with psycopg.connect(parts.postgres.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database} TEMPLATE filled".encode())
    service = app.build(notifications_settings(*_places(parts, database)))
    service.database.prepare(service.steps)  # rights on a database are not copied with it
    assert parts.postgres.identity is not None, "it has started"
    before = processor_seconds(parts.postgres.identity.pid)
    done = _applied(service.database)
    given = {"places": _places(parts, database), "group": database, "until": done + day.reports}
    given |= {"profile": profile, "workers": workers}
    command = [sys.executable, "-m", "bench.attendance", "--worker", json.dumps(given)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(workers)]
    told = [json.loads(child.communicate(timeout=TIMEOUT_SECONDS)[0].splitlines()[-1]) for child in children]
    servers = processor_seconds(parts.postgres.identity.pid) - before
    with service.database.working() as working:
        row = driver(working).execute("SELECT count(*) FROM events WHERE type LIKE '%.Alert_aised.%'").fetchone()
    service.database.close()
    service.keyring.close()
    return Took(
        max(each["ended"] for each in told) - min(each["began"] for each in told),
        sum(each["cpu_seconds"] for each in told),
        sum(each["inside_seconds"] for each in told),
        [each["batches"] for each in told],
        servers,
        max(each["memory_mb"] for each in told),
        int(row[0]) if row else 0,
    )


async def work(given: dict[str, Any]) -> None:
    """One worker process: judge until every report is, then print what it took."""
    service = app.build(notifications_settings(*given["places"]))
    runners = [
        Runner(each, service.database, service.keyring) for each in service.projections if each.name == "watching"
    ]
    profiler = cProfile.Profile(time.thread_time) if given["profile"] else None
    moments: list[float] = []
    inside: list[float] = []
    cpu: list[float] = []  # from the first batch to the last: neither joining the group nor waiting for the end
    for runner in runners:
        inner = runner.apply

        def timed(*arguments: Any, inner: Any = inner, **named: Any) -> Any:
            if not _together(host, given):
                raise DatabaseAway("not every worker has joined")  # so the host keeps the batch and tries again
            moments.append(time.time())
            cpu.append(time.process_time())
            spent = time.thread_time()
            if profiler is not None:
                profiler.enable()
            try:
                return inner(*arguments, **named)
            finally:
                if profiler is not None:
                    profiler.disable()
                inside.append(time.thread_time() - spent)
                moments.append(time.time())
                cpu.append(time.process_time())

        runner.apply = timed  # type: ignore[method-assign]
    calm_collector()
    topics = {name: f"{name}.day" for name in LOGS}
    threads = 1 if profiler else 2
    host = ProcessorHost(given["group"], given["places"][3], topics, runners, threads=threads)
    await host.start()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while _applied(service.database) < given["until"] and time.monotonic() < deadline:  # noqa: ASYNC110 (a table)
        await asyncio.sleep(POLL_SECONDS)
    await host.stop()
    if profiler is not None:
        profiler.dump_stats(given["profile"])
    now = time.time()  # a worker that joined when all was done took no time
    told = {
        "began": min(moments, default=now),
        "ended": max(moments, default=0.0),
        "cpu_seconds": max(cpu, default=0.0) - min(cpu, default=0.0),
        "inside_seconds": sum(inside),
        "batches": len(inside),
        "memory_mb": peak_memory_mb(),
    }
    print(json.dumps(told), flush=True)


def _together(host: ProcessorHost, given: dict[str, Any]) -> bool:
    """Whether every worker has its share of the partitions: the first to start would else have done it all alone."""
    workers, home = int(given["workers"]), Path(given["places"][0])
    if workers > 1 and 0 < len(host.assignment()) < len(LOGS) * PARTITIONS:
        (home / f"{given['group']}-{os.getpid()}").touch()
    return workers == 1 or len(list(home.glob(f"{given['group']}-*"))) == workers


def _applied(database: Database) -> int:
    statement = "SELECT coalesce(sum(applied), 0) FROM checkpoints WHERE projection = 'watching' AND log = 'registry'"
    with database.working() as connection:
        row = driver(connection).execute(statement).fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=CHILDREN, help="children of the county, 40 to a class")
    parser.add_argument("--profile", help="write a profile of the one worker's transactions there (slows them)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        asyncio.run(work(json.loads(arguments.worker)))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers below end with this process
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    parts = Parts(home, EmbeddedPostgres(home, free_port()), EmbeddedKafka(home, free_port(), free_port()))
    try:
        parts.postgres.start()
        parts.broker.start()
        measure(parts, arguments.events, arguments.profile)
    finally:
        parts.broker.stop(timeout_seconds=10.0)
        parts.postgres.stop(timeout_seconds=10.0)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
