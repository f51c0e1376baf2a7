"""How old each list is, and how late its agency, over HTTP; and the contracts that say when a list is due."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry.handlers import Registry
from services.registry.lists import reporting
from services.registry.lists.freshness import Contract, Holiday, canonical, content_hash, parse, stand
from services.registry.lists.list_api import AnyList
from services.registry.lists.reporting import Reported, Reporting
from services.registry.lists.submissions import AGENCIES
from services.registry.whole import whole_only
from shared.database.database import driver
from shared.kernel.clock import SHANGHAI, today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Clerk = Annotated[Viewer, Depends(require(Right.FRESHNESS_AGREE))]
Anyone = Annotated[Viewer, Depends(require(Right.FRESHNESS_READ))]


class FreshnessRow(BaseModel):
    """One agency's list: the date it is true on (数据截至), when it came; and where a contract is in force, the day for
    which the next one is due, the last day on which that is in time and the working days since. ``silent_since``: the
    first due day it was told of as silent for."""

    agency: str
    list: str
    dated: date | None
    received_at: datetime | None
    due_on: date | None = None
    due_by: date | None = None
    days_late: int | None = None
    silent_since: date | None = None
    contract_hash: str | None = None


class Freshness(BaseModel):
    """Every list that came in or has a contract."""

    as_of: date
    items: list[FreshnessRow]


class Span(BaseModel):
    """Both days inclusive."""

    model_config = ConfigDict(extra="forbid")

    first: date
    last: date


class ContractTerms(BaseModel):
    """How often a list is reported: exactly one of ``every_days``, ``weekday`` (1 = Monday) and ``day_of_month``.
    ``holidays`` are the agency's own: they lengthen the grace, and nobody is called silent on one."""

    model_config = ConfigDict(extra="forbid")

    since: date
    every_days: int | None = None
    weekday: int | None = None
    day_of_month: int | None = None
    grace_days: int = 0
    early_days: int = 0
    holidays: tuple[Span, ...] = Field(default=(), max_length=60)


class Activated(BaseModel):
    event_ids: tuple[UUID, ...]
    content_hash: str


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    contracts = Reporting(registry.store, registry.keys, registry.division)

    @routes.get("/freshness")
    def freshness(viewer: Anyone) -> Freshness:
        """How old each list is today, and how late its agency. Holds nothing of any person, so everyone may read it."""
        with registry.database.writing() as connection:
            found = reporting.reported(driver(connection))
        day = today()
        return Freshness(as_of=day, items=[_row(each, day) for each in found])

    @routes.post("/lists/{list_name}/freshness-contract")
    def activate(
        list_name: AnyList,
        body: ContractTerms,
        request: Request,
        viewer: Clerk,
        agency: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z_]+$")] = None,
    ) -> Activated:
        """Put a contract in force; the one before it ends."""
        whole_only(viewer, registry.division)
        terms = body.model_dump(exclude={"holidays"})
        contract = Contract(**terms, holidays=tuple(Holiday(each.first, each.last) for each in body.holidays))
        parse(canonical(contract))
        command = command_from(request, viewer, msgspec.json.encode(contract))
        owner = agency or AGENCIES[list_name]
        result = contracts.activate(registry.database, owner, list_name, contract, today(), command)
        return Activated(event_ids=result.event_ids, content_hash=content_hash(canonical(contract)))

    return routes


def _row(one: Reported, day: date) -> FreshnessRow:
    row = FreshnessRow(
        agency=one.agency,
        list=one.list,
        dated=one.last_dated,
        received_at=one.last_received_at,
        silent_since=one.silent_since,
        contract_hash=one.contract_hash,
    )
    if one.contract is None:
        return row
    last = None if one.last_received_at is None else one.last_received_at.astimezone(SHANGHAI).date()
    stands = stand(one.contract, last, day)
    return row.model_copy(update=stands._asdict())
