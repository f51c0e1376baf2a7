"""Several services on a real PostgreSQL in one thread: events are sequenced by the real sequencer and handed to the
real runners partition by partition, with no broker between. Services a test does not build are bare logs."""

from __future__ import annotations

import itertools
import random
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from shared.database.database import Database, driver
from shared.eventsourcing import log
from shared.eventsourcing.event import partition_of
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.sequencer import Term
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.hosting.seeding import plant
from shared.hosting.service import Service
from shared.hosting.settings import Settings
from shared.kernel.facts import Fact
from shared.keys.keyring import KeyRing
from shared.messaging.builds import prepare, shape
from shared.messaging.codec import Envelope
from shared.messaging.runner import Runner

PARTITIONS = 4
SECRETS = ("kek", "jwt", "witness", "store-reading", "access-signing", "access-portal", "access-operator")
DIVISION = "469000"


class Installation:
    """``settings(name)`` builds services on databases of their own; ``pump()`` moves events until all is quiet."""

    def __init__(self, postgres: Any, home: Path) -> None:
        self._postgres, self._home = postgres, home
        self._suffix = uuid.uuid4().hex[:8]
        self._secrets = {name: bytes([number]) * 32 for number, name in enumerate(SECRETS, 1)}
        self.keyring = KeyRing(postgres.dsn(), self._secrets["kek"], name=f"keys_{self._suffix}")
        copied = postgres.copy_model("keys", self.keyring.name)
        self.keyring.prepare()
        if not copied:
            self.keyring.close()
            postgres.keep_model("keys", self.keyring.name)
        self.databases: dict[str, Database] = {}
        self.stores: dict[str, EventStore] = {}
        self._terms: dict[str, Term] = {}
        self._connections: list[psycopg.Connection[Any]] = []
        self.runners: list[Runner] = []
        self._delivered: dict[tuple[int, str, int], int] = {}

    def settings(self, name: str) -> Settings:
        """As a process of this service would read them."""
        own = {f"hmac-{name}": name.encode().ljust(32, b"."), f"log-{name}": name.encode().ljust(32, b"-")}
        return Settings(
            service=name,
            division=DIVISION,
            environment="test",
            home=self._home,
            port=0,
            bootstrap_servers="127.0.0.1:1",
            database_url=self._postgres.dsn(f"{name}_{self._suffix}"),
            keys_database_url=self._postgres.dsn(f"keys_{self._suffix}"),
            secrets=self._secrets | own,
        )

    def start(self, service: Service) -> Service:
        """Prepare a built service: database, builds, configuration events, runners."""
        self._open(service.name, service.database, service.store, service.steps, service.projections)
        for projection in service.projections:
            self.runners.append(Runner(projection, service.database, self.keyring))
        plant(service, self.settings(service.name).hmac_key)
        return service

    def bare(self, name: str) -> EventStore:
        """A log without a service behind it; made at first use."""
        if name not in self.stores:
            settings = self.settings(name)
            store = EventStore(name, self.keyring, settings.hmac_key)
            self._open(name, settings.database(), store, (), ())
        return self.stores[name]

    def append(self, name: str, stream_id: UUID, fact: Fact, effective_on: date) -> UUID:
        """Append one fact to a log; its event id."""
        store, database = self.bare(name), self.databases[name]

        def decide(connection: Any) -> Sequence[Proposed]:
            return [Proposed(stream_id, len(store.load(connection, stream_id)), fact, effective_on)]

        return store.run(database, Command("test", uuid.uuid4(), b""), decide).event_ids[0]

    def open_day(self, service: Service, day: date) -> None:
        """What the ticker does."""
        assert service.day_opened is not None
        self.append(service.name, UUID(int=7), service.day_opened(day), day)

    def sequence(self) -> int:
        """Give every appended event its place; how many got one."""
        return sum(term.sequence() for term in self._terms.values())

    def close(self) -> None:
        """End every connection and forget the databases."""
        for connection in self._connections:
            connection.close()
        for database in self.databases.values():
            database.close()
        self.keyring.close()
        self._postgres.drop_databases([f"{name}_{self._suffix}" for name in ("keys", *self.databases)])

    def pump(self, shuffle: random.Random | None = None, batch: int = 50) -> None:
        """Sequence and deliver until nothing happens any more; ``shuffle`` cuts and interleaves at random."""
        while True:
            self.sequence()
            work = self._pending(batch)
            if not work:
                return
            if shuffle is not None:
                shuffle.shuffle(work)
                work = work[: shuffle.randrange(1, len(work) + 1)]
            for number, name, partition, envelopes in work:
                if shuffle is not None:
                    envelopes = envelopes[: shuffle.randrange(1, len(envelopes) + 1)]
                applied = self.runners[number].apply(f"{name}", partition, envelopes)
                assert applied.gap is None and applied.halted is None and applied.poisoned == 0, applied
                self._delivered[number, name, partition] = envelopes[-1].logged.log_index

    def entries(self, name: str) -> list[log.Entry]:
        """A whole log."""
        with self.databases[name].working() as connection:
            return list(log.entries(driver(connection)))

    def projection(self, name: str) -> Projection:
        return next(runner.projection for runner in self.runners if runner.projection.name == name)

    def _pending(self, batch: int) -> list[tuple[int, str, int, list[Envelope]]]:
        logs = {name: self.entries(name) for name in self.databases}
        work = []
        for (number, runner), partition in itertools.product(enumerate(self.runners), range(PARTITIONS)):
            for name in runner.logs:
                last = 0
                envelopes = []
                for logged, trace in logs.get(name, ()):
                    if partition_of(logged.event.stream_id, PARTITIONS) == partition:
                        envelopes.append(Envelope(logged, last, trace))
                        last = logged.log_index
                done = self._delivered.get((number, name, partition), 0)
                fresh = [envelope for envelope in envelopes if envelope.logged.log_index > done][:batch]
                if fresh:
                    work.append((number, name, partition, fresh))
        return work

    def _open(
        self,
        name: str,
        database: Database,
        store: EventStore,
        steps: Sequence[tuple[str, str]],
        projections: Sequence[Projection],
    ) -> None:
        kind = repr((name, tuple(steps), [(projection.name, shape(projection)) for projection in projections]))
        copied = name in self.databases or self._postgres.copy_model(kind, database.name)
        database.prepare(steps)
        if projections:
            prepare(database, projections)
        if not copied:
            database.close()
            self._postgres.keep_model(kind, database.name)
        connection = psycopg.connect(database.worker_conninfo, autocommit=True)
        term = Term(connection, f"//rollcall/{DIVISION}/{name}")
        term.claim()
        term.recover()
        self._connections.append(connection)
        self._terms[name], self.databases[name], self.stores[name] = term, database, store
