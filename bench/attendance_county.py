"""A county in notifications' tables with its last school days, and one more day of class reports to process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg

from bench.term_facts import DIVISION, RegistryLog, TermFacts
from services.notifications import app
from services.notifications.events import DayOpened
from shared.database.database import driver
from shared.eventsourcing import log
from shared.eventsourcing.event import partition_of
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.sequencer import Term
from shared.eventsourcing.store import Command, Proposed
from shared.hosting.seeding import plant
from shared.hosting.service import Service
from shared.hosting.settings import PARTITIONS, Settings
from shared.messaging.builds import prepare
from shared.messaging.codec import Envelope
from shared.messaging.runner import Runner
from simulation.class_reports import Shape
from simulation.terms import invented_classrooms, school_time, simulate_terms

ABSENT_SHARE = 0.02
HISTORY_DAYS = 3  # reported before, so that a third day of absence is found
TROUBLE = (HISTORY_DAYS + 1) / 95  # what happens to children in a term of 95 school days, for as many as these are
AS_OF = date(2026, 11, 16)
LOAD_BATCH = 2_000
Placed = Mapping[int, Sequence[Envelope]]


class Day(NamedTuple):
    """One day's reports as they will be published: partition → events; and how many children they name absent."""

    placed: Placed
    reports: int
    absent: int


def notifications_settings(home: str, dsn: str, keys: str, bootstrap: str) -> Settings:
    """As a worker process of notifications would read them."""
    names = ("kek", "jwt", "hmac-notifications")
    return Settings(
        service="notifications",
        division=DIVISION,
        environment="test",
        home=Path(home),
        port=0,
        bootstrap_servers=bootstrap,
        database_url=dsn,
        keys_database_url=keys,
        secrets={name: bytes([place]) * 32 for place, name in enumerate(names, 1)},
    )


def fill(settings: Settings, children: int) -> Day:
    """Every child enrolled and the days before reported; the last day has opened, and its reports are returned."""
    time = school_time(AS_OF, 1, HISTORY_DAYS + 1)
    shape = Shape(absent_share=ABSENT_SHARE, trouble=TROUBLE)
    made = simulate_terms("bench", invented_classrooms(children), time, shape)
    facts, registry = TermFacts(made), RegistryLog()
    *before, today = made.time.days
    said = [*facts.beginning(before[0] - timedelta(days=30))]
    said += [facts.report(told) for told in made.reports if told.told_on < today]
    arriving = [facts.report(told) for told in made.reports if told.told_on == today]
    service = app.build(settings)
    service.keyring.prepare()
    service.database.prepare(service.steps)
    prepare(service.database, service.projections)
    plant(service, settings.hmac_key)
    _load(service, "registry", registry.envelopes(said, before[0]))
    _open_day(service, today)
    service.database.close()
    service.keyring.close()
    absent = sum(len(told.absences) for told in made.reports if told.told_on == today)
    return Day(registry.envelopes(arriving, today), len(arriving), absent)


def _open_day(service: Service, day: date) -> None:
    """The day and the rules of the service's own log reach its policies."""
    opened = Proposed(UUID(int=7), 0, DayOpened(day=day), day)
    service.store.run(service.database, Command("bench", uuid4(), b""), lambda connection: [opened])
    with psycopg.connect(service.database.worker_conninfo, autocommit=True) as connection:
        term = Term(connection, f"//rollcall/{DIVISION}/{service.name}")
        term.claim()
        term.recover()
        while term.sequence():
            continue
    with service.database.working() as reading:
        _load(service, service.name, _placed(log.entries(driver(reading))))


def _placed(entries: Iterable[log.Entry]) -> Placed:
    found: dict[int, list[Envelope]] = {}
    last = dict.fromkeys(range(PARTITIONS), 0)
    for logged, trace in entries:
        partition = partition_of(logged.event.stream_id, PARTITIONS)
        found.setdefault(partition, []).append(Envelope(logged, last[partition], trace))
        last[partition] = logged.log_index
    return found


def _load(service: Service, name: str, placed: Placed) -> None:
    """Into every projection's tables, with the policies silent: what is measured is one day."""
    for projection in service.projections:
        if name not in projection.logs:
            continue
        silent = Projection(projection.name, projection.tables, projection.folds)
        runner = Runner(silent, service.database, service.keyring)
        for partition, envelopes in placed.items():
            for begin in range(0, len(envelopes), LOAD_BATCH):
                applied = runner.apply(name, partition, envelopes[begin : begin + LOAD_BATCH])
                if applied.poisoned or applied.gap or applied.halted:
                    raise RuntimeError(f"{projection.name} did not take the county: {applied}")
