"""Rebuilding a projection beside the live one, and switching over in one transaction (design.md §3, invariant 8).

The new build is folded up to exactly where the live one stands; the last stretch while the live one is held by its
checkpoint locks. So both have seen the same events, the parity report compares like with like, and every event has its
side effects from exactly one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import psycopg
import sqlalchemy
import structlog
from psycopg import sql

from shared.database.database import Database, driver
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.arrivals import Arrival, Foreign
from shared.messaging.builds import Build, built_shape, create_build, drop_schema, live_build, shape
from shared.messaging.hashing import projection_hash
from shared.messaging.runner import Runner
from shared.messaging.supply import Supply, Where

APPROACHES_MAX = 5  # rounds of catching up beside the live build before it is held
_REBUILD_LOCK_CLASS = 0x52656275  # with the projection's hash: one rebuild of a projection at a time

log = structlog.get_logger(__name__)


class Parity(NamedTuple):
    """Both builds at the same events. ``rows``: table → (live, new), None where the live build has no such table;
    ``equal``: whether all rows are the same, None when the tables have changed."""

    rows: dict[str, tuple[int | None, int]]
    equal: bool | None


class Rebuilt(NamedTuple):
    """``switched``: whether ``build`` is live now; otherwise it was dropped. ``letters``: its dead letters."""

    build: Build
    parity: Parity
    switched: bool
    letters: int


class RebuildRunning(Exception):
    """Another rebuild of this projection is under way."""


class RebuildIncomplete(Exception):
    """The logs given do not reach to where the live build stands."""


def rebuild(
    projection: Projection,
    database: Database,
    keyring: KeyRing,
    supply: Supply,
    *,
    accept: Callable[[Parity], bool] = lambda parity: True,
    progress: Callable[[Where, int, int], None] = lambda where, done, wanted: None,
) -> Rebuilt:
    """Fold a new build from ``supply``, compare, and switch if ``accept`` says so. Blocking; run it in a thread.

    ``progress`` is told each partition's log index done and wanted. Raises RebuildRunning, RebuildIncomplete.
    """
    with database.owner() as guard:
        _only_one(driver(guard), projection)
        with database.owner() as connection:
            _drop_unfinished(connection, projection)
            build = create_build(connection, projection, "building")
        runner = Runner(projection, database, keyring, build.number)
        feeding = _Feeding(runner, supply, progress)
        try:
            for _ in range(APPROACHES_MAX):
                with database.owner() as connection:
                    marks = _live_marks(driver(connection), projection.name, lock=False)
                if not feeding.to(marks):
                    break
            return _switch(projection, database, build, feeding, accept)
        finally:
            supply.close()
            with database.owner() as connection:
                _drop_unfinished(connection, projection)


def _switch(
    projection: Projection,
    database: Database,
    build: Build,
    feeding: _Feeding,
    accept: Callable[[Parity], bool],
) -> Rebuilt:
    with database.owner() as connection:
        raw = driver(connection)
        raw.execute("SET LOCAL lock_timeout = '30s'")
        feeding.to(_live_marks(raw, projection.name, lock=True))
        live = live_build(raw, projection.name)
        with database.working() as reader:  # row-level security hides rows even from the tables' owner
            parity = _parity(reader, projection, live, build)
        row = raw.execute(
            "SELECT count(*) FROM dead_letters WHERE projection = %s AND build = %s AND state IN ('poison', 'queued')",
            (projection.name, build.number),
        ).fetchone()
        letters = row[0] if row else 0
        if not accept(parity):
            return Rebuilt(build, parity, False, letters)
        raw.execute("UPDATE builds SET state = 'retired' WHERE projection = %s AND state = 'live'", (projection.name,))
        raw.execute(
            "UPDATE builds SET state = 'live', switched_at = now() WHERE projection = %s AND build = %s",
            (projection.name, build.number),
        )
        if live is not None:
            raw.execute(_TAKE_OVER, (projection.name, live.number, projection.name, build.number))
    log.info("projection rebuilt", projection=projection.name, build=build.number, equal=parity.equal)
    return Rebuilt(build._replace(state="live"), parity, True, letters)


# The old mark: what the old build has done to the world, the new one does not do again. Its offsets still hold.
_TAKE_OVER = """
UPDATE checkpoints n SET quiet_until = o.last_log_index,
    cluster_id = o.cluster_id, topic_id = o.topic_id, next_offset = o.next_offset
FROM checkpoints o
WHERE o.projection = %s AND o.build = %s AND n.projection = %s AND n.build = %s
  AND n.log = o.log AND n.partition = o.partition AND n.last_log_index = o.last_log_index
"""


class _Feeding:
    """Brings one build forward, partition by partition, never beyond the marks it is given."""

    def __init__(self, runner: Runner, supply: Supply, progress: Callable[[Where, int, int], None]) -> None:
        self._runner, self._supply, self._progress = runner, supply, progress
        self._last: dict[Where, int] = {}
        self._kept: dict[Where, list[Arrival | Foreign]] = {}

    def to(self, marks: Mapping[Where, int]) -> int:
        """Apply up to the marks; how many events that took. Raises RebuildIncomplete."""
        applied = 0
        for where, mark in sorted(marks.items()):
            ahead: list[Arrival | Foreign] = []
            batches = self._batches(where)
            while self._last.get(where, 0) < mark:
                batch = next(batches, None)
                if batch is None:
                    raise RebuildIncomplete(f"{where} ends at {self._last.get(where, 0)}, the live build is at {mark}")
                due = [item for item in batch if isinstance(item, Foreign) or item.log_index <= mark]
                ahead += [item for item in batch if isinstance(item, Arrival) and item.log_index > mark]
                result = self._runner.apply(where.service, where.partition, due)
                if result.halted is not None:
                    raise RebuildIncomplete(f"{where} halts: {result.halted}")
                self._last[where] = result.last_log_index
                applied += result.applied
                self._progress(where, result.last_log_index, mark)
            self._kept[where] = ahead + self._kept.get(where, [])
        return applied

    def _batches(self, where: Where) -> Iterator[list[Arrival | Foreign]]:
        kept = self._kept.pop(where, [])
        if kept:
            yield kept
        while batch := self._supply.next_batch(where):
            yield batch


def _live_marks(connection: psycopg.Connection[Any], projection: str, *, lock: bool) -> dict[Where, int]:
    """How far the live build is. ``lock``: no worker moves it on until this transaction ends, nor makes the checkpoint
    of a partition that had none (its reference to the build waits for the build's row)."""
    if lock:
        connection.execute("SELECT FROM builds WHERE projection = %s AND state = 'live' FOR UPDATE", (projection,))
    rows = connection.execute(
        "SELECT c.log, c.partition, c.last_log_index FROM checkpoints c JOIN builds b USING (projection, build)"
        " WHERE c.projection = %s AND b.state = 'live' ORDER BY c.log, c.partition"
        + (" FOR UPDATE OF c" if lock else ""),
        (projection,),
    )
    return {Where(service, partition): last for service, partition, last in rows}


def _parity(connection: sqlalchemy.Connection, projection: Projection, live: Build | None, new: Build) -> Parity:
    raw = driver(connection)
    rows: dict[str, tuple[int | None, int]] = {}
    for table in projection.tables:
        old = None if live is None else _count(raw, live.schema, table.name)
        rows[table.name] = (old, _count(raw, new.schema, table.name) or 0)
    if live is None or built_shape(raw, live.schema) != shape(projection):
        return Parity(rows, None)
    hashes = [projection_hash(connection, projection, schema) for schema in (live.schema, new.schema)]
    return Parity(rows, hashes[0] == hashes[1])


def _count(connection: psycopg.Connection[Any], schema: str, table: str) -> int | None:
    found = connection.execute("SELECT to_regclass(%s)", (f'"{schema}"."{table}"',)).fetchone()
    if found is None or found[0] is None:
        return None
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))).fetchone()
    return int(row[0]) if row else 0


def _only_one(connection: psycopg.Connection[Any], projection: Projection) -> None:
    row = connection.execute(
        "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", (_REBUILD_LOCK_CLASS, projection.name)
    ).fetchone()
    if row is None or not row[0]:
        raise RebuildRunning(projection.name)


def _drop_unfinished(connection: sqlalchemy.Connection, projection: Projection) -> None:
    """Remove builds that never went live: of a rebuild that was refused, failed or killed."""
    raw = driver(connection)
    rows = raw.execute(
        "DELETE FROM builds WHERE projection = %s AND state = 'building' RETURNING schema", (projection.name,)
    ).fetchall()
    for (schema,) in rows:
        drop_schema(connection, schema)
