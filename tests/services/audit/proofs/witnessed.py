"""A signed log, its archive and its witness on real databases of their own; and what an intruder can do to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from services.audit.archive import Arrived, take
from services.audit.proofs.store_client import HttpStores
from services.audit.proofs.sweeping import Sweep, Witness
from services.audit.proofs.witnessing import Judge, note_checkpoint
from shared.database.database import driver
from shared.eventsourcing import log as event_log
from shared.eventsourcing.event import Logged
from shared.hosting.service import Service
from shared.messaging.codec import Envelope
from shared.transparency.checkpoints import witness_name
from shared.transparency.notes import COSIGNATURE_KIND, Signer
from tests.shared.transparency.a_log import NEW, READING, SignedLog, client
from tests.support.trial import SOURCE

WITNESS = Signer(witness_name("460100"), COSIGNATURE_KIND, b"w" * 32)
SERVICE = "trial"
AUDIT_TABLES = (
    *("archive", "archive_partitions", "archive_nodes", "told_checkpoints", "cosignatures", "witness_progress"),
    "alarms",
    "comparison_days",
    "archive_days",
)
STORE_TABLES = ("events", "log", "log_nodes", "log_checkpoints", "log_keys", "sequencer_state")


@dataclass
class Witnessed:
    log: SignedLog
    audit: Service
    stores: HttpStores
    clock: float = 1_790_000_000.0

    def entries(self) -> list[Logged]:
        """The whole log, as its relay reads it."""
        with self.log.trial.database.working() as connection:
            return [entry.logged for entry in event_log.entries(driver(connection))]

    def bring(self, events: Sequence[Logged]) -> None:
        """What Kafka brings, of one partition."""
        arrived = [Arrived(each.log_index - 1, Envelope(each, each.log_index - 1, None)) for each in events]
        with self.audit.database.working() as connection:
            take(driver(connection), SOURCE, 0, arrived)

    def tell(self, note: str) -> None:
        """The note comes with the head, and the witness looks at it."""
        with self.audit.database.working() as connection:
            note_checkpoint(driver(connection), SOURCE, note)
        judge = Judge(SOURCE, [NEW.verifier], WITNESS, lambda: self.clock)
        Witness(self.audit.database, dict, self.stores).look(SERVICE, judge)

    def sweep(self) -> None:
        """One whole round of comparing store and archive."""
        sweep = Sweep(self.audit.database, [SERVICE], self.stores)
        with self.audit.database.working() as connection:
            driver(connection).execute("UPDATE witness_progress SET next_index = 1")
        while sweep.step(SERVICE):
            pass

    def alarms(self) -> list[tuple[str, int]]:
        """(kind, index) of every alarm, in the order they were raised."""
        return [(kind, index) for kind, index in self.rows("SELECT kind, log_index FROM alarms ORDER BY id")]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.audit.database.working() as connection:
            return driver(connection).execute(query.encode()).fetchall()

    @contextmanager
    def intruding(self, where: str) -> Iterator[psycopg.Connection[Any]]:
        """A superuser's connection to "store" or "archive", triggers off."""
        if where == "store":
            with self.log.as_superuser() as raw:
                yield raw
            return
        with self.audit.database.owner() as connection:
            raw = driver(connection)
            raw.execute("SET LOCAL session_replication_role = replica")
            yield raw


@contextmanager
def put_back(world: Witnessed) -> Iterator[None]:
    """Whatever is done to the two databases inside is undone."""
    kept: dict[str, bytes] = {}
    places = (("store", STORE_TABLES), ("archive", AUDIT_TABLES))
    for where, tables in places:
        with world.intruding(where) as raw:
            for table in tables:
                with raw.cursor().copy(f"COPY {table} TO STDOUT".encode()) as copy:
                    kept[table] = b"".join(bytes(part) for part in copy)
    try:
        yield
    finally:
        for where, tables in places:
            with world.intruding(where) as raw:
                raw.execute(f"TRUNCATE {', '.join(tables)}".encode())
                for table in tables:
                    with raw.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                        copy.write(kept[table])


def witnessed(log: SignedLog, audit: Service) -> Witnessed:
    """A world whose stores answer without a socket."""
    return Witnessed(log, audit, HttpStores({SERVICE: "http://testserver"}, READING, client(log)))
