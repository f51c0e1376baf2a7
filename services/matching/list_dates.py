"""How old the lists are that a roster rests on: the date of each agency's newest one that was true by the day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

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
    yield Assertion(LIST_DATES, event.stream_id, ALWAYS, {"list": fact.list, "agency": fact.agency, "counts": False})


def list_dates(connection: Connection, true_on: date) -> list[ListDate]:
    """One per list and agency, by list."""
    found = connection.execute(
        select(_L.list, _L.agency, func.max(_L.dated).label("dated"), func.max(_L.received_at).label("received_at"))
        .where(_L.counts, _L.dated <= true_on)
        .group_by(_L.list, _L.agency)
        .order_by(_L.list, _L.agency)
    )
    return [ListDate(list=r.list, agency=r.agency, dated=r.dated, received_at=r.received_at) for r in found]
