"""How old the lists are that a roster rests on: the date of each agency's newest one that was true by the day; and how
old they were when a decision was made, by what was recorded up to then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import Connection, func, select

from services.matching.tables import ALWAYS, LIST_DATES
from services.registry.events import ListSubmissionReceived, ListSubmissionWithdrawn
from shared.eventsourcing.projection import Assertion, Recorded

_L = LIST_DATES.c


class ListDate(BaseModel):
    """A list is as of ``dated`` (数据截至) and came in at ``received_at``."""

    list: str
    agency: str
    dated: date
    received_at: datetime


def list_received(event: Recorded) -> Iterable[Assertion]:
    fact: ListSubmissionReceived = event.fact
    values = {
        "list": fact.list,
        "agency": fact.agency,
        "dated": event.effective_on,
        "received_at": event.recorded_at,
        "counts": True,
    }
    yield Assertion(LIST_DATES, event.stream_id, ALWAYS, values)


def list_withdrawn(event: Recorded) -> Iterable[Assertion]:
    fact: ListSubmissionWithdrawn = event.fact
    values = {"list": fact.list, "agency": fact.agency, "counts": False, "withdrawn_at": event.recorded_at}
    yield Assertion(LIST_DATES, event.stream_id, ALWAYS, values)


def list_dates(connection: Connection, true_on: date) -> list[ListDate]:
    """One per list and agency, by list."""
    found = connection.execute(
        select(_L.list, _L.agency, func.max(_L.dated).label("dated"), func.max(_L.received_at).label("received_at"))
        .where(_L.counts, _L.dated <= true_on)
        .group_by(_L.list, _L.agency)
        .order_by(_L.list, _L.agency)
    )
    return [ListDate(list=r.list, agency=r.agency, dated=r.dated, received_at=r.received_at) for r in found]


class Told(NamedTuple):
    """A list true as of ``dated``, known from ``received_at`` until it was withdrawn."""

    dated: date
    received_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class ListsKnown:
    """What came in when, by list and agency."""

    told: Mapping[tuple[str, str], Sequence[Told]]

    def newest(self, list_name: str, agency: str, at: datetime) -> date | None:
        """The date of the agency's newest list that was on record at that moment and not withdrawn by then."""
        known = (
            each.dated
            for each in self.told.get((list_name, agency), ())
            if each.received_at <= at and (each.withdrawn_at is None or each.withdrawn_at > at)
        )
        return max(known, default=None)


def lists_known(connection: Connection) -> ListsKnown:
    """Every list that came in: of those with the same date the first, which is a row a day at the most."""
    first = func.min(_L.received_at).label("received_at")
    rows = connection.execute(
        select(_L.list, _L.agency, _L.dated, _L.withdrawn_at, first)
        .where(_L.dated.is_not(None))
        .group_by(_L.list, _L.agency, _L.dated, _L.withdrawn_at)
    )
    told: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    for row in rows:
        told[row.list, row.agency].append(Told(row.dated, row.received_at, row.withdrawn_at))
    return ListsKnown(told)
