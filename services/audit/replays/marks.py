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
PAYMENT_DAYS = 12
PAID = "disbursement.AidDisbursed.v1"
Unit = Literal["second", "minute", "hour", "day", "week", "month"]
UNITS: tuple[Unit, ...] = ("second", "minute", "hour", "day", "week", "month")
SCANNED_MOST = 100_000  # events between the two ends that are counted second by second; about a quarter of a second
_ONE_SECOND = timedelta(seconds=1)
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)  # before any log


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
    its logs are complete: second by second where few events lie in between, or no more than a day, else from the
    counts by day."""
    complete = complete_until(archived.heads(raw, projection.logs))
    if complete is None:
        return Marks(None, UNITS[0], [])
    complete = complete.replace(microsecond=0)
    last_second = min(complete, until or complete)
    asked = {
        "logs": list(projection.logs),
        "types": list(projection.by_type),
        "since": since or _BEGINNING,
        "until": last_second,
    }
    between = (
        "day < %(until)s AND day >= date_trunc('day', %(since)s::timestamptz, 'Asia/Shanghai') AND last_at >= %(since)s"
    )
    statement = f"SELECT coalesce(sum(events), 0), count(DISTINCT day) FROM archive_days WHERE {between}"
    row = raw.execute(statement.encode(), asked).fetchone()
    assert row is not None
    if row[0] <= SCANNED_MOST or row[1] <= 1:
        unit, found = gathered(_seconds(raw, asked))
        return Marks(complete, unit, found)
    rows = raw.execute(
        f"SELECT max(last_at), sum(events) FROM archive_days WHERE {between} AND service = ANY(%(logs)s)"
        " AND type = ANY(%(types)s) GROUP BY day ORDER BY day".encode(),
        asked,
    )
    days = [Mark(min(_after(last), last_second), int(count)) for last, count in rows]
    unit, found = gathered(days, UNITS.index("day"))
    return Marks(complete, unit, found)


def _seconds(raw: psycopg.Connection[Any], asked: dict[str, Any]) -> list[Mark]:
    rows = raw.execute(
        "SELECT date_trunc('second', recorded_at) AS second, count(*) FROM archive WHERE recorded_at >= %(since)s"
        " AND recorded_at < %(until)s AND service = ANY(%(logs)s) AND type = ANY(%(types)s) GROUP BY 1 ORDER BY 1",
        asked,
    )
    return [Mark(_after(second), count) for second, count in rows]


def _after(moment: datetime) -> datetime:
    """The next full second, UTC."""
    return moment.astimezone(UTC).replace(microsecond=0) + _ONE_SECOND


def gathered(seconds: Sequence[Mark], shortest: int = 0, most: int = MARKS_MOST) -> tuple[Unit, list[Mark]]:
    """The marks in the shortest unit, from ``UNITS[shortest]`` on, of which there are at most ``most`` (months: however
    many), each at the last second of its events."""
    found: list[Mark] = []
    for unit in UNITS[shortest:]:
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
    last = f"SELECT max(effective_on) FROM archive WHERE type = '{PAID}'"
    rows = raw.execute(
        f"WITH RECURSIVE paid (day) AS (({last}) UNION ALL SELECT ({last} AND effective_on < paid.day) FROM paid"
        f" WHERE day IS NOT NULL) SELECT day FROM paid WHERE day IS NOT NULL LIMIT {PAYMENT_DAYS}".encode()
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
