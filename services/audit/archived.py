"""Reading the archive: how far each log is known, its events, and the alarms that stand in the way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import psycopg

from services.audit.domain import HARMLESS_TO_REPLAYS, Alarm
from shared.eventsourcing.event import Event, Logged

EVENTS = """
SELECT source, log_index, recorded_at, leaf, event_id, stream_id, version, type, effective_on, principal, command_id,
       cause_id, cause_recorded_at, data
FROM archive
"""
PAGE_EVENTS = 2_000


class Head(NamedTuple):
    """What is known of a log. ``archived``: indexes 1…archived are all here. ``closed_until`` counts only once
    everything before it is archived; None until then."""

    service: str
    log_index: int
    archived: int
    closed_until: datetime | None


def heads(raw: psycopg.Connection[Any], services: Sequence[str]) -> list[Head]:
    """What is known of each of these logs."""
    found = []
    for service in services:
        row = raw.execute(
            "SELECT h.log_index, h.closed_until, (SELECT count(*) FROM archive a WHERE a.service = %(s)s),"
            " (SELECT coalesce(max(a.log_index), 0) FROM archive a WHERE a.service = %(s)s)"
            " FROM (SELECT 1) one LEFT JOIN archive_heads h ON h.service = %(s)s",
            {"s": service},
        ).fetchone()
        assert row is not None
        told, closed_until, count, highest = row[0] or 0, row[1], row[2], row[3]
        archived = highest if count == highest else _gapless(raw, service)
        found.append(Head(service, max(told, highest), archived, closed_until if archived >= told else None))
    return found


def log_page(raw: psycopg.Connection[Any], service: str, after: int, until: int) -> list[Logged]:
    """The next events of one log behind ``after``, at most PAGE_EVENTS and none beyond ``until``."""
    rows = raw.execute(
        EVENTS + "WHERE service = %s AND log_index > %s AND log_index <= %s ORDER BY log_index LIMIT %s",
        (service, after, until, PAGE_EVENTS),
    )
    return [logged_of(row) for row in rows]


def logged_of(row: tuple[Any, ...]) -> Logged:
    """A row of ``EVENTS`` as the event it was."""
    source, log_index, recorded_at, leaf, *attributes = row
    event = Event(*attributes)
    cause_at = event.cause_recorded_at
    event = event._replace(cause_recorded_at=None if cause_at is None else cause_at.astimezone(UTC))
    return Logged(source, log_index, recorded_at.astimezone(UTC), bytes(leaf), event._replace(data=bytes(event.data)))


def index_known_at(raw: psycopg.Connection[Any], service: str, moment: datetime) -> int:
    """The last index recorded at or before ``moment``, 0 when there is none."""
    row = raw.execute(
        "SELECT coalesce(max(log_index), 0) FROM archive WHERE service = %s AND recorded_at <= %s", (service, moment)
    ).fetchone()
    assert row is not None
    return int(row[0])


def moment_of(raw: psycopg.Connection[Any], service: str, log_index: int) -> datetime | None:
    """When that event was recorded; None when the archive does not have it."""
    row = raw.execute(
        "SELECT recorded_at FROM archive WHERE service = %s AND log_index = %s", (service, log_index)
    ).fetchone()
    return None if row is None else row[0]


def alarms_within(raw: psycopg.Connection[Any], upto: dict[str, int]) -> list[Alarm]:
    """Alarms about events up to these indexes that replays rest on."""
    rows = raw.execute(
        "SELECT service, kind, log_index, detail FROM alarms WHERE service = ANY(%s) AND kind <> ALL(%s) ORDER BY id",
        (list(upto), list(HARMLESS_TO_REPLAYS)),
    )
    return [Alarm(*row) for row in rows if row[2] <= upto[row[0]]]


def _gapless(raw: psycopg.Connection[Any], service: str) -> int:
    """The last index before the first one that is missing."""
    row = raw.execute(
        "SELECT coalesce(max(log_index), 0) FROM (SELECT log_index, row_number() OVER (ORDER BY log_index) AS place"
        " FROM archive WHERE service = %s) AS numbered WHERE log_index = place",
        (service,),
    ).fetchone()
    assert row is not None
    return int(row[0])
