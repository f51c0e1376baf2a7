"""What an edited export wants of each student, kept sealed under the key of the person it is about: after an erasure
nobody can read it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.eventsourcing.sealing import NONCE_BYTES
from shared.keys.keyring import KeyRing

Raw = psycopg.Connection[Any]


class Wanted(NamedTuple):
    """One student of the sheet, read when her stream had ``version``: field → text as it was and as it shall be."""

    student_id: UUID
    person_id: UUID
    version: int
    before: dict[str, str]
    values: dict[str, str]


def keep(raw: Raw, keyring: KeyRing, change_id: UUID, wanted: Iterable[Wanted]) -> None:
    """Keep what the sheet wants."""
    rows = list(wanted)
    keys = keyring.keys({row.person_id for row in rows}, create=True)
    sealed = []
    for row in rows:
        nonce = os.urandom(NONCE_BYTES)
        text = msgspec.json.encode((row.before, row.values))
        box = nonce + AESGCM(keys[row.person_id]).encrypt(nonce, text, change_id.bytes + row.student_id.bytes)
        sealed.append((change_id, row.student_id, row.version, row.person_id, box))
    with raw.cursor() as cursor:
        cursor.executemany("INSERT INTO change_wanted VALUES (%s, %s, %s, %s, %s)", sealed)


def opened(raw: Raw, keyring: KeyRing, change_id: UUID, students: Collection[UUID]) -> dict[UUID, Wanted]:
    """Student → what is wanted, without those erased since."""
    rows = raw.execute(
        "SELECT student_id, person_id, version, sealed FROM change_wanted"
        " WHERE change_id = %s AND student_id = ANY(%s)",
        (change_id, list(students)),
        binary=True,
    ).fetchall()
    keys = keyring.keys({row[1] for row in rows})
    found = {}
    for student_id, person_id, version, box in rows:
        if (key := keys.get(person_id)) is None:
            continue
        bound = change_id.bytes + student_id.bytes
        text = AESGCM(key).decrypt(bytes(box[:NONCE_BYTES]), bytes(box[NONCE_BYTES:]), bound)
        before, values = msgspec.json.decode(text, type=tuple[dict[str, str], dict[str, str]])
        found[student_id] = Wanted(student_id, person_id, version, before, values)
    return found


def students_after(raw: Raw, change_id: UUID, after: UUID, limit: int) -> list[UUID]:
    """The next students of the sheet by id."""
    rows = raw.execute(
        "SELECT student_id FROM change_wanted WHERE change_id = %s AND student_id > %s ORDER BY student_id LIMIT %s",
        (change_id, after, limit),
        binary=True,
    )
    return [row[0] for row in rows]
