"""At which moments something was recorded that a view rests on: the marks of a time slider, and the days of payment.

A mark is the full second after its last event, so that a person can type it; many events fall together into one mark
of a longer unit when a slider could not tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import psycopg

from services.audit import archived
from services.audit.replays.moments import complete_until
from shared.eventsourcing.projection import Projection
from shared.kernel.clock import SHANGHAI

MARKS_MOST = 200  # what a slider across a page still tells apart
PAYMENT_DAYS = 40
PAID = "disbursement.AidDisbursed.v1"
Unit = Literal["second", "minute", "hour", "day", "week", "month"]
UNITS: tuple[Unit, ...] = ("second", "minute", "hour", "day", "week", "month")
_ONE_SECOND = timedelta(seconds=1)


class Mark(NamedTuple):
    """Known at ``at`` (UTC): ``events`` more than at the mark before."""

    at: datetime
    events: int


class Marks(NamedTuple):
    """``until``: the last full second that is complete in every log (None: not yet). ``unit``: what lies within one is
    one mark."""

    until: datetime | None
    unit: Unit
    marks: list[Mark]


def marks_of(
    raw: psycopg.Connection[Any],
    projection: Projection,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Marks:
    """The marks of what ``projection`` folds, recorded from ``since`` on and before ``until`` (UTC) or as far as all
    its logs are complete. Reads the events' moments once, by their index."""
    complete = complete_until(archived.heads(raw, projection.logs))
    if complete is None:
        return Marks(None, UNITS[0], [])
    complete = complete.replace(microsecond=0)
    rows = raw.execute(
        "SELECT date_trunc('second', recorded_at), count(*) FROM archive WHERE service = ANY(%(logs)s)"
        " AND type = ANY(%(types)s) AND recorded_at < %(until)s"
        " AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s) GROUP BY 1 ORDER BY 1",
        {
            "logs": list(projection.logs),
            "types": list(projection.by_type),
            "since": since,
            "until": min(complete, until or complete),
        },
    )
    seconds = [Mark(second.astimezone(UTC) + _ONE_SECOND, count) for second, count in rows]
    unit, found = gathered(seconds)
    return Marks(complete, unit, found)


def gathered(seconds: Sequence[Mark], most: int = MARKS_MOST) -> tuple[Unit, list[Mark]]:
    """The marks in the shortest unit of which there are at most ``most`` (months: however many), each at the last
    second of its events."""
    found: list[Mark] = []
    for unit in UNITS:
        found = []
        last: tuple[int, ...] | None = None
        for each in seconds:
            place = _place(each.at - _ONE_SECOND, unit)
            if place == last:
                found[-1] = Mark(each.at, found[-1].events + each.events)
            else:
                found.append(each)
            last = place
        if len(found) <= most:
            return unit, found
    return UNITS[-1], found


def payment_days(raw: psycopg.Connection[Any]) -> list[date]:
    """The last days on which aid was paid, latest first."""
    rows = raw.execute(
        "SELECT DISTINCT effective_on FROM archive WHERE service = 'disbursement' AND type = %s"
        " ORDER BY effective_on DESC LIMIT %s",
        (PAID, PAYMENT_DAYS),
    )
    return [row[0] for row in rows]


def _place(moment: datetime, unit: Unit) -> tuple[int, ...]:
    """Which second, minute … of Shanghai a moment lies in."""
    local = moment.astimezone(SHANGHAI)
    match unit:
        case "week":
            return local.isocalendar()[:2]
        case "month":
            return (local.year, local.month)
        case _:
            parts = (local.year, local.month, local.day, local.hour, local.minute, local.second)
            return parts[: {"day": 3, "hour": 4, "minute": 5, "second": 6}[unit]]
