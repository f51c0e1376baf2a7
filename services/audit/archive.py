"""The archive: takes what arrives on a log's partitions, verifies every leaf anew, keeps it for ever.

A record is taken when it continues its partition's chain (``prevlogindex``). One at or below the last taken is a
repetition and must be the very event archived before; one beyond a gap is not taken: the reader goes back for what is
missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from services.audit.domain import MISSING, REWRITTEN, UNREADABLE, Alarm, leaf_alarm
from shared.eventsourcing.event import Logged
from shared.kernel.clock import SHANGHAI
from shared.messaging.codec import Envelope

_COLUMNS = (
    *("service", "log_index", "recorded_at", "source", "event_id", "stream_id", "version", "type", "effective_on"),
    *("principal", "command_id", "cause_id", "cause_recorded_at", "data", "leaf"),
)
_NAMES = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))


class Arrived(NamedTuple):
    """One record of a partition; ``envelope`` None when it could not be read, then ``problem`` says why."""

    offset: int
    envelope: Envelope | None
    problem: str = ""


class Taken(NamedTuple):
    """``gap``: something is missing before what arrived; the reader has to look for it from the beginning."""

    archived: int
    gap: bool


def position(raw: psycopg.Connection[Any], service: str, partition: int) -> tuple[int, int]:
    """(last log index, next offset) of a partition; zeros before the first record."""
    row = raw.execute(
        "SELECT last_log_index, next_offset FROM archive_partitions WHERE service = %s AND partition = %s",
        (service, partition),
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def take(raw: psycopg.Connection[Any], source: str, partition: int, arrived: Sequence[Arrived]) -> Taken:
    """Archive what continues the chain, in the caller's transaction; alarms for whatever is wrong."""
    service = source.rpartition("/")[2]
    raw.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", (source, partition))
    last, _ = position(raw, service, partition)
    fresh: list[Logged] = []
    repeated: list[Logged] = []
    alarms: list[Alarm] = []
    gap = False
    next_offset = None
    for record in arrived:
        if record.envelope is None:
            alarms.append(
                Alarm(service, UNREADABLE, 0, f"partition {partition} offset {record.offset}: {record.problem}")
            )
            continue
        logged, previous, _ = record.envelope
        if logged.log_index <= last:
            repeated.append(logged)
        elif previous == last:
            fresh.append(logged)
            last = logged.log_index
        else:
            alarms.append(Alarm(service, MISSING, previous, f"partition {partition} goes on at {logged.log_index}"))
            gap = True
            break
        next_offset = record.offset + 1
    alarms += [alarm for logged in fresh if (alarm := leaf_alarm(logged, source)) is not None]
    elsewhere = _known(raw, service, fresh)  # an index that another partition brought already
    repeated += [logged for logged in fresh if logged.log_index in elsewhere]
    alarms += _rewritten(raw, service, repeated)
    store(raw, service, [logged for logged in fresh if logged.log_index not in elsewhere])
    raise_alarms(raw, alarms)
    if next_offset is not None:
        _move(raw, service, partition, last, next_offset)
    return Taken(len(fresh), gap)


def note_head(raw: psycopg.Connection[Any], service: str, log_index: int, closed_until: datetime) -> None:
    """Keep what a relay told of its log; an older word than the last is ignored."""
    raw.execute(
        "INSERT INTO archive_heads (service, log_index, closed_until) VALUES (%s, %s, %s)"
        " ON CONFLICT (service) DO UPDATE"
        " SET log_index = excluded.log_index, closed_until = excluded.closed_until, told_at = now()"
        " WHERE archive_heads.closed_until <= excluded.closed_until",
        (service, log_index, closed_until),
    )


def raise_alarms(raw: psycopg.Connection[Any], alarms: Sequence[Alarm]) -> None:
    """Write alarms; the same one again adds nothing."""
    for alarm in alarms:
        raw.execute(
            "INSERT INTO alarms (service, kind, log_index, detail) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            tuple(alarm),
        )


def _rewritten(raw: psycopg.Connection[Any], service: str, repeated: Sequence[Logged]) -> Iterator[Alarm]:
    """A repetition that is not the archived event: somebody rewrote the topic, or the log behind it."""
    if not repeated:
        return
    known = _known(raw, service, repeated)
    for logged in repeated:
        if known.get(logged.log_index) != logged.leaf or leaf_alarm(logged, logged.source) is not None:
            yield Alarm(service, REWRITTEN, logged.log_index, "it arrived again as another event than before")


def _known(raw: psycopg.Connection[Any], service: str, events: Sequence[Logged]) -> dict[int, bytes]:
    """The archived leaves at these events' indexes, where there are any."""
    rows = raw.execute(
        "SELECT log_index, leaf FROM archive WHERE service = %s AND log_index = ANY(%s)",
        (service, [logged.log_index for logged in events]),
    )
    return {index: bytes(leaf) for index, leaf in rows}


def store(raw: psycopg.Connection[Any], service: str, fresh: Sequence[Logged]) -> None:
    """Keep events that nothing is wrong with and that are not there yet."""
    if not fresh:
        return
    with raw.cursor().copy(sql.SQL("COPY archive ({}) FROM STDIN").format(_NAMES)) as copy:
        for logged in fresh:
            event = logged.event
            copy.write_row(
                (
                    *(service, logged.log_index, logged.recorded_at, logged.source, event.event_id, event.stream_id),
                    *(event.version, event.type, event.effective_on, event.principal, event.command_id),
                    *(event.cause_id, event.cause_recorded_at, event.data, logged.leaf),
                )
            )
    _count(raw, service, fresh)


def _count(raw: psycopg.Connection[Any], service: str, fresh: Sequence[Logged]) -> None:
    """By day and type, in one order, so that two partitions never wait for each other both ways."""
    counted: dict[tuple[datetime, str], tuple[int, datetime]] = {}
    for logged in fresh:
        local = logged.recorded_at.astimezone(SHANGHAI)
        place = local.replace(hour=0, minute=0, second=0, microsecond=0), logged.event.type
        count, last = counted.get(place, (0, logged.recorded_at))
        counted[place] = count + 1, max(last, logged.recorded_at)
    rows = [(day, kind, count, last) for (day, kind), (count, last) in sorted(counted.items())]
    days, kinds, counts, lasts = (list(column) for column in zip(*rows, strict=True))
    raw.execute(
        "INSERT INTO archive_days AS kept SELECT %s, day, type, events, last_at"
        " FROM unnest(%s::timestamptz[], %s::text[], %s::bigint[], %s::timestamptz[])"
        " AS new (day, type, events, last_at)"
        " ORDER BY day, type ON CONFLICT (service, day, type) DO UPDATE"
        " SET events = kept.events + excluded.events, last_at = greatest(kept.last_at, excluded.last_at)",
        (service, days, kinds, counts, lasts),
    )


def _move(raw: psycopg.Connection[Any], service: str, partition: int, last: int, next_offset: int) -> None:
    raw.execute(
        "INSERT INTO archive_partitions VALUES (%s, %s, %s, %s) ON CONFLICT (service, partition) DO UPDATE"
        " SET last_log_index = excluded.last_log_index, next_offset = excluded.next_offset",
        (service, partition, last, next_offset),
    )
