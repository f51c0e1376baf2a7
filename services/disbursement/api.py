"""Entitlements and payments over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.disbursement import handlers, queries
from services.disbursement.commands import DisburseAid
from services.disbursement.queries import EntitlementRow, PaymentRow, State, Totals
from services.disbursement.streams import Streams
from shared.database.database import Database
from shared.eventsourcing.store import EventStore
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.entity_tags import set_entity_tag
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

VIEW = "payments"
Reader = Annotated[Viewer, Depends(require(Right.AID_READ))]
Counter = Annotated[Viewer, Depends(require(Right.AID_COUNT))]
Cashier = Annotated[Viewer, Depends(require(Right.PAYMENTS_SEND))]
Turn = Annotated[PageTurn, Depends(page_turn)]
SchoolCode = Annotated[str | None, Query(max_length=64)]
TermName = Annotated[str | None, Query(max_length=32)]


class Disburse(BaseModel):
    """``paid_on``: the day the bank paid. ``reference``: its or the clerk's own number; nothing personal."""

    model_config = ConfigDict(extra="forbid")

    paid_on: date
    reference: str = Field(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z._/\-]+$")


class Disbursed(BaseModel):
    """The same answer however often the command is repeated."""

    entitlement_id: UUID
    event_id: UUID
    version: int


def router(database: Database, store: EventStore, streams: Streams) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/entitlements")
    def entitlements(
        viewer: Reader,
        turn: Turn,
        school: SchoolCode = None,
        term: TermName = None,
        state: State | None = None,
        student: UUID | None = None,
        true_on: date | None = None,
    ) -> Page[EntitlementRow]:
        with database.reading(viewer.scope, VIEW) as connection:
            rows = queries.entitlements(
                connection, true_on or today(), turn, school=school, term=term, state=state, student=student
            )
        return page_of(rows, turn, key=lambda row: (row.school_code, row.entitlement_id))

    @routes.get("/entitlements/summary")
    def summary(viewer: Counter, true_on: date | None = None) -> list[Totals]:
        with database.reading(viewer.scope, VIEW) as connection:
            return queries.totals(connection, true_on or today())

    @routes.get("/payments")
    def payments(
        viewer: Reader,
        turn: Turn,
        school: SchoolCode = None,
        term: TermName = None,
        true_on: date | None = None,
    ) -> Page[PaymentRow]:
        with database.reading(viewer.scope, VIEW) as connection:
            rows = queries.payments(connection, true_on or today(), turn, school=school, term=term)
        return page_of(rows, turn, key=lambda row: (row.school_code, row.entitlement_id))

    @routes.post("/entitlements/{entitlement_id}/disburse")
    def disburse(
        entitlement_id: UUID, body: Disburse, request: Request, response: Response, viewer: Cashier
    ) -> Disbursed:
        if body.paid_on > today():
            raise Malformed("发放日期不能晚于今天", "a payment cannot lie in the future", field="paid_on")
        intent = DisburseAid(paid_on=body.paid_on, reference=body.reference)
        command = command_from(request, viewer, body)
        result = handlers.disburse_aid(database, store, streams, viewer.scope, entitlement_id, intent, command)
        version = result.versions[entitlement_id]
        set_entity_tag(response, version)
        return Disbursed(entitlement_id=entitlement_id, event_id=result.event_ids[0], version=version)

    return routes
