"""Hand-overs as people see them: who administers the post within row-level security, its two parties by being one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Select, and_, or_, select

from services.access.handover_events import ListedItem
from services.access.handover_tables import HANDOVER_ITEMS, HANDOVERS
from services.access.projections import NAME
from services.access.tables import ACCOUNTS, POSTS, SCHOOLS
from shared.database.database import Database, driver
from shared.messaging.builds import enter_live
from shared.standards.posts import Kind as PostKind
from shared.web.pages import PageTurn


class HandoverRow(BaseModel):
    """One hand-over. ``state``: opened, listed, handed_over, withdrawn; ``counts``: items by kind; ``out``: the
    predecessor no longer holds the post. Names None: of an account beyond one's place, or erased."""

    handover_id: UUID
    post_id: UUID
    kind: PostKind
    division_code: str
    school_code: str | None
    school_name: str | None
    school_class: str | None
    agency: str | None
    predecessor: UUID
    predecessor_name: str | None
    successor: UUID
    successor_name: str | None
    reason: str
    opened_by: str
    opened_at: datetime
    by_holder: bool
    at_once: bool
    state: str
    out: bool
    listed_at: datetime | None
    items_hash: str | None
    counts: dict[str, int]
    total: int
    predecessor_signed_at: datetime | None
    predecessor_signed_by: str | None
    absent_reason: str | None
    successor_signed_at: datetime | None
    administrator_signed_at: datetime | None
    closed_at: datetime | None
    closed_reason: str | None


class ItemRow(BaseModel):
    """One item as it was told. ``change``: listed, or since then added or gone; ``mine``: bound to the predecessor."""

    kind: str
    item_id: UUID
    about: str
    path: str
    since: date | None
    due: date | None
    count: int
    mine: bool
    change: str


_H, _I, _P = HANDOVERS.c, HANDOVER_ITEMS.c, POSTS.c
_BEFORE, _AFTER = ACCOUNTS.table.alias("before"), ACCOUNTS.table.alias("after")
_PLAIN = (
    "post_id", "kind", "division_code", "school_code", "school_class", "predecessor", "successor", "reason",
    "opened_by", "opened_at", "by_holder", "at_once", "state", "listed_at", "items_hash", "counts", "total",
    "predecessor_signed_at", "predecessor_signed_by", "absent_reason", "successor_signed_at",
    "administrator_signed_at", "closed_at", "closed_reason",
)  # fmt: skip


@contextmanager
def everything(database: Database) -> Iterator[Connection]:
    """The live view as the worker, for a party to a hand-over: a teacher's scope is her class and not her post's own
    hand-over. Whoever uses it names the account or the hand-over it may show."""
    with database.working() as connection:
        enter_live(driver(connection), NAME)
        yield connection


def handovers(
    connection: Connection, day: date, turn: PageTurn, *, one: UUID | None = None, account: UUID | None = None
) -> list[HandoverRow]:
    """By id; ``account``: only those it is a party to."""
    statement = _rows(day)
    if one is not None:
        statement = statement.where(_H.entity == one)
    if account is not None:
        statement = statement.where(or_(_H.predecessor == account, _H.successor == account))
    if turn.after is not None:
        statement = statement.where(turn.beyond(_H.entity))
    found = connection.execute(statement.order_by(_H.entity).limit(turn.fetch)).mappings()
    return [HandoverRow.model_validate({**row, "out": row["holder"] != row["predecessor"]}) for row in found]


def items(connection: Connection, handover_id: UUID, turn: PageTurn) -> list[ItemRow]:
    """The list by kind and id, with what was added or went until the end."""
    names = ("kind", "item_id", "about", "path", "since", "due", "count", "mine", "change")
    statement = select(*(_I[name] for name in names)).where(_I.handover_id == handover_id)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_I.kind, _I.item_id))
    found = connection.execute(statement.order_by(_I.kind, _I.item_id).limit(turn.fetch)).mappings()
    return [ItemRow.model_validate(dict(row)) for row in found]


def told(item: ListedItem, change: str) -> ItemRow:
    """An item that is not in the view yet."""
    names = ("kind", "item_id", "about", "path", "since", "due", "count", "mine")
    return ItemRow(**{name: getattr(item, name) for name in names}, change=change)


def _rows(day: date) -> Select[Any]:
    before, after = _BEFORE.c, _AFTER.c
    columns = (
        _H.entity.label("handover_id"),
        *(_H[name] for name in _PLAIN),
        _H.agency_code.label("agency"),
        before.name.label("predecessor_name"),
        after.name.label("successor_name"),
        SCHOOLS.c.name.label("school_name"),
        _P.holder,
    )
    tables = (
        HANDOVERS.table.outerjoin(POSTS.table, and_(_P.entity == _H.post_id, POSTS.holds_on(day)))
        .outerjoin(_BEFORE, and_(before.entity == _H.predecessor, before.valid_from <= day, before.valid_to > day))
        .outerjoin(_AFTER, and_(after.entity == _H.successor, after.valid_from <= day, after.valid_to > day))
        .outerjoin(SCHOOLS.table, and_(SCHOOLS.c.code == _H.school_code, SCHOOLS.holds_on(day)))
    )
    return select(*columns).select_from(tables)
