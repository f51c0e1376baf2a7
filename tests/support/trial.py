"""A small service of its own for testing the mechanisms: facts, a fresh database, a key ring, commands."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from shared.database import Database
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.facts import Fact, Personal, fact
from shared.keys import KeyRing

SOURCE = "//rollcall/460100/trial"
KEK = bytes(range(32))
HMAC_KEY = b"trial service key, for tests only"
TERM = date(2026, 9, 1)


class PupilPersonal(Personal, frozen=True, kw_only=True):
    """Who the pupil is."""

    name: str
    id_number: str | None = None


@fact("trial")
class PupilJoined(Fact, frozen=True, kw_only=True):
    """A fact with a personal block."""

    school_code: str
    grade: int = 1
    personal: PupilPersonal | None


@fact("trial")
class PupilMoved(Fact, frozen=True, kw_only=True):
    """A fact without one."""

    grade: int


class Server(Protocol):
    """What tests/conftest.py's ``postgres`` offers."""

    def dsn(self, database: str = "postgres") -> str: ...
    def copy_model(self, shape: str, name: str) -> bool: ...
    def keep_model(self, shape: str, name: str) -> None: ...


@dataclass
class Trial:
    """One service on a database of its own."""

    database: Database
    keyring: KeyRing
    store: EventStore

    def append(self, *proposed: Proposed, command_id: UUID | None = None, body: bytes = b"") -> Result:
        command = Command("clerk", command_id or uuid.uuid4(), body)
        return self.store.run(self.database, command, lambda connection: proposed)

    def join(self, count: int) -> list[UUID]:
        """``count`` new pupils in one command; their stream ids."""
        pupils = [joined() for _ in range(count)]
        self.append(*pupils)
        return [pupil.stream_id for pupil in pupils]


def joined(stream: UUID | None = None, name: str = "王小明") -> Proposed:
    stream = stream or uuid.uuid4()
    personal = PupilPersonal(person_id=stream, name=name, id_number="11010519491231002X")
    return Proposed(stream, 0, PupilJoined(school_code="4601000001", personal=personal), TERM)


def moved(stream: UUID, expected_version: int, grade: int = 2) -> Proposed:
    return Proposed(stream, expected_version, PupilMoved(grade=grade), TERM)


def open_trial(admin_url: str, name: str) -> Trial:
    """Connect to (and where needed create) the trial databases of this ``name``."""
    keyring = KeyRing(admin_url, KEK, name=f"keys_{name}")
    keyring.prepare()
    database = Database("trial", admin_url, name=f"trial_{name}")
    database.prepare()
    return Trial(database, keyring, EventStore("trial", keyring, HMAC_KEY))


@contextmanager
def fresh_trial(postgres: Server) -> Iterator[Trial]:
    """A trial service nobody used before."""
    name = uuid.uuid4().hex[:10]
    new = [kind for kind in ("keys", "trial") if not postgres.copy_model(f"of a trial: {kind}", f"{kind}_{name}")]
    trial = open_trial(postgres.dsn(), name)
    if new:
        trial.database.close()
        trial.keyring.close()
    for kind in new:
        postgres.keep_model(f"of a trial: {kind}", f"{kind}_{name}")
    try:
        yield trial
    finally:
        trial.database.close()
        trial.keyring.close()
