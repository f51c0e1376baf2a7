"""Where a build stands in a partition, by log index; and which arrivals follow it (design.md §3, invariant 7).

Who owns a partition is irrelevant: whoever locks the row sees what is applied, and takes only what follows. A Kafka
offset is a hint where to read on, worth something in the one cluster and topic it was seen in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

import psycopg


class Hint(NamedTuple):
    """Where the record after the last applied one was expected."""

    cluster_id: str
    topic_id: str
    next_offset: int


class Checkpoint(NamedTuple):
    """``halted`` says why nothing more is applied here, if so; events up to ``quiet_until`` have no side effects;
    ``state`` is the build's."""

    last_log_index: int
    halted: str | None
    quiet_until: int
    hint: Hint | None
    state: str


class Gap(NamedTuple):
    """Nothing that arrived follows ``last``: the first arrival beyond it is ``found``, which follows ``previous``."""

    last: int
    found: int
    previous: int


class Placed(Protocol):
    """What arrived, by its place in the log and in its partition."""

    @property
    def log_index(self) -> int: ...
    @property
    def prev_log_index(self) -> int: ...


P = TypeVar("P", bound=Placed)


def follow(arrived: Iterable[P], last: int) -> tuple[list[P], int, Gap | None]:
    """What of ``arrived`` follows ``last`` link by link; how many were duplicates; and the gap that is left, if any.

    Arrivals beyond a gap are dropped, but the walk goes on: a relay that republishes from the first missing event
    appends it after them. Nothing is ever taken that does not continue the chain.
    """
    taken: list[P] = []
    duplicates = 0
    beyond: P | None = None
    for item in arrived:
        if item.log_index <= last:
            duplicates += 1
        elif item.prev_log_index == last:
            taken.append(item)
            last = item.log_index
        elif beyond is None or item.log_index > beyond.log_index:
            beyond = item
    if beyond is None or beyond.log_index <= last:
        return taken, duplicates, None
    return taken, duplicates, Gap(last, beyond.log_index, beyond.prev_log_index)


_LOCK = """
SELECT c.last_log_index, c.halted, c.quiet_until, c.cluster_id, c.topic_id, c.next_offset, b.state
FROM checkpoints c JOIN builds b USING (projection, build)
WHERE c.projection = %s AND c.build = %s AND c.log = %s AND c.partition = %s
"""
_STATE = "SELECT state FROM builds WHERE projection = %s AND build = %s"
_CREATE = "INSERT INTO checkpoints (projection, build, log, partition) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
_SAVE = """
UPDATE checkpoints SET last_log_index = %s, applied = applied + %s, applied_at = now(),
       cluster_id = %s, topic_id = %s, next_offset = %s
WHERE projection = %s AND build = %s AND log = %s AND partition = %s
"""
# A commit that loses rows and checkpoint together when the server dies; never for one that appends events.
_LIGHTLY = " RETURNING set_config('synchronous_commit', 'off', true)"


class Key(NamedTuple):
    """One checkpoint row."""

    projection: str
    build: int
    log: str
    partition: int


class BuildGone(Exception):
    """The build was dropped."""


def lock(connection: psycopg.Connection[Any], key: Key) -> Checkpoint:
    """The checkpoint, locked until the transaction ends; made at zero if it is the first time. Raises BuildGone."""
    for _ in range(2):
        row = connection.execute(_LOCK + " FOR UPDATE OF c", key).fetchone()
        if row is not None:
            return _checkpoint(row)._replace(state=_build_state(connection, key))
        try:
            connection.execute(_CREATE, key)
        except psycopg.errors.ForeignKeyViolation as gone:
            raise BuildGone(f"build {key.build} of {key.projection}") from gone
    raise BuildGone(f"build {key.build} of {key.projection}")


def _build_state(connection: psycopg.Connection[Any], key: Key) -> str:
    """Asked again once the lock is held: the statement that waited for it shows the build as it was before the wait,
    and the wait may have been for the switch that retired it."""
    row = connection.execute(_STATE, (key.projection, key.build)).fetchone()
    if row is None:
        raise BuildGone(f"build {key.build} of {key.projection}")
    return str(row[0])


def read(connection: psycopg.Connection[Any], key: Key) -> Checkpoint | None:
    """The checkpoint as last committed; None before the first event."""
    row = connection.execute(_LOCK, key).fetchone()
    return None if row is None else _checkpoint(row)


def save(
    connection: psycopg.Connection[Any], key: Key, last: int, applied: int, hint: Hint | None, *, lightly: bool
) -> None:
    """Move the locked checkpoint on. Without a hint the old one is dropped: it would point before ``last``.
    ``lightly``: the commit does not wait for the disk."""
    place = hint if hint is not None else (None, None, None)
    connection.execute(_SAVE + _LIGHTLY if lightly else _SAVE, (last, applied, *place, *key))


def halt(connection: psycopg.Connection[Any], key: Key, reason: str | None) -> None:
    """Stop (or with None: free) the partition for this build."""
    connection.execute(
        "UPDATE checkpoints SET halted = %s WHERE projection = %s AND build = %s AND log = %s AND partition = %s",
        (reason, *key),
    )


def _checkpoint(row: tuple[Any, ...]) -> Checkpoint:
    last, halted, quiet_until, cluster_id, topic_id, next_offset, state = row
    hint = None if cluster_id is None else Hint(cluster_id, topic_id, next_offset)
    return Checkpoint(last, halted, quiet_until, hint, state)
