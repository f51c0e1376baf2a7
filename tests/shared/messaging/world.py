"""A small world for the processor's tests: two logs, one projection over both, and an oracle that knows no periods."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Connection, Index, Integer, Text

from shared.database.database import Database, driver
from shared.eventsourcing.event import Event, Logged, leaf_hash, partition_of
from shared.eventsourcing.periods import FOREVER, Assertion, PeriodTable
from shared.eventsourcing.projection import Fold, Projection, Recorded
from shared.eventsourcing.sealing import people_of, seal
from shared.kernel.facts import Fact, Personal, fact
from shared.kernel.identifiers import keyed_id, new_event_id
from shared.keys.keyring import KeyRing
from shared.messaging.arrivals import Arrival, arrival
from shared.messaging.codec import Envelope

PARTITIONS = 4
FIRST_DAY = date(2025, 9, 1)
DAYS = 40
START = datetime(2025, 9, 1, tzinfo=UTC)


class Name(Personal, frozen=True, kw_only=True):
    name: str


@fact("alpha")
class Enrolled(Fact, frozen=True, kw_only=True):
    school: str
    grade: int
    personal: Name | None


@fact("alpha")
class Moved(Fact, frozen=True, kw_only=True):
    school: str


@fact("alpha")
class Noted(Fact, frozen=True, kw_only=True):
    """Writes an entity that is not its stream: several streams, so several partitions, write the same one."""

    about: UUID
    note: str | None


@fact("alpha")
class Ignored(Fact, frozen=True, kw_only=True):
    reason: str


@fact("beta")
class Paid(Fact, frozen=True, kw_only=True):
    student: UUID
    amount_fen: int


ENROLMENTS = PeriodTable(
    "enrolments",
    "alpha",
    [
        Column("school_code", Text),
        Column("division_code", Text),
        Column("grade", Integer),
        Column("name", Text),
    ],
    indexes=[Index("enrolments_by_school", "school_code", "valid_from")],
)
NOTES = PeriodTable("notes", "alpha", [Column("note", Text), Column("noted_by", Text)])
PAYMENTS = PeriodTable("payments", "beta", [Column("amount_fen", BigInteger), Column("payments", Text)])


def enrolled(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    name = None if fact.personal is None else fact.personal.name
    values = {"school_code": fact.school, "division_code": "460107", "grade": fact.grade, "name": name}
    yield Assertion(ENROLMENTS, event.stream_id, event.effective_on, values)


def moved(event: Recorded) -> Iterable[Assertion]:
    if event.fact.school == BROKEN.get("school"):
        raise ValueError("a school nobody knows")
    yield Assertion(ENROLMENTS, event.stream_id, event.effective_on, {"school_code": event.fact.school})


def noted(event: Recorded) -> Iterable[Assertion]:
    values = {"note": event.fact.note, "noted_by": str(event.stream_id)}
    yield Assertion(NOTES, event.fact.about, event.effective_on, values)


def paid(event: Recorded) -> Iterable[Assertion]:
    values = {"amount_fen": event.fact.amount_fen, "payments": f"tab\there \\ {event.fact.amount_fen}\nnew line"}
    yield Assertion(PAYMENTS, event.fact.student, event.effective_on, values)


BROKEN: dict[str, str] = {}  # what the code of this world cannot do yet: a test breaks and repairs it
FOLDS: dict[type[Fact], Fold] = {Enrolled: enrolled, Moved: moved, Noted: noted, Paid: paid}
TABLES = (ENROLMENTS, NOTES, PAYMENTS)


def roster(name: str = "roster", **options: Any) -> Projection:
    return Projection(name, TABLES, FOLDS, **options)


@dataclass
class World:
    """Generates two logs. Everything is a function of the seed."""

    keyring: KeyRing
    seed: int = 1
    division: str = "460107"
    logs: dict[str, list[Logged]] = field(default_factory=lambda: {"alpha": [], "beta": []})
    facts: dict[str, list[tuple[UUID, date, Fact]]] = field(default_factory=lambda: {"alpha": [], "beta": []})
    versions: dict[UUID, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def student(self, number: int) -> UUID:
        return keyed_id(b"test", str(self.seed), str(number))

    def add(self, service: str, stream: UUID, effective_on: date, fact: Fact, *, data: bytes | None = None) -> Logged:
        """Append one event; ``data`` replaces its bytes (to make it unreadable)."""
        log = self.logs[service]
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        event_id = new_event_id()
        if data is None:
            keys = self.keyring.keys(people_of(fact), create=True)
            data = seal(fact, event_id, stream, version, keys)
        kind = f"{service}.{type(fact).__name__}.v1"
        event = Event(event_id, stream, version, kind, effective_on, "test", new_event_id(), None, None, data)
        source = f"//rollcall/{self.division}/{service}"
        index = len(log) + 1
        recorded_at = START + timedelta(microseconds=index)
        log.append(Logged(source, index, recorded_at, leaf_hash(source, index, recorded_at, event), event))
        self.facts[service].append((stream, effective_on, fact))
        return log[-1]

    def grow(self, events: int, students: int = 40) -> None:
        """Append random events to both logs: enrolments, moves, notes about others, payments, and some nobody folds."""
        pick = self.random
        for _ in range(events):
            student = self.student(pick.randrange(students))
            day = FIRST_DAY + timedelta(days=pick.randrange(DAYS))
            what = pick.random()
            if what < 0.25:
                personal = Name(person_id=student, name=f"学生{pick.randrange(99)}")
                fact: Fact = Enrolled(school=f"S{pick.randrange(5)}", grade=pick.randrange(9), personal=personal)
                self.add("alpha", student, day, fact)
            elif what < 0.5:
                self.add("alpha", student, day, Moved(school=f"S{pick.randrange(5)}"))
            elif what < 0.7:
                about = self.student(pick.randrange(students))
                self.add("alpha", student, day, Noted(about=about, note=pick.choice([None, "a", "b"])))
            elif what < 0.75:
                self.add("alpha", student, day, Ignored(reason="x"))
            else:
                stream = keyed_id(b"payment", str(pick.randrange(students * 2)))
                self.add("beta", stream, day, Paid(student=student, amount_fen=pick.randrange(100_000)))

    def envelopes(self, service: str) -> dict[int, list[Envelope]]:
        """The log as each partition carries it."""
        last: dict[int, int] = {}
        parts: dict[int, list[Envelope]] = {partition: [] for partition in range(PARTITIONS)}
        for logged in self.logs[service]:
            partition = partition_of(logged.event.stream_id, PARTITIONS)
            parts[partition].append(Envelope(logged, last.get(partition, 0), None))
            last[partition] = logged.log_index
        return parts

    def arrivals(self, service: str) -> dict[int, list[Arrival]]:
        return {
            partition: [arrival(envelope, offset) for offset, envelope in enumerate(envelopes)]
            for partition, envelopes in self.envelopes(service).items()
        }

    def in_time_order(self) -> list[Logged]:
        return sorted((logged for log in self.logs.values() for logged in log), key=lambda logged: logged.recorded_at)


def expected_days(world: World, until: dict[str, int] | None = None) -> dict[tuple[str, UUID, date], dict[str, Any]]:
    """The oracle, from the input list alone: for each table, entity and day, the value of each column."""
    asserted: dict[tuple[str, UUID], list[tuple[date, int, dict[str, Any]]]] = {}
    for service, facts in world.facts.items():
        for index, (stream, day, given) in enumerate(facts, 1):
            if until is not None and index > until.get(service, 0):
                continue
            if isinstance(given, Enrolled):
                entry = ("enrolments", stream)
                name = None if given.personal is None else given.personal.name
                values: dict[str, Any] = {
                    "school_code": given.school,
                    "division_code": "460107",
                    "grade": given.grade,
                    "name": name,
                }
            elif isinstance(given, Moved):
                entry, values = ("enrolments", stream), {"school_code": given.school}
            elif isinstance(given, Noted):
                entry, values = ("notes", given.about), {"note": given.note, "noted_by": str(stream)}
            elif isinstance(given, Paid):
                entry = ("payments", given.student)
                text = f"tab\there \\ {given.amount_fen}\nnew line"
                values = {"amount_fen": given.amount_fen, "payments": text}
            else:
                continue
            asserted.setdefault(entry, []).append((day, index, values))
    days = {}
    for (table, entity), assertions in asserted.items():
        for offset in range(DAYS + 1):
            day = FIRST_DAY + timedelta(days=offset)
            before = sorted((a for a in assertions if a[0] <= day), key=lambda a: a[:2])
            if before:
                days[table, entity, day] = {
                    column: value for _, _, values in before for column, value in values.items()
                }
    return days


def shown_days(connection: Connection, schema: str) -> dict[tuple[str, UUID, date], dict[str, Any]]:
    """What the projection's rows say, day by day; columns never set are left out (they are NULL and unmarked)."""
    days: dict[tuple[str, UUID, date], dict[str, Any]] = {}
    for table in TABLES:
        rows = driver(connection).execute(
            f"SELECT entity, valid_from, valid_to, marks, {', '.join(table.columns)} FROM {schema}.{table.name}"
            " ORDER BY entity, valid_from"
        )
        seen: dict[UUID, int] = {}
        for entity, valid_from, valid_to, marks, *values in rows:
            seen[entity] = seen.get(entity, 0) | marks
            row = {c: v for i, (c, v) in enumerate(zip(table.columns, values, strict=True)) if seen[entity] >> i & 1}
            for offset in range(DAYS + 1):
                day = FIRST_DAY + timedelta(days=offset)
                if valid_from <= day < valid_to:
                    assert (table.name, entity, day) not in days, "two periods hold on one day"
                    days[table.name, entity, day] = row
        assert FOREVER not in {entry[2] for entry in days}
    return days


def shuffled_batches(
    world: World, random_: random.Random, *, repeats: bool = True
) -> list[tuple[str, int, Sequence[Arrival]]]:
    """The partitions of both logs cut into batches and interleaved at random, with repeats anywhere."""
    queues = []
    for service in world.logs:
        for partition, arrivals in world.arrivals(service).items():
            batches, start = [], 0
            while start < len(arrivals):
                end = start + random_.randrange(1, 30)
                batches.append((service, partition, arrivals[start:end]))
                start = end if not repeats or random_.random() < 0.7 else random_.randrange(start, end)
            queues.append(batches)
    mixed: list[tuple[str, int, Sequence[Arrival]]] = []
    while any(queues):
        queue = random_.choice([q for q in queues if q])
        mixed.append(queue.pop(0))
        if repeats and random_.random() < 0.1:
            mixed.append(random_.choice(mixed))
    return mixed


def live_schema(database: Database, projection: str = "roster") -> str:
    with database.working() as connection:
        row = (
            driver(connection)
            .execute("SELECT schema FROM builds WHERE projection = %s AND state = 'live'", (projection,))
            .fetchone()
        )
    assert row is not None
    return str(row[0])
