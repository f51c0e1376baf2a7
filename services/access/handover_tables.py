"""Read-model tables of hand-overs, and how their facts become rows. Nothing here names anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.access.handover_events import (
    HandoverClosed,
    HandoverItemsListed,
    HandoverOpened,
    HandoverSigned,
    ListedItem,
)
from services.access.tables import ALWAYS
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id

_ITEMS = b"items of a hand-over"  # no secret: it names rows of this view

# One row per hand-over. ``state``: opened, listed, handed_over, withdrawn.
HANDOVERS = PeriodTable(
    "handovers",
    "access",
    [
        Column("post_id", Uuid),
        Column("kind", Text),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("school_class", Text),
        Column("agency_code", Text),
        Column("predecessor", Uuid),
        Column("successor", Uuid),
        Column("reason", Text),
        Column("opened_by", Text),
        Column("opened_at", DateTime(timezone=True)),
        Column("by_holder", Boolean),
        Column("at_once", Boolean),
        Column("state", Text),
        Column("listed_at", DateTime(timezone=True)),
        Column("items_hash", Text),
        Column("counts", JSONB),
        Column("total", Integer),
        Column("predecessor_signed_at", DateTime(timezone=True)),
        Column("predecessor_signed_by", Text),
        Column("absent_reason", Text),
        Column("successor_signed_at", DateTime(timezone=True)),
        Column("administrator_signed_at", DateTime(timezone=True)),
        Column("administrator_signed_by", Text),
        Column("closed_at", DateTime(timezone=True)),
        Column("closed_reason", Text),
    ],
    indexes=[Index("handovers_by_post", "post_id")],
)

# One row per item. ``change``: listed, added since, gone since.
HANDOVER_ITEMS = PeriodTable(
    "handover_items",
    "access",
    [
        Column("handover_id", Uuid),
        Column("kind", Text),
        Column("item_id", Uuid),
        Column("about", Text),
        Column("path", Text),
        Column("since", Date),
        Column("due", Date),
        Column("count", Integer),
        Column("mine", Boolean),
        Column("change", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("handover_items_by_handover", "handover_id", "kind", "item_id")],
)
_LATER: Mapping[str, Any] = dict.fromkeys(
    (
        "listed_at", "items_hash", "predecessor_signed_at", "predecessor_signed_by", "absent_reason",
        "successor_signed_at", "administrator_signed_at", "administrator_signed_by", "closed_at", "closed_reason",
    )
)  # fmt: skip


def opened(event: Recorded) -> Iterable[Assertion]:
    fact: HandoverOpened = event.fact
    names = (
        "post_id", "kind", "division_code", "school_code", "school_class", "predecessor", "successor", "reason",
        "by_holder", "at_once",
    )  # fmt: skip
    values = {name: getattr(fact, name) for name in names} | {
        "agency_code": fact.agency,
        "opened_by": fact.by,
        "opened_at": event.recorded_at,
        "state": "opened",
        "counts": {},
        "total": 0,
    }
    yield Assertion(HANDOVERS, event.stream_id, ALWAYS, {**_LATER, **values})


def listed(event: Recorded) -> Iterable[Assertion]:
    fact: HandoverItemsListed = event.fact
    values = {name: getattr(fact, name) for name in ("items_hash", "counts", "total")}
    yield Assertion(HANDOVERS, event.stream_id, ALWAYS, values | {"state": "listed", "listed_at": event.recorded_at})
    for item in fact.items:
        yield _item(event, item, "listed")


def signed(event: Recorded) -> Iterable[Assertion]:
    fact: HandoverSigned = event.fact
    values: dict[str, Any] = {f"{fact.role}_signed_at": event.recorded_at}
    if fact.role != "successor":
        values[f"{fact.role}_signed_by"] = fact.by
    if fact.role == "predecessor":
        values["absent_reason"] = fact.reason or None
    yield Assertion(HANDOVERS, event.stream_id, ALWAYS, values)


def closed(event: Recorded) -> Iterable[Assertion]:
    fact: HandoverClosed = event.fact
    values = {"state": fact.outcome, "closed_at": event.recorded_at, "closed_reason": fact.reason or None}
    yield Assertion(HANDOVERS, event.stream_id, ALWAYS, values)
    for change, items in (("added", fact.added), ("gone", fact.gone)):
        for item in items:
            yield _item(event, item, change)


def _item(event: Recorded, item: ListedItem, change: str) -> Assertion:
    fact = event.fact
    names = ("kind", "item_id", "about", "path", "since", "due", "count", "mine")
    values = {name: getattr(item, name) for name in names} | {
        "handover_id": event.stream_id,
        "change": change,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    return Assertion(HANDOVER_ITEMS, row_of(event.stream_id, item.kind, item.item_id), ALWAYS, values)


def row_of(handover_id: UUID, kind: str, item_id: UUID) -> UUID:
    """The row of an item in a hand-over."""
    return keyed_id(_ITEMS, str(handover_id), kind, str(item_id))


HANDOVER_FOLDS: Mapping[type[Fact], Fold] = {
    HandoverOpened: opened,
    HandoverItemsListed: listed,
    HandoverSigned: signed,
    HandoverClosed: closed,
}
