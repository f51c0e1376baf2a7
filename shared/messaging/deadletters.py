"""Dead letters: events that could not be applied, kept sealed and in order until somebody repairs or discards them.

One poison event parks its stream: what follows in that stream queues behind it, everything else moves on. After the
repair :func:`replay` applies them in their order and frees the stream; :func:`discard` gives one up, with a reason.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Collection, Iterable
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.types.json import Jsonb

from shared.eventsourcing.event import attributes
from shared.kernel.identifiers import keyed_id
from shared.keys.keyring import KeyRing
from shared.messaging.arrivals import Arrival, Foreign, Headers
from shared.messaging.checkpoint import Hint, Key

_ID_KEY = b"rollcall dead letter"  # only has to repeat; holds nothing about a person
_NONCE_BYTES = 12
_KEPT_HEADERS = frozenset({"ce_type", "ce_id", "ce_subject", "ce_source", "ce_logindex", "ce_recordedat"})


class Sealed(msgspec.Struct, frozen=True):
    """What a letter keeps under its own key: the record as it came, and the whole error."""

    key: bytes | None
    value: bytes | None
    headers: Headers
    error: str


class Letter(NamedTuple):
    """A dead letter, without its sealed part. ``state``: poison, queued, applied or discarded."""

    id: UUID
    projection: str
    build: int
    log: str
    partition: int
    log_index: int | None
    stream_id: UUID | None
    type: str | None
    state: str
    error_kind: str | None
    error_place: str | None


class LetterUnreadable(Exception):
    """The letter's key is gone (it was discarded and erased), so it cannot be replayed."""


_COLUMNS = ", ".join(Letter._fields)
_INSERT = """
INSERT INTO dead_letters
    (id, projection, build, log, partition, log_index, stream_id, type, attributes, sealed,
     error_kind, error_place, state)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET attempts = dead_letters.attempts + 1, error_kind = excluded.error_kind,
    error_place = excluded.error_place, sealed = excluded.sealed
WHERE dead_letters.state IN ('poison', 'queued')
"""


def keep(
    connection: psycopg.Connection[Any],
    keyring: KeyRing,
    key: Key,
    item: Arrival | Foreign,
    error: BaseException | None,
    place: Hint | None,
) -> UUID:
    """Write the letter of one arrival, in the batch's transaction. ``error`` None: it queues behind a parked stream."""
    if isinstance(item, Foreign):
        where = f"{place.topic_id if place else ''}/{item.offset}"
        raw, log_index, stream_id, kind = item.raw, None, None, None
    else:
        where = str(item.log_index)
        raw, log_index, stream_id, kind = item.wire(), item.log_index, item.stream_id, item.type
    letter_id = keyed_id(_ID_KEY, key.projection, str(key.build), key.log, str(key.partition), where)
    sealing_key = keyring.keys([letter_id], create=True)[letter_id]
    text = "" if error is None else "".join(traceback.format_exception(error))
    sealed = _sealed(Sealed(*raw, text), sealing_key, letter_id)
    state = "queued" if error is None else "poison"
    described = (None, None) if error is None else (type(error).__name__, _place(error))
    connection.execute(
        _INSERT,
        (letter_id, *key, log_index, stream_id, kind, Jsonb(_attributes(item)), sealed, *described, state),
    )
    return letter_id


def park(connection: psycopg.Connection[Any], key: Key, streams: Collection[UUID]) -> None:
    """Queue what follows in these streams."""
    if not streams:
        return
    connection.cursor().executemany(
        "INSERT INTO parked_streams (projection, build, log, stream_id) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [(key.projection, key.build, key.log, stream) for stream in sorted(streams)],
    )


def parked(connection: psycopg.Connection[Any], key: Key, streams: Iterable[UUID]) -> set[UUID]:
    """Which of these streams are parked."""
    rows = connection.execute(
        "SELECT stream_id FROM parked_streams"
        " WHERE projection = %s AND build = %s AND log = %s AND stream_id = ANY(%s)",
        (key.projection, key.build, key.log, list(streams)),
    )
    return {row[0] for row in rows}


def any_parked(connection: psycopg.Connection[Any], key: Key) -> bool:
    """Whether this build has any parked stream of this log: almost never, and cheaper to ask first."""
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM parked_streams WHERE projection = %s AND build = %s AND log = %s)", key[:3]
    ).fetchone()
    return bool(row and row[0])


def unpark(connection: psycopg.Connection[Any], letter: Letter) -> None:
    """Let the letter's stream flow again."""
    connection.execute(
        "DELETE FROM parked_streams WHERE projection = %s AND build = %s AND log = %s AND stream_id = %s",
        (letter.projection, letter.build, letter.log, letter.stream_id),
    )


def find(connection: psycopg.Connection[Any], letter_id: UUID) -> Letter | None:
    """One letter."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM dead_letters WHERE id = %s", (letter_id,)).fetchone()
    return None if row is None else Letter(*row)


def open_letters(connection: psycopg.Connection[Any], *, limit: int = 200) -> list[Letter]:
    """The letters nobody has settled yet, oldest event first; at most ``limit``."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM dead_letters WHERE state IN ('poison', 'queued')"
        " ORDER BY projection, build, log, stream_id, log_index LIMIT %s",
        (limit,),
    )
    return [Letter(*row) for row in rows]


def stream_letters(connection: psycopg.Connection[Any], letter: Letter) -> list[Letter]:
    """The open letters of the letter's stream, in log order, locked."""
    if letter.stream_id is None:
        return [letter] if letter.state in ("poison", "queued") else []
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM dead_letters WHERE state IN ('poison', 'queued')"
        " AND projection = %s AND build = %s AND log = %s AND stream_id = %s ORDER BY log_index FOR UPDATE",
        (letter.projection, letter.build, letter.log, letter.stream_id),
    )
    return [Letter(*row) for row in rows]


def unsealed(connection: psycopg.Connection[Any], keyring: KeyRing, letter_id: UUID) -> Sealed:
    """The sealed part of a letter. Raises LetterUnreadable."""
    row = connection.execute("SELECT sealed FROM dead_letters WHERE id = %s", (letter_id,)).fetchone()
    key = keyring.keys([letter_id]).get(letter_id)
    if row is None or key is None:
        raise LetterUnreadable(f"letter {letter_id} cannot be opened any more")
    box = bytes(row[0])
    plain = AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], letter_id.bytes)
    return msgspec.msgpack.decode(plain, type=Sealed)


def empty_error(connection: psycopg.Connection[Any], keyring: KeyRing, letter_id: UUID) -> None:
    """Keep the record of a letter and nothing of the error: its text may quote a person who was erased."""
    try:
        kept = unsealed(connection, keyring, letter_id)
    except LetterUnreadable:
        return
    key = keyring.keys([letter_id])[letter_id]
    box = _sealed(msgspec.structs.replace(kept, error=""), key, letter_id)
    connection.execute("UPDATE dead_letters SET sealed = %s WHERE id = %s", (box, letter_id))


def _sealed(plain: Sealed, key: bytes, letter_id: UUID) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, msgspec.msgpack.encode(plain), letter_id.bytes)


def settle(
    connection: psycopg.Connection[Any], letter_id: UUID, state: str, *, by: str, reason: str | None = None
) -> None:
    """Close a letter as applied or discarded."""
    connection.execute(
        "UPDATE dead_letters SET state = %s, settled_at = now(), settled_by = %s, reason = %s WHERE id = %s",
        (state, by, reason, letter_id),
    )


def _attributes(item: Arrival | Foreign) -> dict[str, str]:
    """The attributes that are shown: none of them can hold anything personal."""
    if isinstance(item, Foreign):
        return {"offset": str(item.offset)}
    if item.logged is not None:
        listed = attributes(item.logged.source, item.logged.log_index, item.logged.recorded_at, item.logged.event)
        return {name: value for name, value in listed if value is not None}
    assert item.raw is not None
    kept = {name: value for name, value in item.raw[2] if name in _KEPT_HEADERS}
    return {name.removeprefix("ce_"): value.decode("ascii", "replace")[:200] for name, value in kept.items()}


def _place(error: BaseException) -> str:
    """Where it went wrong, as file and line: the message itself may quote personal data and is sealed."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    last = frames[-1]
    return f"{PurePath(last.filename).name}:{last.lineno} in {last.name}"
