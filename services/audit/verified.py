"""The archived events of a log, each checked once more on its way out, and only those opened that somebody folds.

An event of a type that a projection folds is read, and its leaf computed here, in Python, from the very bytes that the
event is then made of. One of another type goes nowhere: PostgreSQL computes its leaf where it lies, as the sequencer
does. Either way an index that is missing, or an event that is not the one its leaf names, ends the reading.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from services.audit.domain import MISSING, WRONG_LEAF
from services.audit.errors import ArchiveDoubtful
from shared.eventsourcing.event import DATA_CONTENT_TYPE, Event, Logged, from_microseconds
from shared.transparency.nodes import hashes_of
from shared.transparency.tree import Tree

PAGE_EVENTS = 20_000

_ABSENT = b"\xff\xff\xff\xff"
_UUID_LENGTH = (36).to_bytes(4, "big")
_2000_MICROSECONDS = 946_684_800_000_000  # 2000-01-01, where PostgreSQL counts from
_2000_DAYS = date(2000, 1, 1).toordinal()
_HEADER_BYTES = 19  # of PostgreSQL's binary COPY, before the first row
# Field count; then each behind its length: log index, moment, three ids, version, day, cause (id and moment, each with
# whether there is one).
_FIXED = struct.Struct(">2x4xq4xq4x16s4x16s4x16s4xq4xi4x?4x16s4x?4xq")
_LENGTH = struct.Struct(">i")

_READ = """
COPY (
    SELECT log_index, recorded_at, event_id, stream_id, command_id, version, effective_on,
           cause_id IS NOT NULL, coalesce(cause_id, '00000000-0000-0000-0000-000000000000'),
           cause_recorded_at IS NOT NULL, coalesce(cause_recorded_at, '2000-01-01T00:00:00Z'),
           type, principal, source, leaf, data
    FROM archive WHERE service = {service} AND log_index > {after} AND log_index <= {until} AND type = ANY({types})
    ORDER BY log_index
) TO STDOUT (FORMAT binary)
"""


def _field(text: str) -> str:
    """A listed attribute with its length, or its absence, as bytes of SQL."""
    raw = f"convert_to({text}, 'UTF8')"
    return f"coalesce(int4send(length({raw})) || {raw}, '\\xffffffff'::bytea)"


_LEAF = " || ".join(
    [
        "'\\x00'::bytea",
        *map(
            _field,
            (
                *("'1.0'", "source", "event_id::text", "type", "stream_id::text", "version::text"),
                *("to_char(effective_on, 'YYYY-MM-DD')", "principal", "command_id::text", "cause_id::text"),
                "(extract(epoch FROM cause_recorded_at) * 1000000)::bigint::text",
                *(f"'{DATA_CONTENT_TYPE}'", "log_index::text"),
                "(extract(epoch FROM recorded_at) * 1000000)::bigint::text",
            ),
        ),
        "data",
    ]
)
_CHECK = f"""
SELECT count(*), min(log_index) FILTER (WHERE type <> ALL(%s) AND sha256({_LEAF}) IS DISTINCT FROM leaf),
       string_agg(leaf, ''::bytea ORDER BY log_index)
FROM archive WHERE service = %s AND log_index > %s AND log_index <= %s
"""
_FIRST_MISSING = """
SELECT coalesce(min(place) FILTER (WHERE log_index <> place), %s + count(*) + 1) FROM (
    SELECT log_index, %s + row_number() OVER (ORDER BY log_index) AS place
    FROM archive WHERE service = %s AND log_index > %s AND log_index <= %s
) AS numbered
"""


def verified_events(
    raw: psycopg.Connection[Any],
    upto: Mapping[str, int],
    types: Iterable[str],
    after: Mapping[str, int] | None = None,
    trees: Mapping[str, Tree] | None = None,
) -> Iterator[Logged]:
    """The events of these types, log by log in its order, behind the index in ``after`` (default: from the first) up to
    and including the one in ``upto``; every event between is verified, whatever its type. ``trees``: service → the tree
    over what goes before, which grows by every leaf. Raises ArchiveDoubtful."""
    wanted = sorted(types)
    for service, last in upto.items():
        first = 0 if after is None else after.get(service, 0)
        for begin in range(first, last, PAGE_EVENTS):
            end = min(begin + PAGE_EVENTS, last)
            leaves = _check(raw, service, begin, end, wanted)
            if trees is not None:
                trees[service].extend(leaves)
            yield from _read(raw, service, begin, end, wanted)


def doubtful(service: str, log_index: int, kind: str) -> ArchiveDoubtful:
    """The refusal that names the event no replay may rest on."""
    return ArchiveDoubtful(
        "存档中有未通过校验的记录,不能据此回放",
        "the archive holds an event that does not verify; nothing is replayed on it",
        service=service,
        log_index=log_index,
        kind=kind,
    )


def _check(raw: psycopg.Connection[Any], service: str, after: int, until: int, types: list[str]) -> list[bytes]:
    """The leaves of these events; those of other types than ``types`` are what they should be."""
    row = raw.execute(_CHECK, (types, service, after, until), binary=True).fetchone()
    assert row is not None
    if row[0] != until - after:
        missing = raw.execute(_FIRST_MISSING, (after, after, service, after, until)).fetchone()
        assert missing is not None
        raise doubtful(service, missing[0], MISSING)
    if row[1] is not None:
        raise doubtful(service, row[1], WRONG_LEAF)
    return hashes_of((row[2],))


def _read(raw: psycopg.Connection[Any], service: str, after: int, until: int, types: list[str]) -> Iterator[Logged]:
    statement = sql.SQL(_READ).format(
        service=sql.Literal(service), after=sql.Literal(after), until=sql.Literal(until), types=sql.Literal(types)
    )
    found: list[Logged] = []  # read to the end first: whoever folds needs the connection
    with raw.cursor().copy(statement) as copy:
        start = _HEADER_BYTES
        while len(row := _next(raw, copy)) - start > _LENGTH.size:
            found.append(_logged(row, start, service))
            start = 0
        if row:  # that was the trailer; psycopg itself reads the end behind it
            copy.read()
    yield from found


def _next(raw: psycopg.Connection[Any], copy: psycopg.Copy) -> bytes:
    """The next row of a COPY. What libpq holds already is taken from it straight: psycopg's way to a row costs as much
    as everything else that is done with it."""
    size, row = raw.pgconn.get_copy_data(1)
    return bytes(row) if size > 0 else bytes(copy.read())


def _logged(row: bytes, start: int, service: str) -> Logged:
    """One row of ``_READ``. Raises ArchiveDoubtful when its leaf is not the hash of exactly this."""
    fixed = _FIXED.unpack_from(row, start)
    log_index, moment, event_id, stream_id, command_id, version, day = fixed[:7]
    has_cause, cause_id, has_cause_at, cause_at = fixed[7:]
    offset = start + _FIXED.size
    texts = []
    for _ in range(4):
        begin = offset + _LENGTH.size
        offset = begin + _LENGTH.unpack_from(row, offset)[0]
        texts.append(row[begin:offset])
    kind, principal, source, leaf = texts
    data = row[offset + _LENGTH.size :]
    recorded = moment + _2000_MICROSECONDS
    effective_on, effective_text = _day(day)
    parts = (
        *(_opening(source), _UUID_LENGTH, _spelt(event_id), _with_length(kind), _UUID_LENGTH, _spelt(stream_id)),
        *(_number(version), effective_text, _with_length(principal), _UUID_LENGTH, _spelt(command_id)),
        _UUID_LENGTH + _spelt(cause_id) if has_cause else _ABSENT,
        _number(cause_at + _2000_MICROSECONDS) if has_cause_at else _ABSENT,
        *(_CONTENT_TYPE, _number(log_index), _number(recorded), data),
    )
    if hashlib.sha256(b"".join(parts)).digest() != leaf:
        raise doubtful(service, log_index, WRONG_LEAF)
    event = Event(
        _uuid(event_id),
        _uuid(stream_id),
        version,
        _text(kind),
        effective_on,
        _text(principal),
        _uuid(command_id),
        _uuid(cause_id) if has_cause else None,
        from_microseconds(cause_at + _2000_MICROSECONDS) if has_cause_at else None,
        data,
    )
    return Logged(_text(source), log_index, from_microseconds(recorded), leaf, event)


def _spelt(raw: bytes) -> bytes:
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}".encode()


def _number(value: int) -> bytes:
    digits = b"%d" % value
    return _LENGTH.pack(len(digits)) + digits


def _uuid(raw: bytes) -> UUID:
    return UUID(int=int.from_bytes(raw, "big"))


@lru_cache(4_096)
def _with_length(text: bytes) -> bytes:
    return _LENGTH.pack(len(text)) + text


@lru_cache(64)
def _opening(source: bytes) -> bytes:
    return b"\x00" + _with_length(b"1.0") + _with_length(source)


@lru_cache(4_096)
def _text(raw: bytes) -> str:
    return raw.decode()


@lru_cache(16_384)
def _day(days: int) -> tuple[date, bytes]:
    day = date.fromordinal(days + _2000_DAYS)
    return day, _with_length(day.isoformat().encode())


_CONTENT_TYPE = _with_length(DATA_CONTENT_TYPE.encode())
