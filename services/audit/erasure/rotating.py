"""Replacing the key-encryption key of everybody's keys: asked for by a person, done by a worker, told when it is done.

Only this key is replaced so. The HMAC keys name streams for ever and are never replaced; the keys that sign logs are
replaced by signing with another one, under which the old signatures still verify.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from pydantic import BaseModel
from sqlalchemy import Connection

from services.audit.erasure.desk import Desk
from services.audit.erasure.erasure_errors import KekUnknown
from services.audit.events import KeyRotationStarted, KeysRotated
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.kernel.clock import today
from shared.kernel.identifiers import keyed_id
from shared.keys.keyring import KeyRing, WrongKeyEncryptionKey, kek_id
from shared.keys.rotation import left, make_current, rewrap

LOOK_SECONDS = 2.0
PRINCIPAL = "system:key-rotation"
log = structlog.get_logger(__name__)


class RotationState(BaseModel):
    """``kek_id``: the key-encryption key that wraps new keys since the last rotation, null before any; ``left``: keys
    still wrapped under another one; ``done``: all are, and it is recorded."""

    kek_id: str | None
    left: int
    done: bool


@dataclass(frozen=True)
class Rotating:
    """``next_kek`` gives the key that is to come, from the secrets, or None; ``owner`` connects to the keys' database
    as its owner."""

    desk: Desk
    keyring: KeyRing
    next_kek: Callable[[], bytes | None]
    owner: Callable[[], psycopg.Connection[tuple[object, ...]]]
    day: Callable[[], date] = today

    def start(self, by: str, command: Command) -> Result:
        """From now on the next key wraps new ones; the worker does the rest. Raises KekUnknown."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            kek = self.next_kek()
            if kek is None:
                raise KekUnknown
            stored = self._stored(connection)
            if stored and stored[-1].fact == KeyRotationStarted(kek_id=kek_id(kek), started_by=by):
                return []
            started = KeyRotationStarted(kek_id=kek_id(kek), started_by=by)
            return [Proposed(self._stream, len(stored), started, self.day())]

        return self.desk.store.run(self.desk.database, command, decide)

    def state(self) -> RotationState:
        """How far the last rotation is."""
        with self.desk.database.writing() as connection:
            stored = self._stored(connection)
        if not stored:
            return RotationState(kek_id=None, left=0, done=True)
        asked = next(each.fact for each in reversed(stored) if isinstance(each.fact, KeyRotationStarted))
        with self.owner() as keys:
            return RotationState(
                kek_id=asked.kek_id, left=left(keys, asked.kek_id), done=isinstance(stored[-1].fact, KeysRotated)
            )

    def run(self, stop: threading.Event) -> None:
        """Rotate until ``stop``; outlives the database, and a secret that is not there yet."""
        while not stop.is_set():
            try:
                self.rotate_some()
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, WrongKeyEncryptionKey) as lost:
                log.warning("the key rotation starts over", error=type(lost).__name__)
            stop.wait(LOOK_SECONDS)

    def rotate_some(self) -> int | None:
        """Finish a rotation that was asked for; how many keys this wrapped anew, None when none is under way."""
        with self.desk.database.writing() as connection:
            stored = self._stored(connection)
        if not stored or not isinstance(stored[-1].fact, KeyRotationStarted):
            return None
        wanted = stored[-1].fact.kek_id
        with self.owner() as keys:
            make_current(keys, wanted)
            count = rewrap(keys, self.keyring, wanted)
        self._record(wanted, count, stored[-1].event.event_id)
        log.info("keys are rotated", kek=wanted, keys=count)
        return count

    def _record(self, kek: str, count: int, cause: UUID) -> None:
        command = Command(PRINCIPAL, keyed_id(self.desk.streams.key, "keys-rotated", str(cause)), kek.encode())

        def decide(connection: Connection) -> Sequence[Proposed]:
            stored = self._stored(connection)
            return [Proposed(self._stream, len(stored), KeysRotated(kek_id=kek, keys=count), self.day())]

        self.desk.store.run(self.desk.database, command, decide)

    @property
    def _stream(self) -> UUID:
        return self.desk.streams.key_rotation()

    def _stored(self, connection: Connection) -> list[Stored]:
        return self.desk.store.load(connection, self._stream)
