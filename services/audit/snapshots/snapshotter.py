"""Writes snapshots in the background, each from the one before it, and drops those that may not be used any more."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
import sqlalchemy.exc
import structlog

from services.audit import archived
from services.audit.errors import ArchiveDoubtful
from services.audit.replays.moments import complete_until
from services.audit.snapshots import rooting
from services.audit.snapshots.beginning import begun
from services.audit.snapshots.heads import Head, version_of
from services.audit.snapshots.shelf import Shelf
from shared.database.database import driver
from shared.eventsourcing.projection import Projection
from shared.messaging.scratch import ScratchTable

EVERY_EVENTS = 250_000  # of a projection's logs: what a replay behind a snapshot folds takes about six seconds
KEPT = 40  # of each projection; beyond it the one is dropped that leaves the smallest gap
LOOK_SECONDS = 30.0
MEMORY_BYTES = 128 << 20  # of periods while one is written: it stands beside everything else this process does
_LOCK = 0x536E617073686F74
_LONG_AGO = datetime(1, 1, 2, tzinfo=UTC)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Snapshotter:
    """Keeps snapshots of ``projections``: one after every ``every_events`` of a projection's logs (0: none at all), of
    each at most ``kept``."""

    shelf: Shelf
    projections: Mapping[str, Projection]
    every_events: int = EVERY_EVENTS
    kept: int = KEPT

    def run(self, stop: threading.Event) -> None:
        """Write and drop until ``stop``; outlives the database."""
        while not stop.is_set():
            try:
                self.tidy()
                if self._write_some(stop):
                    continue
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as lost:
                log.warning("the snapshotter starts over", error=type(lost).__name__)
            except ArchiveDoubtful as doubt:
                log.warning("no snapshot is written of a doubtful archive", **doubt.facts)
            stop.wait(LOOK_SECONDS)

    def tidy(self) -> None:
        """Drop what no replay may begin at any more, and what is too many."""
        self.shelf.drop(self.shelf.unusable(self.projections.values()))
        for heads in self.shelf.usable_of(self.projections.values()).values():
            self.shelf.drop(self._too_many(heads))

    def write_next(self, projection: Projection) -> Head | None:
        """Write the next snapshot of a projection, if so many events are archived and complete behind the last. Raises
        ArchiveDoubtful."""
        if not self.every_events:
            return None
        last = next(iter(self.shelf.usable(projection)), None)
        with self.shelf.database.working() as connection:
            known_at = self._due(driver(connection), projection, last)
        return None if known_at is None else self.write(projection, known_at)

    def write(self, projection: Projection, known_at: datetime) -> Head | None:
        """Write the snapshot of a projection as known at a moment that is complete; None when another process writes
        one now, or somebody was erased meanwhile. Raises ArchiveDoubtful."""
        shelf = self.shelf
        erasures = shelf.keyring.erasures()
        with shelf.database.owner() as connection:
            raw = driver(connection)
            try:
                raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                row = raw.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
                if row is None or not row[0]:
                    return None
                upto = {name: archived.index_known_at(raw, name, known_at) for name in projection.logs}
                place = f"snapshot_{uuid.uuid4().hex[:12]}"
                _, replayed, trees = begun(projection, connection, place, upto, shelf.keyring, shelf, MEMORY_BYTES)
                head = Head(
                    id=uuid.uuid4(),
                    projection=projection.name,
                    known_at=known_at,
                    logs=rooting.parts(trees),
                    version=version_of(projection, shelf.program),
                    erasures=erasures,
                )
                tables = {table.name: ScratchTable(table, place) for table in projection.tables}
                size = shelf.write(head, tables, raw, replayed)
            finally:
                connection.rollback()
        if shelf.keyring.erasures() != erasures:
            shelf.drop([head.id])
            return None
        log.info("a snapshot is written", projection=projection.name, events=head.events, mebibytes=size >> 20)
        return head

    def _due(self, raw: psycopg.Connection[Any], projection: Projection, last: Head | None) -> datetime | None:
        """The moment the next snapshot shows; None while it has not come or is not complete. Mostly it has not: what
        the logs told of themselves says so without a look at the archive."""
        logs = list(projection.logs)
        told = raw.execute("SELECT coalesce(sum(log_index), 0) FROM archive_heads WHERE service = ANY(%s)", [logs])
        row = told.fetchone()
        if row is None or row[0] - (0 if last is None else last.events) < self.every_events:
            return None
        after = _LONG_AGO if last is None else last.known_at
        row = raw.execute(
            "SELECT recorded_at FROM archive WHERE service = ANY(%s) AND recorded_at > %s"
            " ORDER BY recorded_at OFFSET %s LIMIT 1",
            (logs, after, self.every_events - 1),
        ).fetchone()
        if row is None:
            return None
        complete = complete_until(archived.heads(raw, projection.logs))
        moment: datetime = row[0].astimezone(UTC)
        if complete is None or moment > complete:
            return None
        upto = {name: archived.index_known_at(raw, name, moment) for name in projection.logs}
        return None if archived.alarms_within(raw, upto) else moment

    def _too_many(self, usable: list[Head]) -> list[uuid.UUID]:
        """Those of a projection beyond what is kept."""
        heads, dropped = usable[::-1], []
        while len(heads) > self.kept:
            ends = [0, *(head.events for head in heads)]
            gaps = [ends[place + 2] - ends[place] for place in range(len(heads) - 1)]
            dropped.append(heads.pop(gaps.index(min(gaps)) if gaps else 0).id)
        return dropped

    def _write_some(self, stop: threading.Event) -> bool:
        """Whether one was due. After each it rests for as long as that took: there is no hurry."""
        some = False
        for _, projection in sorted(self.projections.items()):
            began = time.monotonic()
            if not stop.is_set() and self.write_next(projection) is not None:
                some = True
                stop.wait(time.monotonic() - began)
        return some
