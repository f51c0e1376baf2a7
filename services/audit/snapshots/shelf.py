"""Where snapshots are kept and found: written once, read as a stream, refused by name, dropped with their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog

from services.audit.archive import raise_alarms
from services.audit.domain import SNAPSHOT_TOUCHED, Alarm
from services.audit.snapshots.heads import Head, head_of, program_version, version_of
from services.audit.snapshots.pieces import CLOSING, Closing, PieceBroken, Seal
from shared.database.database import Database, driver
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.replay import Replayed, Start
from shared.messaging.scratch import ScratchTable

OWN = "audit"  # under whose name an alarm about a snapshot stands; as its index, the events it covers
KEY_GONE = "its key is destroyed"

log = structlog.get_logger(__name__)


class SnapshotRefused(Exception):
    """A snapshot must not be used: ``snapshot`` names it, ``reason`` says why."""

    def __init__(self, snapshot: UUID, reason: str) -> None:
        super().__init__(f"snapshot {snapshot}: {reason}")
        self.snapshot, self.reason = snapshot, reason


@dataclass(frozen=True)
class Shelf:
    """The snapshots in audit's ``database``. ``program``: what this program is; others' snapshots are not used."""

    database: Database
    keyring: KeyRing
    program: str = field(default_factory=program_version)

    def newest(self, projection: Projection, upto: Mapping[str, int]) -> Head | None:
        """The snapshot that covers most and nothing beyond these indexes, if there is one that may be used now."""
        usable = self.usable(projection)
        return next((head for head in usable if head.within(upto)), None)

    def usable(self, projection: Projection) -> list[Head]:
        """The snapshots of this fold since the last erasure, the longest first."""
        return self.usable_of([projection])[projection.name]

    def usable_of(self, projections: Iterable[Projection]) -> dict[str, list[Head]]:
        """The same for several, by name."""
        versions = {each.name: version_of(each, self.program) for each in projections}
        erasures = self.keyring.erasures()
        with self.database.working() as connection:
            rows = driver(connection).execute(
                "SELECT id, projection, head FROM snapshots WHERE projection = ANY(%s) AND refused IS NULL",
                (list(versions),),
            )
            heads = {place: _own(place, projection, head) for place, projection, head in rows}
        for place in [place for place, head in heads.items() if head is None]:
            self.refuse(SnapshotRefused(place, "its head is not its own"))
        found: dict[str, list[Head]] = {name: [] for name in versions}
        for head in heads.values():
            if head is not None and (head.version, head.erasures) == (versions[head.projection], erasures):
                found[head.projection].append(head)
        for mine in found.values():
            mine.sort(key=lambda head: (-head.events, head.id))
        return found

    def unusable(self, projections: Iterable[Projection]) -> list[UUID]:
        """The snapshots that no replay may begin at any more."""
        kept = {head.id for heads in self.usable_of(projections).values() for head in heads}
        with self.database.working() as connection:
            rows = driver(connection).execute("SELECT id FROM snapshots").fetchall()
        return [row[0] for row in rows if row[0] not in kept]

    def sealed_bytes(self) -> int:
        """How much all of them take."""
        with self.database.working() as connection:
            row = driver(connection).execute("SELECT coalesce(sum(sealed_bytes), 0) FROM snapshots").fetchone()
        assert row is not None
        return int(row[0])

    def write(
        self, head: Head, tables: Mapping[str, ScratchTable], raw: psycopg.Connection[Any], done: Replayed
    ) -> int:
        """Keep the rows of a replay, which ``raw`` sees; how many bytes they take."""
        seal = self._seal(head, create=True)
        counts = dict.fromkeys(tables, 0)
        size = place = 0
        with self.database.working() as connection:
            kept = driver(connection)
            kept.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")  # a large table is sorted first

            def keep(part: str, content: bytes) -> None:
                nonlocal size, place
                sealed = seal.sealed(place, part, content)
                kept.execute(
                    "INSERT INTO snapshot_pieces (snapshot, place, part, sealed) VALUES (%s, %s, %s, %s)",
                    (head.id, place, part, sealed),
                    binary=True,
                )
                place, size = place + 1, size + len(sealed)

            for name, table in tables.items():
                for piece in table.dump(raw):
                    keep(name, piece)
                    counts[name] += 1
            parked = sorted(done.parked, key=lambda stream: (stream[0], stream[1].bytes))
            closing = Closing(pieces=counts, left_out=list(done.left_out), parked=parked)
            keep(CLOSING, msgspec.json.encode(closing))
            kept.execute(
                "INSERT INTO snapshots (id, projection, events, head, sealed_bytes) VALUES (%s, %s, %s, %s, %s)",
                (head.id, head.projection, head.events, head.encoded(), size),
            )
        return size

    def opened(self, head: Head) -> Start:
        """Where the replay begins; its rows are read while they are taken. Raises SnapshotRefused, also meanwhile."""
        seal = self._seal(head)
        with self.database.working() as connection:
            raw = driver(connection)
            last = raw.execute("SELECT max(place) FROM snapshot_pieces WHERE snapshot = %s", (head.id,)).fetchone()
            assert last is not None
            closing = _closing(head, seal, raw, last[0])
        rows: dict[str, Iterator[bytes]] = {}
        first = 0
        for name, count in closing.pieces.items():
            rows[name] = self._rows(head, seal, name, range(first, first + count))
            first += count
        return Start(rows, tuple(closing.left_out), frozenset(closing.parked))

    def _rows(self, head: Head, seal: Seal, part: str, places: range) -> Iterator[bytes]:
        with self.database.working() as connection:
            for place in places:
                yield _piece(head, seal, driver(connection), part, place)

    def refuse(self, refused: SnapshotRefused) -> None:
        """No replay begins at this one any more; an alarm, unless it was being dropped at this very moment."""
        log.warning("a snapshot is refused", snapshot=str(refused.snapshot), reason=refused.reason)
        with self.database.working() as connection:
            raw = driver(connection)
            row = raw.execute(
                "UPDATE snapshots SET refused = %s WHERE id = %s RETURNING events", (refused.reason, refused.snapshot)
            ).fetchone()
            if row is not None and refused.reason != KEY_GONE:
                raise_alarms(raw, [Alarm(OWN, SNAPSHOT_TOUCHED, row[0], str(refused))])

    def drop(self, ids: list[UUID]) -> None:
        """Destroy the keys of these, then remove what nobody can open any more."""
        if not ids:
            return
        self.keyring.discard(ids)
        with self.database.working() as connection:
            raw = driver(connection)
            raw.execute("DELETE FROM snapshots WHERE id = ANY(%s)", (ids,))
            raw.execute("DELETE FROM snapshot_pieces WHERE snapshot = ANY(%s)", (ids,))

    def _seal(self, head: Head, *, create: bool = False) -> Seal:
        key = self.keyring.keys([head.id], create=create).get(head.id)
        if key is None:
            raise SnapshotRefused(head.id, KEY_GONE)
        return Seal(key, head.encoded())


def _own(snapshot: UUID, projection: str, raw: bytes) -> Head | None:
    """What stands as a snapshot's head, unless it is no head or another's."""
    try:
        head = head_of(bytes(raw))
    except msgspec.DecodeError:
        return None
    return head if (head.id, head.projection) == (snapshot, projection) else None


def _closing(head: Head, seal: Seal, raw: psycopg.Connection[Any], place: int | None) -> Closing:
    if place is None:
        raise SnapshotRefused(head.id, "it has no pieces")
    closing = msgspec.json.decode(_piece(head, seal, raw, CLOSING, place), type=Closing)
    if sum(closing.pieces.values()) != place:
        raise SnapshotRefused(head.id, "pieces are missing")
    return closing


def _piece(head: Head, seal: Seal, raw: psycopg.Connection[Any], part: str, place: int) -> bytes:
    row = raw.execute(
        "SELECT sealed FROM snapshot_pieces WHERE snapshot = %s AND place = %s AND part = %s",
        (head.id, place, part),
        binary=True,
    ).fetchone()
    if row is None:
        raise SnapshotRefused(head.id, f"piece {place} is missing")
    try:
        return seal.opened(place, part, row[0])
    except PieceBroken as broken:
        raise SnapshotRefused(head.id, str(broken)) from broken
