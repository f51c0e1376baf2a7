"""The parts of the live matching service, driven by hand in one thread: its runner and its decider on databases of
their own, and the registry's log as the relay would publish it. No broker."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg

from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from services.matching.active_model import ActiveModel
from services.matching.app import build
from services.matching.deciding import Deciding, Progress
from services.matching.events import DayOpened
from services.matching.projections import ROSTER_VIEW
from services.matching.streams import Streams
from shared.database.database import Database, driver
from shared.eventsourcing import log
from shared.eventsourcing.event import Logged, partition_of
from shared.eventsourcing.sequencer import Term
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.hosting.seeding import plant
from shared.hosting.settings import PARTITIONS, Settings
from shared.kernel.facts import Fact
from shared.messaging.arrivals import read
from shared.messaging.builds import prepare, schema_name
from shared.messaging.codec import Headers, encode
from shared.messaging.runner import Runner
from simulation.schools import DIVISION

SECRETS = ("kek", "jwt", "hmac-registry", "hmac-matching")
FOLDED_AT_ONCE = 1_000


class Published(NamedTuple):
    """A record as a consumer hands it over."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass
class Source:
    """One service's log with its sequencer, read as the relay would publish it."""

    settings: Settings
    database: Database
    store: EventStore
    term: Term
    _after: int = 0
    _last: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def append(self, stream_id: UUID, fact: Fact, on: date) -> None:
        """One event of a stream that has none in this log yet."""
        command = Command("bench", uuid.uuid4(), b"bench")
        self.store.run(self.database, command, lambda connection: [Proposed(stream_id, 0, fact, on)])

    def published(self) -> Iterator[tuple[int, Published]]:
        """(partition, record) of what was appended since, in the log's order."""
        while self.term.sequence():
            pass
        entries: list[log.Entry] = []
        with self.database.working() as connection:
            entries += log.entries(driver(connection), after=self._after)
        for logged, trace in entries:
            self._after = logged.log_index
            yield self._record(logged, trace)

    def _record(self, logged: Logged, trace: str | None) -> tuple[int, Published]:
        partition = partition_of(logged.event.stream_id, PARTITIONS)
        record = Published(logged.log_index, *encode(logged, self._last[partition], trace))
        self._last[partition] = logged.log_index
        return partition, record


@dataclass
class Matching:
    """The live service's parts, driven by hand in one thread: its runner and its decider."""

    own: Source
    registry: Source
    runner: Runner
    deciding: Deciding
    server: EmbeddedPostgres

    @property
    def schema(self) -> str:
        """Where the live roster's tables are."""
        return schema_name(ROSTER_VIEW.name, self.runner.build)

    def fold(self, source: Source, partition: int, record: Published) -> None:
        """Read one record and apply it. Raises RuntimeError unless exactly this event was applied."""
        applied = self.runner.apply(source.settings.service, partition, [read(record)])
        if applied.applied != 1 or applied.poisoned:
            raise RuntimeError(f"an event was not applied: {applied}")

    def decide(self) -> None:
        """As the worker does: until no work is left."""
        while self.deciding.decide_some() is Progress.MORE:
            pass

    def open_day(self, day: date) -> None:
        """A day begins: nothing is decided before the first, and on each further one every row is decided again."""
        self.own.append(uuid.uuid4(), DayOpened(day=day), day)
        for partition, record in self.own.published():
            self.fold(self.own, partition, record)
        self.decide()

    def fold_decisions(self) -> None:
        """Apply what the decider appended since, in batches as a worker does."""
        waiting: dict[int, list[Published]] = defaultdict(list)
        for partition, record in self.own.published():
            waiting[partition].append(record)
        for partition, records in waiting.items():
            for begin in range(0, len(records), FOLDED_AT_ONCE):
                part = [read(record) for record in records[begin : begin + FOLDED_AT_ONCE]]
                if (applied := self.runner.apply(self.own.settings.service, partition, part)).poisoned:
                    raise RuntimeError(f"decisions were not applied: {applied}")


@contextmanager
def matching_parts(home: Path) -> Iterator[Matching]:
    """Matching as its own wiring builds it, and a bare log of the registry, on a PostgreSQL with the settings of a real
    installation (fsync on). Ends everything; what was written stays in ``home``."""
    with ExitStack() as stack:
        server = EmbeddedPostgres(home, free_port())
        stack.callback(server.stop, 10.0)
        server.start()
        settings = _settings(server, home, "matching")
        service = build(settings)
        service.keyring.prepare()
        stack.callback(service.keyring.close)
        own = stack.enter_context(_source(settings, service.database, service.store, service.steps))
        prepare(service.database, service.projections)
        there = _settings(server, home, "registry")
        keyring = there.keyring()  # another process's: matching has to ask for each key
        stack.callback(keyring.close)
        store = EventStore(there.service, keyring, there.hmac_key)
        registry = stack.enter_context(_source(there, there.database(), store, ()))
        runner = Runner(ROSTER_VIEW, service.database, service.keyring)
        plant(service, settings.hmac_key)
        streams = Streams(settings.hmac_key)
        deciding = Deciding(service.database, service.store, streams, ActiveModel(service.store, streams))
        yield Matching(own, registry, runner, deciding, server)


@contextmanager
def _source(
    settings: Settings, database: Database, store: EventStore, steps: tuple[tuple[str, str], ...]
) -> Iterator[Source]:
    database.prepare(steps)
    try:
        with psycopg.connect(database.worker_conninfo, autocommit=True) as connection:
            term = Term(connection, settings.source)
            term.claim()
            term.recover()
            yield Source(settings, database, store, term)
    finally:
        database.close()


def _settings(server: EmbeddedPostgres, home: Path, service: str) -> Settings:
    """As a process of the service would read them."""
    return Settings(
        service=service,
        division=DIVISION,
        environment="test",
        home=home,
        port=0,
        bootstrap_servers="",
        database_url=server.dsn(f"rollcall_{service}"),
        keys_database_url=server.dsn("rollcall_keys"),
        secrets={name: bytes([number]) * 32 for number, name in enumerate(SECRETS, 1)},
    )
