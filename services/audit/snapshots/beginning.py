"""Where a fold begins: at the newest snapshot that may be used, or at the first event; the rows are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from services.audit.snapshots import rooting
from services.audit.snapshots.heads import Head
from services.audit.snapshots.shelf import Shelf, SnapshotRefused
from services.audit.verified import verified_events
from shared.database.database import driver
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.replay import MEMORY_BYTES, Replayed, replay
from shared.transparency.tree import Tree


@dataclass(frozen=True, slots=True)
class Beginning:
    """``snapshot``: its id, None for the first event. ``log_index``: service → the last event it covers. ``refused``:
    the snapshot that would have been used and why it was not."""

    snapshot: UUID | None = None
    log_index: Mapping[str, int] = field(default_factory=dict)
    refused: str | None = None


def begun(
    projection: Projection,
    connection: Connection,
    place: str,
    known: Mapping[str, int],
    keyring: KeyRing,
    shelf: Shelf | None,
    memory_bytes: int = MEMORY_BYTES,
) -> tuple[Beginning, Replayed, dict[str, Tree]]:
    """Fold the archive's events up to the indexes in ``known`` into the new schema ``place``: where it began, what the
    engine says, and the tree over each log as it was read. Raises ArchiveDoubtful."""
    head = None if shelf is None else shelf.newest(projection, known)
    refused: str | None = None
    if shelf is not None and head is not None:
        try:
            replayed, trees = _from(shelf, head, projection, connection, place, known, keyring, memory_bytes)
            return Beginning(head.id, head.upto), replayed, trees
        except SnapshotRefused as broken:
            shelf.refuse(broken)
            refused = str(broken)
    raw = driver(connection)
    trees = {service: Tree() for service in known}
    events = verified_events(raw, known, projection.by_type, trees=trees)
    replayed = replay(projection, connection, place, events, keyring, memory_bytes=memory_bytes)
    rooting.check(raw, trees)
    return Beginning(refused=refused), replayed, trees


def _from(
    shelf: Shelf,
    head: Head,
    projection: Projection,
    connection: Connection,
    place: str,
    known: Mapping[str, int],
    keyring: KeyRing,
    memory_bytes: int,
) -> tuple[Replayed, dict[str, Tree]]:
    """The fold from a snapshot; nothing is left of it when the snapshot is refused. Raises SnapshotRefused,
    ArchiveDoubtful."""
    raw = driver(connection)
    trees = rooting.trees_at(raw, head)
    if trees is None:
        raise SnapshotRefused(head.id, "the archive's tree does not lead to its root")
    with raw.transaction():
        events = verified_events(raw, known, projection.by_type, head.upto, trees)
        start = shelf.opened(head)
        replayed = replay(projection, connection, place, events, keyring, start=start, memory_bytes=memory_bytes)
    rooting.check(raw, trees)
    return replayed, trees
