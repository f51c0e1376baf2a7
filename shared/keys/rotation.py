"""Replacing the key-encryption key: from one moment on the next one wraps new keys, and page by page the others too.

Both are known to every process meanwhile; a page is one transaction, and what is left is what names another one than
the current. So whoever is killed in between goes on where it stopped by beginning again, and two at once do no harm.
The people's own keys stay as they are: nothing sealed with them is touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo

from shared.database.arrays import BytesArray, UuidArray
from shared.database.database import CONNECT_TIMEOUT_SECONDS
from shared.keys.keyring import STATE_LOCK, KeyRing

PAGE_KEYS = 1_000


class Rotated(NamedTuple):
    """The id of the current key-encryption key, and how many people's keys this run wrapped under it."""

    kek_id: str
    keys: int


def make_current(connection: psycopg.Connection[Any], kek_id: str) -> str | None:
    """From now on new keys are wrapped under this one; which it was before. ``connection`` is the owner's."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (STATE_LOCK,))
        row = connection.execute("SELECT current_kek FROM key_state").fetchone()
        connection.execute("UPDATE key_state SET current_kek = %s", (kek_id,))
    return None if row is None else row[0]


def rewrap(
    connection: psycopg.Connection[Any],
    ring: KeyRing,
    kek_id: str,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Wrap every key that names another key-encryption key under this one, a page at a time; how many. Raises
    WrongKeyEncryptionKey for a key nobody can open, before its page is touched."""
    done = 0
    while True:
        with connection.transaction():
            rows = connection.execute(
                "SELECT person_id, wrapped, kek_id FROM person_keys WHERE wrapped IS NOT NULL AND kek_id <> %s"
                " ORDER BY person_id LIMIT %s FOR UPDATE SKIP LOCKED",
                (kek_id, PAGE_KEYS),
            ).fetchall()
            people = [person for person, _, _ in rows]
            boxes = [
                ring.wrap(person, ring.unwrap(person, bytes(wrapped), former), kek_id)
                for person, wrapped, former in rows
            ]
            connection.execute(
                "UPDATE person_keys p SET wrapped = n.box, kek_id = %s"
                " FROM unnest(%s::uuid[], %s::bytea[]) AS n (person, box) WHERE p.person_id = n.person",
                (kek_id, UuidArray(people), BytesArray(boxes)),
                binary=True,
            )
        done += len(rows)
        progress(done)
        if len(rows) < PAGE_KEYS and left(connection, kek_id) == 0:
            return done


def left(connection: psycopg.Connection[Any], kek_id: str) -> int:
    """How many keys are wrapped under another key-encryption key than this one."""
    row = connection.execute(
        "SELECT count(*) FROM person_keys WHERE wrapped IS NOT NULL AND kek_id <> %s", (kek_id,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def owner_of_keys(admin_url: str, name: str) -> psycopg.Connection[Any]:
    """A connection of the owner to the keys' database, each statement its own transaction."""
    return psycopg.connect(
        make_conninfo(admin_url, dbname=name, connect_timeout=CONNECT_TIMEOUT_SECONDS), autocommit=True
    )
