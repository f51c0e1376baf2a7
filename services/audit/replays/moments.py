"""Which events count at a moment: T, or an index of one log, resolved to one index per service (a consistent cut)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import psycopg

from services.audit import archived
from services.audit.archived import Head
from services.audit.errors import BeforeFirstEvent, NoSuchIndex, NotYetClosed, TrueOnAfterKnownAt
from services.audit.verified import doubtful
from shared.kernel.clock import SHANGHAI


class Cut(NamedTuple):
    """What was known at ``known_at`` (UTC): of each log the events up to its index in ``upto``."""

    known_at: datetime
    upto: dict[str, int]


def cut(
    raw: psycopg.Connection[Any],
    logs: Sequence[str],
    known_at: datetime | None,
    at_index: tuple[str, int] | None = None,
) -> Cut:
    """The cut through these logs at ``known_at``, or when the event ``at_index`` (service, index) was recorded, or else
    at the latest moment that is complete.

    Raises NotYetClosed, NoSuchIndex, BeforeFirstEvent, ArchiveDoubtful.
    """
    moment = _moment(raw, logs, known_at, at_index)
    upto = {service: archived.index_known_at(raw, service, moment) for service in logs}
    if not any(upto.values()):
        raise BeforeFirstEvent("该时刻之前没有任何记录", "nothing was recorded by then", known_at=moment.isoformat())
    doubts = archived.alarms_within(raw, upto)
    if doubts:
        raise doubtful(doubts[0].service, doubts[0].log_index, doubts[0].kind)
    return Cut(moment, upto)


def day_of(known_at: datetime) -> date:
    """The day of a moment, in Asia/Shanghai."""
    return known_at.astimezone(SHANGHAI).date()


def day_asked(true_on: date | None, known_at: datetime) -> date:
    """The day the rows are to be true on: as asked, else the day of the moment. Raises TrueOnAfterKnownAt."""
    last = day_of(known_at)
    if true_on is not None and true_on > last:
        raise TrueOnAfterKnownAt(
            "查看日期晚于所知时刻:那一天当时还没有到来",
            "the day lies after the moment: nobody could know yet what would be true then",
            true_on=true_on.isoformat(),
            latest=last.isoformat(),
        )
    return true_on or last


def _moment(
    raw: psycopg.Connection[Any], logs: Sequence[str], known_at: datetime | None, at_index: tuple[str, int] | None
) -> datetime:
    complete = complete_until(archived.heads(raw, logs))
    if at_index is not None:
        found = archived.moment_of(raw, *at_index)
        if found is None:
            raise NoSuchIndex("没有这个记录序号", "the log has no such index", service=at_index[0])
        asked = found.astimezone(UTC)
    else:
        asked = known_at or complete or datetime.max.replace(tzinfo=UTC)
    if complete is None or asked > complete:
        told = None if complete is None else complete.isoformat()
        raise NotYetClosed(
            "该时刻的数据尚未收齐,请选择更早的时刻",
            "what was known then is not complete yet; ask for an earlier moment",
            complete_until=told,
        )
    return asked


def complete_until(heads: list[Head]) -> datetime | None:
    """The moment up to which all these logs are archived; None while one of them is behind its own word."""
    closed = [head.closed_until for head in heads]
    known = [each for each in closed if each is not None]
    return min(known).astimezone(UTC) if len(known) == len(closed) else None
