"""One AES-256 key per person, wrapped under the key-encryption key, in a database of its own.

Erasing a person destroys the wrapped key for ever; every box sealed with it then opens to ``None`` everywhere, within
:data:`HEARD_SECONDS`: no process uses a key it holds without having asked that lately whether any was erased. Keys are
committed before any event that uses them can be.

The key-encryption key may be replaced (rotation.py): each row names the one it is wrapped under, the database says
which one wraps new keys, and a process that meets one it does not know looks into its secrets again.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.conninfo import make_conninfo
from sqlalchemy import create_engine

from shared.database.arrays import BytesArray, UuidArray
from shared.database.database import CONNECT_TIMEOUT_SECONDS, POOL_OVERFLOW, POOL_SIZE, driver
from shared.database.resting import ping_after_rest
from shared.database.roles import Login, derived_password, ensure_database, ensure_roles
from shared.database.scopes import WORKER_ROLE
from shared.database.steps import Step, apply_steps

DATABASE_NAME = "rollcall_keys"
KEY_BYTES = 32
NONCE_BYTES = 12
CACHE_SECONDS = 30.0
HEARD_SECONDS = 0.25  # how long a held key is used without asking whether a person was erased meanwhile
CACHE_ENTRIES = 100_000
_ROLE = "rollcall_keys_service"
_PREPARE_LOCK = 0x4B657952696E67
STATE_LOCK = 0x4B65795374617465
_KEK_REPLACED = "RK001"

STEPS = (
    Step(
        "0001-person-keys",
        f"""
CREATE TABLE person_keys (
    person_id uuid PRIMARY KEY,
    wrapped bytea,
    kek_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz,
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
);
CREATE FUNCTION refuse_revival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an erased key stays erased' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER erased_stays BEFORE UPDATE ON person_keys
    FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL) EXECUTE FUNCTION refuse_revival();
CREATE TRIGGER rows_stay BEFORE DELETE OR TRUNCATE ON person_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_revival();
GRANT SELECT, INSERT ON person_keys TO {_ROLE};
GRANT UPDATE (wrapped, kek_id, erased_at) ON person_keys TO {_ROLE};
""",
    ),
    Step(
        "0002-key-state",
        f"""
-- erasures counts them: whoever holds keys compares. current_kek wraps new keys; NULL until the first process says.
CREATE TABLE key_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    erasures bigint NOT NULL DEFAULT 0,
    current_kek text
);
INSERT INTO key_state DEFAULT VALUES;
-- Whoever replaces the current one waits for inserts under way; none after that is wrapped under the former one.
CREATE FUNCTION require_current_kek() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({STATE_LOCK});
    IF EXISTS (SELECT FROM fresh, key_state WHERE fresh.wrapped IS NOT NULL AND fresh.kek_id <> current_kek) THEN
        RAISE EXCEPTION 'new keys are wrapped under another key-encryption key' USING ERRCODE = '{_KEK_REPLACED}';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER wrapped_under_current AFTER INSERT ON person_keys
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION require_current_kek();
GRANT SELECT, UPDATE (erasures) ON key_state TO {_ROLE};
""",
    ),
)


class WrongKeyEncryptionKey(Exception):
    """A stored key does not open under the key-encryption key this process was given."""


def kek_id(kek: bytes) -> str:
    """Names the key among its successors and reveals nothing of it: 256 random bits have no dictionary."""
    return hashlib.sha256(b"rollcall kek id" + kek).hexdigest()[:16]


class KeyRing:
    """Keys by person. Thread-safe. ``admin_url`` is the owner's libpq URL, ``kek`` 32 bytes from the secrets;
    ``others`` gives the key-encryption keys besides, as the secrets hold them when it is called."""

    def __init__(
        self,
        admin_url: str,
        kek: bytes,
        *,
        name: str = DATABASE_NAME,
        role_password: str | None = None,
        others: Callable[[], Collection[bytes]] = tuple,
    ) -> None:
        if len(kek) != KEY_BYTES:
            raise ValueError(f"the key-encryption key has {KEY_BYTES} bytes")
        self.name = name
        self._admin_url = admin_url
        self._login = Login(_ROLE, role_password or derived_password(admin_url, _ROLE), WORKER_ROLE)
        self._others = others
        self._current = kek_id(kek)
        self._keks = {self._current: AESGCM(kek)}
        self._cache: OrderedDict[UUID, tuple[bytes, float]] = OrderedDict()
        self._lock = threading.Lock()
        self._erasures, self._heard_at = -1, 0.0  # what was last heard of erasures, and when (monotonic)
        self._engine = create_engine(
            "postgresql+psycopg://", creator=self._connect, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW
        )
        ping_after_rest(self._engine)

    def prepare(self) -> None:
        """Create the keys' database, role and table unless they are there; safe from several processes at once."""
        ensure_database(self._admin_url, self.name)
        owner = make_conninfo(self._admin_url, dbname=self.name, connect_timeout=CONNECT_TIMEOUT_SECONDS)
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_PREPARE_LOCK,))
            ensure_roles(connection, self.name, [self._login])
            with connection.transaction():
                apply_steps(connection, STEPS)
                connection.execute("UPDATE key_state SET current_kek = %s WHERE current_kek IS NULL", (self._current,))

    def keys(self, person_ids: Collection[UUID], create: bool = False) -> dict[UUID, bytes]:
        """The keys of these people. Unknown people get one when ``create`` is set (committed on return), else they are
        absent, as erased people always are. Raises WrongKeyEncryptionKey."""
        if not person_ids:
            return {}
        erasures = self._hear()
        found, missing = self._cached(person_ids)
        if not missing:
            return found
        stored = self._fetch(missing, create)
        fresh = {person: key for person, key in stored.items() if key is not None}
        self._remember(fresh, erasures)
        return found | fresh

    def _fetch(self, people: list[UUID], create: bool) -> dict[UUID, bytes | None]:
        """From the database; twice at most, when another key-encryption key has come to wrap new keys meanwhile."""
        for last in (False, True):
            try:
                with self._engine.begin() as connection:
                    raw = driver(connection)
                    stored = self._stored(raw, people)
                    if create and (unknown := [person for person in people if person not in stored]):
                        stored.update(self._create(raw, unknown))
                return stored
            except psycopg.Error as refused:
                if last or refused.sqlstate != _KEK_REPLACED:
                    raise
                self._hear(at_once=True)
        raise AssertionError("unreachable: the second attempt returns or raises")

    def _hear(self, *, at_once: bool = False) -> int:
        """How many people were erased, asked anew when that was not heard lately; if it grew, all keys are forgotten.
        The answer also says which key-encryption key wraps new keys."""
        now = time.monotonic()
        with self._lock:
            if not at_once and now - self._heard_at < HEARD_SECONDS:
                return self._erasures
        with self._engine.begin() as connection:
            row = driver(connection).execute("SELECT erasures, current_kek FROM key_state").fetchone()
        assert row is not None
        with self._lock:
            if row[0] != self._erasures:
                self._erasures = row[0]
                self._cache.clear()
            self._current = row[1] or self._current
            self._heard_at = now
            return self._erasures

    def erase(self, person_id: UUID) -> bool:
        """Destroy the person's key for ever, also for people who never had one; whether this call did it."""
        return bool(self.erase_all([person_id]))

    def erase_all(self, person_ids: Collection[UUID]) -> set[UUID]:
        """Destroy the keys of all these people in one transaction; of whom this call did it."""
        with self._engine.begin() as connection:
            raw = driver(connection)
            # In one order for all: two who erase at once do not wait for each other in a circle.
            rows = raw.execute(
                "INSERT INTO person_keys (person_id, kek_id, erased_at)"
                " SELECT person, %s, now() FROM unnest(%s::uuid[]) AS gone (person) ORDER BY person"
                " ON CONFLICT (person_id) DO UPDATE SET wrapped = NULL, erased_at = now()"
                " WHERE person_keys.erased_at IS NULL RETURNING person_id",
                (self._current, sorted(set(person_ids))),
            ).fetchall()
            if rows:
                raw.execute("UPDATE key_state SET erasures = erasures + 1")
        with self._lock:
            for person in person_ids:
                self._cache.pop(person, None)
        return {row[0] for row in rows}

    def erased(self, person_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Who of them is erased, and when their keys were destroyed (UTC)."""
        with self._engine.begin() as connection:
            rows = driver(connection).execute(
                "SELECT person_id, erased_at FROM person_keys WHERE person_id = ANY(%s) AND erased_at IS NOT NULL",
                (list(person_ids),),
            )
            return {person: moment.astimezone(UTC) for person, moment in rows}

    def erasures(self) -> int:
        """How often people were erased until now, asked at once."""
        return self._hear(at_once=True)

    def discard(self, key_ids: Collection[UUID]) -> None:
        """Destroy keys that are no person's (of copies that are not needed any more). No erasure is counted: what this
        process or another holds of them opens nothing that anybody still has."""
        with self._engine.begin() as connection:
            driver(connection).execute(
                "UPDATE person_keys SET wrapped = NULL, erased_at = now()"
                " WHERE person_id = ANY(%s) AND erased_at IS NULL",
                (sorted(set(key_ids)),),
            )
        with self._lock:
            for key_id in key_ids:
                self._cache.pop(key_id, None)

    def close(self) -> None:
        """Close every pooled connection and forget every key."""
        self._engine.dispose()
        with self._lock:
            self._cache.clear()

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(
            make_conninfo(
                self._admin_url,
                dbname=self.name,
                user=self._login.role,
                password=self._login.password,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                options="-c statement_timeout=30s -c idle_in_transaction_session_timeout=15s",
            )
        )

    def _cached(self, person_ids: Collection[UUID]) -> tuple[dict[UUID, bytes], list[UUID]]:
        oldest = time.monotonic() - CACHE_SECONDS
        found: dict[UUID, bytes] = {}
        missing = []
        with self._lock:
            cache = self._cache
            for person in person_ids if isinstance(person_ids, set | frozenset) else dict.fromkeys(person_ids):
                entry = cache.get(person)
                if entry is not None and entry[1] > oldest:
                    found[person] = entry[0]
                else:
                    missing.append(person)
        return found, missing

    def _remember(self, keys: dict[UUID, bytes], erasures: int) -> None:
        """Keep what was read when that many people had been erased; if more have been since, one may be among them."""
        now = time.monotonic()
        with self._lock:
            if erasures != self._erasures:
                return
            for person, key in keys.items():
                self._cache[person] = (key, now)
            while len(self._cache) > CACHE_ENTRIES:
                self._cache.popitem(last=False)

    def _stored(self, connection: psycopg.Connection[Any], people: list[UUID]) -> dict[UUID, bytes | None]:
        rows = connection.execute(
            "SELECT person_id, wrapped, kek_id FROM person_keys WHERE person_id = ANY(%s)",
            (UuidArray(people),),
            binary=True,
        )
        return {person: None if wrapped is None else self.unwrap(person, wrapped, kek) for person, wrapped, kek in rows}

    def _create(self, connection: psycopg.Connection[Any], people: list[UUID]) -> dict[UUID, bytes | None]:
        current = self._current
        kek = self._kek(current)
        size = KEY_BYTES + NONCE_BYTES
        drawn = os.urandom(size * len(people))  # at once: a system call for each costs more than wrapping it
        pieces = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        made: dict[UUID, bytes | None] = {}
        wrapped = []
        for person, piece in zip(people, pieces, strict=True):
            made[person], nonce = piece[:KEY_BYTES], piece[KEY_BYTES:]
            wrapped.append(nonce + kek.encrypt(nonce, piece[:KEY_BYTES], person.bytes))
        inserted = connection.execute(
            "INSERT INTO person_keys (person_id, wrapped, kek_id)"
            " SELECT person, box, %s FROM unnest(%s::uuid[], %s::bytea[]) AS new(person, box) ORDER BY person"
            " ON CONFLICT DO NOTHING",
            (current, UuidArray(people), BytesArray(wrapped)),
            binary=True,
        ).rowcount
        # Another process may have made some of them a moment ago: then theirs count.
        return made if inserted == len(people) else self._stored(connection, people)

    def wrap(self, person: UUID, key: bytes, kek: str) -> bytes:
        """The person's key wrapped under the key-encryption key of that id. Raises WrongKeyEncryptionKey."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._kek(kek).encrypt(nonce, key, person.bytes)

    def unwrap(self, person: UUID, wrapped: bytes, kek: str) -> bytes:
        """The person's key. Raises WrongKeyEncryptionKey."""
        try:
            return self._kek(kek).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.bytes)
        except InvalidTag as broken:
            raise WrongKeyEncryptionKey(f"the key of person {person} does not open under kek {kek}") from broken

    def _kek(self, name: str) -> AESGCM:
        """The key-encryption key of that id; an unknown one may have come to the secrets since. Raises
        WrongKeyEncryptionKey."""
        if name not in self._keks:
            self._keks |= {kek_id(kek): AESGCM(kek) for kek in self._others()}
        found = self._keks.get(name)
        if found is None:
            raise WrongKeyEncryptionKey(f"the secrets hold no key-encryption key {name}")
        return found
