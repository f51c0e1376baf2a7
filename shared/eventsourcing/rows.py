"""Events to table rows and back: the store's SQL in one place, small appends by INSERT, large ones by COPY."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from shared.database.arrays import BytesArray, TextArray, UuidArray
from shared.eventsourcing.event import Event, microseconds

COPY_FROM = 40  # events of one command from which COPY is faster than INSERT
_COPY_CHUNK_ROWS = 100

_EVENT_COLUMNS = (
    "event_id, stream_id, version, type, effective_on, principal, command_id, cause_id, cause_recorded_at, data"
)


class Append(NamedTuple):
    """One event to insert, as far as it is its own."""

    event_id: UUID
    stream_id: UUID
    version: int
    type: str
    effective_on: date
    data: bytes


class Tail(NamedTuple):
    """What all events of a command share."""

    principal: str
    command_id: UUID
    cause_id: UUID | None
    cause_recorded_at: datetime | None
    traceparent: str | None


class Done(NamedTuple):
    """A command with the events it appends."""

    tail: Tail
    body_hmac: bytes
    appends: Sequence[Append]


class Answer(NamedTuple):
    """A stored command: its body's HMAC and either its events or its refusal."""

    body_hmac: bytes
    event_ids: list[UUID]
    refusal: dict[str, Any] | None


def answer(raw: psycopg.Connection[Any], principal: str, command_id: UUID) -> Answer | None:
    """The stored outcome of a command, or None."""
    row = raw.execute(
        "SELECT body_hmac, event_ids, refusal FROM commands WHERE principal = %s AND command_id = %s",
        (principal, command_id),
        binary=True,
    ).fetchone()
    return None if row is None else Answer(*row)


def any_answered(raw: psycopg.Connection[Any], commands: Sequence[tuple[str, UUID]]) -> bool:
    """Whether any of the commands has a stored outcome, or is among them twice."""
    if len(set(commands)) != len(commands):
        return True
    principals, ids = [principal for principal, _ in commands], UuidArray(command_id for _, command_id in commands)
    row = raw.execute(
        "SELECT EXISTS (SELECT FROM unnest(%s::text[], %s::uuid[]) AS asked (principal, command_id)"
        " JOIN commands USING (principal, command_id))",
        (principals, ids),
    ).fetchone()
    return bool(row and row[0])


def of_streams(raw: psycopg.Connection[Any], stream_ids: list[UUID]) -> list[Event]:
    """The events of these streams, each stream in order of versions."""
    found = raw.execute(
        f"SELECT {_EVENT_COLUMNS} FROM events WHERE stream_id = ANY(%s) ORDER BY stream_id, version",
        (UuidArray(stream_ids),),
        binary=True,
    )
    return [Event(*row) for row in found]


def versions_of(raw: psycopg.Connection[Any], event_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The last version these events gave to each of their streams."""
    found = raw.execute(
        "SELECT stream_id, max(version) FROM events WHERE event_id = ANY(%s) GROUP BY stream_id",
        (UuidArray(event_ids),),
        binary=True,
    )
    return dict(found.fetchall())


def keep_refusal(
    raw: psycopg.Connection[Any], principal: str, command_id: UUID, body_hmac: bytes, refusal: str
) -> None:
    """Store a refused command. Raises UniqueViolation when the same command was stored a moment ago."""
    raw.execute(
        "INSERT INTO commands (principal, command_id, body_hmac, status, event_ids, refusal)"
        " VALUES (%s, %s, %s, 'refused', '{}', %s::jsonb)",
        (principal, command_id, body_hmac, refusal),
    )


def append(
    raw: psycopg.Connection[Any],
    tail: Tail,
    body_hmac: bytes,
    event_ids: list[UUID],
    appends: Iterable[Append],
    predecessors: Mapping[UUID, int],
) -> None:
    """Insert the command, then its events, in this order (see store.py). Wakes the sequencer on commit. Many events are
    taken from ``appends`` while the server writes those before them.

    Raises UniqueViolation (a version or the command is taken), SerializationFailure (a predecessor does not exist);
    either way the database has ended the transaction, so nothing of it can be committed by mistake.
    """
    streams, versions = UuidArray(predecessors), list(predecessors.values())
    if len(event_ids) < COPY_FROM:
        _, to, *columns = [list(column) for column in zip(*appends, strict=True)] or [[]] * len(Append._fields)
        raw.execute(
            _APPEND, (*tail, body_hmac, streams, versions, UuidArray(event_ids), UuidArray(to), *columns), binary=True
        )
        return
    raw.execute(
        "INSERT INTO commands (principal, command_id, body_hmac, status, event_ids) VALUES (%s, %s, %s, 'done', %s)",
        (tail.principal, tail.command_id, body_hmac, UuidArray(event_ids)),
    )
    raw.execute("SELECT pg_notify('appended', '')")
    if predecessors:
        raw.execute("SELECT require_versions(%s::uuid[], %s::bigint[])", (streams, versions), binary=True)
    _copy(raw, tail, appends)


def append_all(raw: psycopg.Connection[Any], done: Sequence[Done], predecessors: Mapping[UUID, int]) -> None:
    """Several commands with a few events each, as :func:`append` inserts one. Raises as that does; then nothing of any
    is there."""
    ends = list(accumulate((len(each.appends) for each in done), initial=0))
    appends = [append for each in done for append in each.appends]
    event_ids = UuidArray(each.event_id for each in appends)
    with raw.pipeline():
        raw.execute(
            _COMMANDS,
            (
                event_ids,
                TextArray(each.tail.principal for each in done),
                UuidArray(each.tail.command_id for each in done),
                BytesArray(each.body_hmac for each in done),
                [first + 1 for first in ends[:-1]],
                ends[1:],
            ),
            binary=True,
        )
        if predecessors:
            streams, versions = UuidArray(predecessors), list(predecessors.values())
            raw.execute("SELECT require_versions(%s::uuid[], %s::bigint[])", (streams, versions), binary=True)
        if appends:
            tails = [each.tail for each in done for _ in each.appends]
            raw.execute(
                _EVENTS,
                (
                    event_ids,
                    UuidArray(each.stream_id for each in appends),
                    [each.version for each in appends],
                    TextArray(each.type for each in appends),
                    [each.effective_on for each in appends],
                    BytesArray(each.data for each in appends),
                    TextArray(each.principal for each in tails),
                    UuidArray(each.command_id for each in tails),
                    [each.cause_id for each in tails],
                    [each.cause_recorded_at for each in tails],
                    [each.traceparent for each in tails],
                ),
                binary=True,
            )
        raw.execute("SELECT pg_notify('appended', '')")


_COMMANDS = (
    "INSERT INTO commands (principal, command_id, body_hmac, status, event_ids)"
    " SELECT principal, command_id, body_hmac, 'done', (%s::uuid[])[first_event : last_event]"
    " FROM unnest(%s::text[], %s::uuid[], %s::bytea[], %s::integer[], %s::integer[])"
    " AS new (principal, command_id, body_hmac, first_event, last_event)"
)
_EVENTS = (
    "INSERT INTO events (event_id, stream_id, version, type, effective_on, data,"
    " principal, command_id, cause_id, cause_recorded_at, traceparent)"
    " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::date[], %s::bytea[],"
    " %s::text[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[])"
)
_APPEND = (
    "SELECT append_events(%s::text, %s, %s::uuid, %s::timestamptz, %s::text, %s::bytea, %s::uuid[], %s::bigint[],"
    " %s::uuid[], %s::uuid[], %s::bigint[], %s::text[], %s::date[], %s::bytea[])"
)

_HEAD = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_END = b"\xff\xff"
_FIELDS = 11
_ROW = struct.Struct(">hi16si16siqi")  # field count, event id, stream id, version, length of the type's name
_DATE = struct.Struct(">iii")  # effective date, length of the data
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)
_DATE_ZERO = date(2000, 1, 1).toordinal()
_MICROSECONDS_ZERO = 946_684_800_000_000  # 2000-01-01, where PostgreSQL counts from


def _copy(raw: psycopg.Connection[Any], tail: Tail, appends: Iterable[Append]) -> None:
    with (
        raw.cursor() as cursor,
        cursor.copy(
            "COPY events (event_id, stream_id, version, type, effective_on, data,"
            " principal, command_id, cause_id, cause_recorded_at, traceparent) FROM STDIN (FORMAT binary)"
        ) as copy,
    ):
        copy.write(_HEAD)
        for chunk in _binary(tail, appends):
            copy.write(chunk)
        copy.write(_END)


def _binary(tail: Tail, appends: Iterable[Append]) -> Iterable[bytes]:
    """The rows in PostgreSQL's binary COPY format: each field is a 4-byte length and its bytes, -1 for NULL."""
    shared = b"".join(_field(value) for value in tail)
    types: dict[str, bytes] = {}
    parts: list[bytes] = []
    row, day = _ROW.pack, _DATE.pack
    for count, (event_id, stream_id, version, kind, effective_on, data) in enumerate(appends, 1):
        name = types.get(kind) or types.setdefault(kind, kind.encode())
        parts.append(row(_FIELDS, 16, event_id.bytes, 16, stream_id.bytes, 8, version, len(name)))
        parts.append(name)
        parts.append(day(4, effective_on.toordinal() - _DATE_ZERO, len(data)))
        parts.append(data)
        parts.append(shared)
        if count % _COPY_CHUNK_ROWS == 0:
            yield b"".join(parts)
            parts.clear()
    yield b"".join(parts)


def _field(value: str | UUID | datetime | None) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, UUID):
        raw = value.bytes
    elif isinstance(value, datetime):
        raw = (microseconds(value) - _MICROSECONDS_ZERO).to_bytes(8, "big", signed=True)
    else:
        raw = value.encode()
    return _LENGTH.pack(len(raw)) + raw
