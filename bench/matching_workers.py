"""How deciding grows with workers: one county's list rows, all waiting, decided by 1, 2 and 3 processes.

The roster's tables and the queue are filled once by the real runner and copied for each run, so that every run decides
the same rows from the same beginning. No broker takes part: what is timed is taking, locking, reading, deciding and
appending. ``python -m bench.matching_workers [--events STUDENTS]`` starts a PostgreSQL of its own (fsync on).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from rich.console import Console

from bench.report import BenchResult, Measure, result
from bench.stage import processor_seconds
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from services.matching import app
from services.matching.active_model import ActiveModel
from services.matching.deciding import Deciding
from services.matching.events import DayOpened
from services.matching.streams import Streams
from services.registry.events import EntryPersonal, ListEntryAdded, StudentEnrolled, StudentPersonal
from shared.database.database import Database, driver
from shared.eventsourcing import log
from shared.eventsourcing.event import partition_of
from shared.eventsourcing.sequencer import Term
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.hosting.seeding import plant
from shared.hosting.service import Service
from shared.hosting.settings import PARTITIONS, Settings
from shared.kernel.facts import Fact
from shared.messaging.builds import prepare
from shared.messaging.codec import Envelope
from shared.messaging.runner import Runner
from shared.standards.identity_number import check_digit

WORKERS = (1, 2, 3)
DIVISION, TODAY, SINCE = "469000", date(2026, 11, 24), date(2026, 9, 1)
COMMAND_FACTS, BATCH = 1_000, 1_000
ROWS_PER_STUDENT = 0.8
LISTED_ELSEWHERE, OTHER_NAME = 0.1, 0.03  # shares of rows about nobody here, and with another name than the number's
SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周", "明芳伟娜静丽强磊军洋勇艳杰娟涛超"


class Person(NamedTuple):
    """A name with its number."""

    name: str
    number: str
    born: date


def run(events: int = 20_000) -> BenchResult:
    """``events``: students of the county; eight list rows for ten of them."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    postgres = EmbeddedPostgres(home, free_port())
    try:
        postgres.start()
        assert postgres.identity is not None, "it has started"
        server = postgres.identity.pid
        _fill(
            _settings(postgres, home, "registry", "registry"), _settings(postgres, home, "matching", "filled"), events
        )
        measures, told = [], {}
        for workers in WORKERS:
            name = f"matching_{workers}"
            with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE filled".encode())
            before = processor_seconds(server)
            decided, seconds, processor = _decide(_settings(postgres, home, "matching", name), workers)
            measures.append(Measure(f"list rows decided, {workers} worker{'s' * (workers > 1)}", decided, seconds))
            told[f"processor_seconds_{workers}"] = round(processor, 1)
            told[f"postgres_processor_seconds_{workers}"] = round(processor_seconds(server) - before, 1)
        load = round(os.getloadavg()[0], 1)
        return result("matching_workers", measures, students=events, load=load, **told)
    finally:
        postgres.stop(10.0)
        shutil.rmtree(home, ignore_errors=True)


def _settings(postgres: EmbeddedPostgres, home: Path, service: str, database: str) -> Settings:
    secrets = {name: bytes([place]) * 32 for place, name in enumerate(("kek", "jwt", f"hmac-{service}"), 1)}
    return Settings(
        service=service,
        division=DIVISION,
        environment="test",
        home=home,
        port=0,
        bootstrap_servers="",
        database_url=postgres.dsn(database),
        keys_database_url=postgres.dsn("keys"),
        secrets=secrets,
    )


def _fill(registry: Settings, matching: Settings, students: int) -> None:
    """Append the county's facts, and fold them into the roster, whose queue then holds every row."""
    service = app.build(matching)
    service.keyring.prepare()
    service.database.prepare(service.steps)
    prepare(service.database, service.projections)
    plant(service, matching.hmac_key)
    facts = _county(random.Random(4690), students)
    for name, settings, proposed in (
        ("matching", matching, [Proposed(uuid.UUID(int=7), 0, DayOpened(day=TODAY), TODAY)]),
        ("registry", registry, facts),
    ):
        database, store = settings.database(), EventStore(name, service.keyring, settings.hmac_key)
        database.prepare(service.steps if name == "matching" else ())
        for begin in range(0, len(proposed), COMMAND_FACTS):
            part = proposed[begin : begin + COMMAND_FACTS]
            _append(store, database, part)
        with psycopg.connect(database.worker_conninfo, autocommit=True) as connection:
            term = Term(connection, f"//rollcall/{DIVISION}/{name}")
            term.claim()
            term.recover()
            while term.sequence():
                continue
        with database.working() as reading:
            entries = list(log.entries(driver(reading)))
        _fold(service, name, entries)
        database.close()
    service.database.close()
    service.keyring.close()


def _append(store: EventStore, database: Database, part: Sequence[Proposed]) -> None:
    store.run(database, Command("bench", uuid.uuid4(), b""), lambda connection: part)


def _fold(service: Service, name: str, entries: Sequence[log.Entry]) -> None:
    runner = Runner(service.projections[0], service.database, service.keyring)
    for partition in range(PARTITIONS):
        last, envelopes = 0, []
        for logged, trace in entries:
            if partition_of(logged.event.stream_id, PARTITIONS) == partition:
                envelopes.append(Envelope(logged, last, trace))
                last = logged.log_index
        for begin in range(0, len(envelopes), BATCH):
            runner.apply(name, partition, envelopes[begin : begin + BATCH])


def _county(chance: random.Random, students: int) -> list[Proposed]:
    """Students, then rows about them; in the order of their arrival."""
    people = [_person(chance, place) for place in range(students)]
    facts = [_proposed(chance, lambda stream, each=each: _student(chance, stream, each)) for each in people]
    for place in range(round(students * ROWS_PER_STUDENT)):
        named = chance.choice(people)
        if chance.random() < LISTED_ELSEWHERE:
            named = _person(chance, students + place)
        elif chance.random() < OTHER_NAME:
            named = named._replace(name=chance.choice(people).name)
        facts.append(_proposed(chance, lambda stream, named=named: _listed(stream, named)))
    return facts


def _proposed(chance: random.Random, fact: Any) -> Proposed:
    stream = uuid.UUID(int=chance.getrandbits(128))
    return Proposed(stream, 0, fact(stream), SINCE)


def _person(chance: random.Random, place: int) -> Person:
    born = date(2010, 1, 1) + timedelta(days=place % 3_000)
    first = f"4690{place // 3_000 % 90:02d}{born:%Y%m%d}{chance.randrange(1_000):03d}"
    name = chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2))))
    return Person(name, first + check_digit(first), born)


def _student(chance: random.Random, stream: uuid.UUID, each: Person) -> Fact:
    personal = StudentPersonal(person_id=stream, name=each.name, id_number=each.number, birth_date=each.born)
    school = f"{DIVISION}{chance.randrange(60):04d}"
    return StudentEnrolled(school_code=school, division_code=f"{DIVISION}101", stage="primary", personal=personal)


def _listed(stream: uuid.UUID, each: Person) -> Fact:
    personal = EntryPersonal(person_id=stream, name=each.name, id_number=each.number, birth_date=each.born)
    return ListEntryAdded(
        agency="poverty_office", list="poverty", household_type="脱贫户", division_code=DIVISION, personal=personal
    )


def _decide(settings: Settings, workers: int) -> tuple[int, float, float]:
    """Rows decided, seconds until the queue is empty, and the workers' processor seconds meanwhile."""
    service = app.build(settings)
    service.database.prepare(service.steps)  # rights on a database are not copied with it
    context = multiprocessing.get_context("spawn")
    ready, told = context.Barrier(workers + 1), context.SimpleQueue()
    processes = [context.Process(target=_work, args=(settings, ready, told)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    processor = sum(told.get() for _ in processes)
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    with service.database.working() as connection:
        counts = "SELECT (SELECT count(*) FROM decided), (SELECT count(*) FROM matching_work)"
        decided, waiting = driver(connection).execute(counts).fetchall()[0]
    service.database.close()
    if waiting:
        raise RuntimeError(f"{waiting} changes still wait")
    return decided, seconds, processor


def _work(settings: Settings, ready: Any, told: Any) -> None:
    """One worker process: decide until nothing waits that nobody else holds."""
    service = app.build(settings)
    streams = Streams(settings.hmac_key)
    deciding = Deciding(service.database, service.store, streams, ActiveModel(service.store, streams))
    with service.database.working():
        pass
    ready.wait()
    began = time.process_time()
    while deciding.decide_some():
        continue
    told.put(time.process_time() - began)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.matching_workers", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--events", type=int, default=20_000, help="students of the county")
    run(parser.parse_args().events).show(Console())


if __name__ == "__main__":
    main()
