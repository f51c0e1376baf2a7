"""A projection at work: one batch of one partition in one transaction, effect and checkpoint together.

Exactly once in effect: the checkpoint row is locked, the batch is trimmed to what follows it, rows, side effects, dead
letters and checkpoint commit together or not at all (design.md §3, invariants 7 and 8).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog

from shared.database.database import Database, driver
from shared.eventsourcing.projection import Change, Projection
from shared.kernel.failpoints import step
from shared.keys.keyring import KeyRing
from shared.messaging import checkpoint
from shared.messaging.applying import Batch
from shared.messaging.arrivals import Arrival, Foreign, arrival
from shared.messaging.builds import live_build
from shared.messaging.checkpoint import Checkpoint, Gap, Hint, Key
from shared.messaging.codec import Envelope
from shared.messaging.facts import Opened, open_facts
from shared.messaging.failures import BuildRetired, DatabaseAway, is_passing
from shared.messaging.writing import PeriodWriter

ATTEMPTS = 5
BACKOFF_SECONDS = 0.05  # doubled at each attempt: 0.05 … 0.4 s
NOTIFIED_ENTITIES_MAX = 100  # a notification carries at most 8,000 bytes

log = structlog.get_logger(__name__)


class Place(NamedTuple):
    """The cluster and topic a batch was read from."""

    cluster_id: str
    topic_id: str


class Applied(NamedTuple):
    """What became of a batch. ``last_log_index`` is committed; ``gap``: events are missing before what arrived;
    ``halted``: why this build applies nothing more from this partition until somebody repairs it."""

    last_log_index: int
    applied: int = 0
    duplicates: int = 0
    poisoned: int = 0
    queued: int = 0
    gap: Gap | None = None
    halted: str | None = None


class _SpanFailed(Exception):
    """Some event of the batch cannot be written; the batch is to be taken apart to find it."""


class _WentBack(Exception):
    """The checkpoint stands before what this runner saw committed (a restored database): nothing it knows counts."""


class Runner:
    """Applies batches to one build of a projection; the live one unless ``build`` is given. Thread-safe.

    ``sleep`` is how it waits between attempts (seconds).
    """

    def __init__(
        self,
        projection: Projection,
        database: Database,
        keyring: KeyRing,
        build: int | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.projection, self.database, self.keyring = projection, database, keyring
        self._given, self._build = build, build
        self._sleep = sleep
        self.writers = {table.name: PeriodWriter(table) for table in projection.tables}
        self._known: dict[tuple[str, int], int] = {}

    @property
    def logs(self) -> tuple[str, ...]:
        return self.projection.logs

    @property
    def build(self) -> int:
        """The number of the build this runner works on. Raises LookupError when there is none yet."""
        if self._build is None:
            with self.database.working() as connection:
                build = live_build(driver(connection), self.projection.name)
            if build is None:
                raise LookupError(f"projection {self.projection.name} has no live build")
            self._build = build.number
        return self._build

    def forget_build(self) -> None:
        """Look the live build up again: another one was switched in."""
        self._build = self._given
        self._known.clear()

    def key(self, source: str, partition: int) -> Key:
        """The checkpoint row of a partition of ``source``'s log."""
        return Key(self.projection.name, self.build, source, partition)

    def checkpoint(self, source: str, partition: int) -> Checkpoint | None:
        """As last committed."""
        with self.database.working() as connection:
            return checkpoint.read(driver(connection), self.key(source, partition))

    def apply(
        self,
        source: str,
        partition: int,
        arrived: Sequence[Arrival | Foreign | Envelope],
        place: Place | None = None,
    ) -> Applied:
        """Apply what follows the checkpoint, in one transaction, with up to five attempts against passing trouble.

        Raises DatabaseAway, BuildRetired, BuildGone, WrongKeyEncryptionKey.
        """
        items = [item if isinstance(item, Arrival | Foreign) else arrival(item) for item in arrived]
        known = self._known.get((source, partition), 0)
        apart = False
        attempt = 1
        while True:
            try:
                unknown = [item for item in items if isinstance(item, Arrival) and item.log_index > known]
                facts = open_facts(self.projection, self.keyring, unknown)
                applied = self._once(source, partition, items, facts, place, apart=apart, known=known)
                break
            except _SpanFailed:
                apart = True
            except _WentBack:
                known = 0
            except Exception as error:
                if not is_passing(error):
                    raise
                if attempt == ATTEMPTS:
                    raise DatabaseAway(f"{self.projection.name}: {type(error).__name__}") from error
                self._sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
                attempt += 1
        step("runner.committed")
        self._known[source, partition] = applied.last_log_index
        return applied

    def _once(
        self,
        source: str,
        partition: int,
        items: Sequence[Arrival | Foreign],
        facts: Opened,
        place: Place | None,
        *,
        apart: bool,
        known: int,
    ) -> Applied:
        key = self.key(source, partition)
        with self.database.working() as connection:
            raw = driver(connection)
            standing = checkpoint.lock(raw, key)
            if standing.state == "retired":
                raise BuildRetired(f"build {key.build} of {key.projection}")
            if standing.last_log_index < known:
                raise _WentBack
            if standing.halted is not None:
                return Applied(standing.last_log_index, halted=standing.halted)
            arrivals = [item for item in items if isinstance(item, Arrival)]
            taken, duplicates, gap = checkpoint.follow(arrivals, standing.last_log_index)
            foreign = [item for item in items if isinstance(item, Foreign)]
            if not taken and not foreign:
                return Applied(standing.last_log_index, duplicates=duplicates, gap=gap)
            batch = Batch(self.projection, self.writers, self.keyring, connection, key, standing)
            good = batch.fold(taken, facts)
            try:
                changes = batch.write(good, apart=apart)
            except Exception as error:
                if apart or is_passing(error):
                    raise
                raise _SpanFailed from error
            for item in foreign:
                batch.letter(item, item.error)
            applied = self._finish(batch, taken, standing, place, changes)
            step("runner.before_commit")
        return applied._replace(duplicates=duplicates, gap=None if applied.halted else gap)

    def _finish(
        self, batch: Batch, taken: list[Arrival], standing: Checkpoint, place: Place | None, changes: list[Change]
    ) -> Applied:
        """Letters, checkpoint and notification of a batch that is written."""
        raw, halt = batch.raw, batch.halt
        if halt is not None:
            taken = [item for item in taken if item.log_index < halt.item.log_index]
        poisoned, queued = batch.keep_letters(Hint(*place, 0) if place else None)
        last = taken[-1].log_index if taken else standing.last_log_index
        if taken:
            offset = taken[-1].offset
            hint = Hint(*place, offset + 1) if place is not None and offset is not None else None
            lightly = self.projection.after is None or not self.projection.appends
            checkpoint.save(raw, batch.key, last, len(taken), hint, lightly=lightly)
        if halt is not None:
            checkpoint.halt(raw, batch.key, halt.reason)
        if standing.state == "live" and last > standing.quiet_until:
            _notify(batch, changes)
        return Applied(
            last,
            applied=len(taken),
            poisoned=poisoned,
            queued=queued,
            halted=None if halt is None else halt.reason,
        )


def _notify(batch: Batch, changes: list[Change]) -> None:
    """Tell listeners which entities changed; ids only, each listener reads the rows as its own viewer."""
    entities: dict[str, list[UUID]] = {}
    for change in changes:
        entities.setdefault(change.table.name, []).append(change.entity)
    for table, changed in entities.items():
        payload = {
            "projection": batch.key.projection,
            "table": table,
            "entities": [str(entity) for entity in changed[:NOTIFIED_ENTITIES_MAX]],
            "more": len(changed) > NOTIFIED_ENTITIES_MAX,
        }
        batch.raw.execute("SELECT pg_notify('changed', %s)", (json.dumps(payload),))
