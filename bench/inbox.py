"""A storm of alerts to the inboxes: appended, sequenced, counted in the messages of every school and of the county."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import date

import psycopg

from bench.report import BenchResult, Measure, result, timed
from bench.stage import SOURCE, stage
from services.notifications.delivery import message_store, receivers
from services.notifications.delivery.composing import Composing
from services.notifications.events import AlertRaised
from services.notifications.streams import Streams
from shared.database.database import Database, driver
from shared.eventsourcing import log
from shared.eventsourcing.event import partition_of
from shared.eventsourcing.sequencer import Sequencer, Term
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.hosting.settings import PARTITIONS
from shared.messaging.builds import prepare
from shared.messaging.codec import Envelope
from shared.messaging.runner import Runner

DIVISION, SCHOOLS, BATCH = "469080", 500, 1_000
EVERY_SECONDS, APART = 0.1, "9999999999"
TOGETHER_TARGET = 100_000 / 60  # all of a storm within a minute
DAY = date(2026, 11, 24)


def run(events: int = 100_000) -> BenchResult:
    """``events``: alerts over 500 schools. Without a broker: events go from the log to the policy batch by batch, so
    the time of one batch is how long an alert of somebody else waits behind it."""
    with stage() as parts:
        database, store = parts.database, EventStore("notifications", parts.keyring, b"bench")
        database.prepare((*message_store.STEPS, *receivers.STEPS))
        policy = Composing(store, Streams(b"bench"), DIVISION).projection()
        prepare(database, (policy,))
        began = time.perf_counter()
        _append(database, store, events)
        _sequence(database)
        runner, latencies = Runner(policy, database, parts.keyring), []
        for partition, batch in _batches(database):
            before = time.perf_counter()
            runner.apply("notifications", partition, batch)
            latencies.append(time.perf_counter() - before)
        seconds = time.perf_counter() - began
        with database.working() as connection:
            row = driver(connection).execute("SELECT count(*), sum(total) FROM messages").fetchone()
        assert row == (SCHOOLS + 1, 2 * events), row
    label = f"alerts raised → counted in {SCHOOLS + 1} inboxes"
    whole = Measure(label, events, seconds, target_rate=TOGETHER_TARGET)
    beside, took = _beside_a_storm(events)
    others = timed("another school's alert → its inbox, meanwhile", took, beside)
    return result("inbox", [whole, timed("one batch of 1,000", sum(latencies), latencies), others], events=events)


def _beside_a_storm(events: int) -> tuple[list[float], float]:
    """Alerts of a school apart from the storm, one every EVERY_SECONDS while the storm is appended, sequenced and
    counted, all three at once as in a service: the seconds from each one's commit to its count in the inbox."""
    with stage() as parts:
        database, store = parts.database, EventStore("notifications", parts.keyring, b"bench")
        database.prepare((*message_store.STEPS, *receivers.STEPS))
        policy = Composing(store, Streams(b"bench"), DIVISION).projection()
        prepare(database, (policy,))
        stop, over = threading.Event(), threading.Event()
        committed: dict[uuid.UUID, float] = {}
        counted: dict[uuid.UUID, float] = {}

        def storm() -> None:
            _append(database, store, events)
            over.set()

        def others() -> None:
            while not over.wait(EVERY_SECONDS):
                fact = _alert(0, APART)
                made = store.run(
                    database,
                    Command("bench", uuid.uuid4(), b""),
                    lambda _, fact=fact: [Proposed(uuid.uuid4(), 0, fact, DAY)],  # type: ignore[misc]
                )
                committed[made.event_ids[0]] = time.perf_counter()

        sequencing = threading.Thread(target=Sequencer(database, SOURCE).run, args=(stop,))
        appending = [threading.Thread(target=work) for work in (storm, others)]
        began = time.perf_counter()
        for thread in (sequencing, *appending):
            thread.start()
        runner = Runner(policy, database, parts.keyring)
        _count(database, runner, counted, lambda: events + len(committed) if _ended(appending) else None)
        took = time.perf_counter() - began
        stop.set()
        for thread in (sequencing, *appending):
            thread.join()
    return [counted[each] - moment for each, moment in committed.items()], took


def _ended(threads: list[threading.Thread]) -> bool:
    return not any(each.is_alive() for each in threads)


def _count(
    database: Database, runner: Runner, counted: dict[uuid.UUID, float], whole: Callable[[], int | None]
) -> None:
    """Batch by batch, of each partition at most BATCH in turn, until as many are counted as ``whole`` says."""
    last, position = [0] * PARTITIONS, 0
    while (wanted := whole()) is None or len(counted) < wanted:
        parts: dict[int, list[Envelope]] = {}
        with database.working() as connection:
            for logged, trace in itertools.islice(log.entries(driver(connection), after=position), BATCH * PARTITIONS):
                part = partition_of(logged.event.stream_id, PARTITIONS)
                parts.setdefault(part, []).append(Envelope(logged, last[part], trace))
                last[part] = position = logged.log_index
        for part, envelopes in parts.items():
            for begin in range(0, len(envelopes), BATCH):
                batch = envelopes[begin : begin + BATCH]
                runner.apply("notifications", part, batch)
                counted.update(dict.fromkeys((each.logged.event.event_id for each in batch), time.perf_counter()))
        if not parts:
            time.sleep(0.005)


def _append(database: Database, store: EventStore, events: int) -> None:
    for begin in range(0, events, BATCH):
        proposed = [
            Proposed(uuid.uuid4(), 0, _alert(number), DAY) for number in range(begin, min(begin + BATCH, events))
        ]
        store.run(database, Command("bench", uuid.uuid4(), b""), lambda _, proposed=proposed: proposed)  # type: ignore[misc]


def _alert(number: int, school: str | None = None) -> AlertRaised:
    return AlertRaised(
        kind="absent_running",
        student_id=uuid.uuid4(),
        entry_id=None,
        division_code=f"{DIVISION}001",
        school_code=school or f"{number % SCHOOLS:010d}",
        since=DAY,
        evidence=(uuid.uuid4(),),
        rules_hash="0",
        explanation_code="absent_days_running",
        facts={"days": "3"},
    )


def _sequence(database: Database) -> None:
    with closing(psycopg.connect(database.worker_conninfo, autocommit=True)) as connection:
        term = Term(connection, SOURCE)
        term.claim()
        term.recover()
        while term.sequence():
            pass


def _batches(database: Database) -> list[tuple[int, list[Envelope]]]:
    """The log as its partitions' batches, in turn."""
    parts: list[list[Envelope]] = [[] for _ in range(PARTITIONS)]
    with database.working() as connection:
        for logged, trace in log.entries(driver(connection)):
            part = parts[partition_of(logged.event.stream_id, PARTITIONS)]
            part.append(Envelope(logged, part[-1].logged.log_index if part else 0, trace))
    longest = max(map(len, parts))
    turns = [(begin, number) for begin in range(0, longest, BATCH) for number in range(PARTITIONS)]
    return [(number, batch) for begin, number in turns if (batch := parts[number][begin : begin + BATCH])]
