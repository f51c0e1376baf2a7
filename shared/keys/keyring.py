"""One AES-256 key per person, wrapped under the key-encryption key, in a database of its own.

Erasing a person destroys the wrapped key for ever; every box sealed with it then opens to ``None`` everywhere, within
:data:`CACHE_SECONDS`. Keys are committed before any event that uses them can be.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy
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
CACHE_ENTRIES = 100_000
_ROLE = "rollcall_keys_service"
_PREPARE_LOCK = 0x4B657952696E67

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
)


class WrongKeyEncryptionKey(Exception):
    """A stored key does not open under the key-encryption key this process was given."""


class KeyRing:
    """Keys by person. Thread-safe. ``admin_url`` is the owner's libpq URL, ``kek`` 32 bytes from the secrets."""

    def __init__(
        self, admin_url: str, kek: bytes, *, name: str = DATABASE_NAME, role_password: str | None = None
    ) -> None:
        if len(kek) != KEY_BYTES:
            raise ValueError(f"the key-encryption key has {KEY_BYTES} bytes")
        self.name = name
        self._admin_url = admin_url
        self._login = Login(_ROLE, role_password or derived_password(admin_url, _ROLE), WORKER_ROLE)
        self._kek = AESGCM(kek)
        # Names the key among its successors and reveals nothing of it: 256 random bits have no dictionary.
        self._kek_id = hashlib.sha256(b"rollcall kek id" + kek).hexdigest()[:16]
        self._cache: OrderedDict[UUID, tuple[bytes, float]] = OrderedDict()
        self._lock = threading.Lock()
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

    def keys(self, person_ids: Collection[UUID], create: bool = False) -> dict[UUID, bytes]:
        """The keys of these people. Unknown people get one when ``create`` is set (committed on return), else they are
        absent, as erased people always are. Raises WrongKeyEncryptionKey."""
        if not person_ids:
            return {}
        found, missing = self._cached(person_ids)
        if not missing:
            return found
        with self._engine.begin() as connection:
            raw = driver(connection)
            stored = self._stored(raw, missing)
            if create and (unknown := [person for person in missing if person not in stored]):
                stored.update(self._create(raw, unknown))
        fresh = {person: key for person, key in stored.items() if key is not None}
        self._remember(fresh)
        return found | fresh

    def erase(self, person_id: UUID) -> bool:
        """Destroy the person's key for ever, also for people who never had one; whether this call did it."""
        with self._engine.begin() as connection:
            done = connection.execute(
                sqlalchemy.text(
                    "INSERT INTO person_keys (person_id, kek_id, erased_at) VALUES (:person, :kek, now())"
                    " ON CONFLICT (person_id) DO UPDATE SET wrapped = NULL, erased_at = now()"
                    " WHERE person_keys.erased_at IS NULL"
                ),
                {"person": person_id, "kek": self._kek_id},
            ).rowcount
        with self._lock:
            self._cache.pop(person_id, None)
        return done == 1

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
            for person in dict.fromkeys(person_ids):
                entry = cache.get(person)
                if entry is not None and entry[1] > oldest:
                    found[person] = entry[0]
                else:
                    missing.append(person)
        return found, missing

    def _remember(self, keys: dict[UUID, bytes]) -> None:
        now = time.monotonic()
        with self._lock:
            for person, key in keys.items():
                self._cache[person] = (key, now)
            while len(self._cache) > CACHE_ENTRIES:
                self._cache.popitem(last=False)

    def _stored(self, connection: psycopg.Connection[Any], people: list[UUID]) -> dict[UUID, bytes | None]:
        rows = connection.execute(
            "SELECT person_id, wrapped FROM person_keys WHERE person_id = ANY(%s)", (UuidArray(people),), binary=True
        )
        return {person: None if wrapped is None else self._unwrap(person, wrapped) for person, wrapped in rows}

    def _create(self, connection: psycopg.Connection[Any], people: list[UUID]) -> dict[UUID, bytes | None]:
        size = KEY_BYTES + NONCE_BYTES
        drawn = os.urandom(size * len(people))  # at once: a system call for each costs more than wrapping it
        pieces = [drawn[start : start + size] for start in range(0, len(drawn), size)]
        made: dict[UUID, bytes | None] = {}
        wrapped = []
        for person, piece in zip(people, pieces, strict=True):
            made[person], nonce = piece[:KEY_BYTES], piece[KEY_BYTES:]
            wrapped.append(nonce + self._kek.encrypt(nonce, piece[:KEY_BYTES], person.bytes))
        inserted = connection.execute(
            "INSERT INTO person_keys (person_id, wrapped, kek_id)"
            " SELECT person, box, %s FROM unnest(%s::uuid[], %s::bytea[]) AS new(person, box) ORDER BY person"
            " ON CONFLICT DO NOTHING",
            (self._kek_id, UuidArray(people), BytesArray(wrapped)),
            binary=True,
        ).rowcount
        # Another process may have made some of them a moment ago: then theirs count.
        return made if inserted == len(people) else self._stored(connection, people)

    def _unwrap(self, person: UUID, wrapped: bytes) -> bytes:
        try:
            return self._kek.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.bytes)
        except InvalidTag as broken:
            raise WrongKeyEncryptionKey(
                f"the key of person {person} does not open under kek {self._kek_id}"
            ) from broken
