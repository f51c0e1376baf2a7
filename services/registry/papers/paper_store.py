"""Papers that were typed and wait for a second person: what they say and their scans, sealed under a key of the paper's
own. Nothing of them stands in a view."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import class_row

from shared.eventsourcing.sealing import NONCE_BYTES
from shared.keys.keyring import KeyRing

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-papers-0001",
        """
CREATE TABLE papers (
    paper_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('waiting', 'recorded', 'refused')),
    kind text NOT NULL,
    division_code text NOT NULL,
    school_code text,
    agency text,
    as_of date NOT NULL,
    sealed bytea NOT NULL,
    scan bytea,
    scan_type text,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_by text
);
CREATE INDEX papers_waiting ON papers (number) WHERE state = 'waiting';
GRANT SELECT, INSERT, UPDATE ON papers TO rollcall_app;
""",
    ),
)

Raw = psycopg.Connection[Any]
Fields = dict[str, str]
_COLUMNS = (
    "paper_id, state, kind, division_code, school_code, agency, as_of, sealed, scan_type, entered_by, entered_at,"
    " decided_by"
)


@dataclass(frozen=True)
class Paper:
    """A paper as far as it came; ``scan_type`` None: no scan is attached."""

    paper_id: UUID
    state: str
    kind: Any
    division_code: str
    school_code: str | None
    agency: str | None
    as_of: date
    sealed: bytes
    scan_type: str | None
    entered_by: str
    entered_at: datetime
    decided_by: str | None


def begin(
    raw: Raw,
    keyring: KeyRing,
    paper_id: UUID,
    kind: str,
    where: tuple[str, str | None, str | None],
    as_of: date,
    by: str,
    fields: Fields,
) -> None:
    """A paper was typed; ``where`` is its division, school and agency."""
    raw.execute(
        "INSERT INTO papers (paper_id, state, kind, division_code, school_code, agency, as_of, sealed, entered_by)"
        " VALUES (%s, 'waiting', %s, %s, %s, %s, %s, %s, %s)",
        (paper_id, kind, *where, as_of, _seal(keyring, paper_id, b"fields", msgspec.json.encode(fields)), by),
    )


def amend(raw: Raw, keyring: KeyRing, paper_id: UUID, fields: Fields, by: str) -> None:
    """It was typed anew."""
    sealed = _seal(keyring, paper_id, b"fields", msgspec.json.encode(fields))
    raw.execute("UPDATE papers SET sealed = %s, entered_by = %s WHERE paper_id = %s", (sealed, by, paper_id))


def attach(raw: Raw, keyring: KeyRing, paper_id: UUID, scan: bytes, scan_type: str) -> None:
    """Keep the scan."""
    sealed = _seal(keyring, paper_id, b"scan", scan)
    raw.execute("UPDATE papers SET scan = %s, scan_type = %s WHERE paper_id = %s", (sealed, scan_type, paper_id))


def decide(raw: Raw, paper_id: UUID, state: str, by: str) -> None:
    """It is recorded, or refused."""
    raw.execute("UPDATE papers SET state = %s, decided_by = %s WHERE paper_id = %s", (state, by, paper_id))


def one(raw: Raw, paper_id: UUID, *, lock: bool = False) -> Paper | None:
    """A paper; ``lock`` keeps others from it until the end of the transaction."""
    found = _read(raw, f"WHERE paper_id = %s{' FOR UPDATE' if lock else ''}", (paper_id,))
    return found[0] if found else None


def latest(raw: Raw, limit: int) -> list[Paper]:
    """Those that wait first, then the newest."""
    return _read(raw, "ORDER BY state = 'waiting' DESC, number DESC LIMIT %s", (limit,))


def fields_of(keyring: KeyRing, paper: Paper) -> Fields:
    """What was typed."""
    return msgspec.json.decode(_open(keyring, paper.paper_id, b"fields", paper.sealed), type=Fields)


def scan_of(raw: Raw, keyring: KeyRing, paper_id: UUID) -> bytes | None:
    """The scan; None when none is attached."""
    row = raw.execute("SELECT scan FROM papers WHERE paper_id = %s", (paper_id,), binary=True).fetchone()
    return None if row is None or row[0] is None else _open(keyring, paper_id, b"scan", row[0])


def _seal(keyring: KeyRing, paper_id: UUID, what: bytes, content: bytes) -> bytes:
    key = keyring.keys([paper_id], create=True)[paper_id]
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, paper_id.bytes + what)


def _open(keyring: KeyRing, paper_id: UUID, what: bytes, box: bytes) -> bytes:
    key = keyring.keys([paper_id])[paper_id]
    return AESGCM(key).decrypt(bytes(box[:NONCE_BYTES]), bytes(box[NONCE_BYTES:]), paper_id.bytes + what)


def _read(raw: Raw, where: str, given: Iterable[object]) -> list[Paper]:
    with raw.cursor(row_factory=class_row(Paper)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM papers {where}", tuple(given)).fetchall()
