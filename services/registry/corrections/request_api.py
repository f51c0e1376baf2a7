"""Requests to correct somebody else's record over HTTP: asked, the owner's inbox, approved or refused."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.registry.changes.change_sheets import shown as masked
from services.registry.corrections import change_requests
from services.registry.corrections.change_requests import AskForChange, Shown
from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.purposes import check_purpose
from services.registry.request_tables import REQUESTS
from shared.database.database import driver
from shared.database.scopes import NO_SCOPE, Scope
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Anyone = Annotated[Viewer, Depends(require(Right.CORRECTIONS_ASK))]
Owner = Annotated[Viewer, Depends(require(Right.CORRECTIONS_DECIDE))]
Turn = Annotated[PageTurn, Depends(page_turn)]
Why = Annotated[str, Field(min_length=2, max_length=200)]
Value = Annotated[str, Field(max_length=200)]
SHOWN = 100
_R = REQUESTS.c


class Ask(BaseModel):
    """``wanted``: field → text; an empty one is to be taken away. ``evidence`` refers to a document, never to a
    person."""

    model_config = ConfigDict(extra="forbid")

    target: Literal["student", "entry"]
    target_id: UUID
    wanted: dict[Annotated[str, Field(max_length=40)], Value] = Field(min_length=1, max_length=10)
    reason: Why
    evidence: Why


class Approval(BaseModel):
    """Names the values that were read."""

    model_config = ConfigDict(extra="forbid")

    shown_hash: str = Field(min_length=1, max_length=64)


class Refusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Why


class Asked(BaseModel):
    request_id: UUID


class RequestRow(BaseModel):
    """A request; ``state``: open, approved or refused."""

    request_id: UUID
    target: str
    target_id: UUID
    fields: tuple[str, ...]
    state: str
    reason: str
    evidence: str
    requested_by: str
    asked_on: date
    decided_by: str | None
    decision: str | None


class ValuesRow(BaseModel):
    """One field, masked. ``conflict``: it changed since it was asked; ``hidden``: what differs is masked. Who only asks
    sees neither ``asked_on`` nor ``now``."""

    field: str
    asked_on: str | None
    now: str | None
    wanted: str
    conflict: bool
    hidden: bool


class RequestDetails(RequestRow):
    """``owned``: the viewer decides about it, naming ``shown_hash``."""

    owned: bool
    values: list[ValuesRow]
    shown_hash: str | None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _deciding(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/change-requests")
    def inbox(viewer: Owner, turn: Turn, state: Literal["open", "approved", "refused"] = "open") -> Page[RequestRow]:
        """Requests about records of the viewer's own, by row-level security."""
        statement = select(*_R).where(REQUESTS.holds_on(today()), _R.state == state)
        if turn.after is not None:
            statement = statement.where(turn.beyond(_R.entity))
        with registry.database.reading(deciding_scope(viewer), REGISTER.name) as connection:
            rows = connection.execute(statement.order_by(_R.entity).limit(turn.fetch)).all()
        shown = [
            RequestRow(
                request_id=row.entity,
                asked_on=row.asked_on,
                fields=tuple(row.fields),
                **{name: getattr(row, name) for name in ("target", "target_id", "state", "reason", "evidence")},
                **{name: getattr(row, name) for name in ("requested_by", "decided_by", "decision")},
            )
            for row in rows
        ]
        return page_of(shown, turn, key=lambda row: (row.request_id,))

    @routes.get("/change-requests/mine")
    def mine(viewer: Anyone) -> list[RequestRow]:
        """What the viewer asked for, the newest first."""
        with registry.database.writing() as connection:
            rows = driver(connection).execute(
                "SELECT request_id FROM asked_requests WHERE requested_by = %s ORDER BY number DESC LIMIT %s",
                (viewer.principal, SHOWN),
            )
            ids = [row[0] for row in rows]
            return [
                _row(each, change_requests.shown(registry, connection, deciding_scope(viewer), viewer.principal, each))
                for each in ids
            ]

    @routes.get("/change-requests/{request_id}")
    def one(request_id: UUID, viewer: Anyone) -> RequestDetails:
        """One, with what was, what is and what is wanted of each field, masked."""
        with registry.database.writing() as connection:
            found = change_requests.shown(registry, connection, deciding_scope(viewer), viewer.principal, request_id)
        return RequestDetails(
            **_row(request_id, found).model_dump(),
            owned=found.owned,
            values=[_values(each, found.owned) for each in found.values],
            shown_hash=found.hash if found.owned and found.decision is None else None,
        )


def _deciding(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/change-requests", status_code=202)
    def ask(body: Ask, request: Request, viewer: Anyone) -> Asked:
        """Ask the owner of a record to correct it."""
        check_purpose(body.reason)
        check_purpose(body.evidence)
        intent = AskForChange(body.target, body.target_id, body.wanted, body.reason, body.evidence, viewer.post)
        command = command_from(request, viewer, body)
        return Asked(request_id=change_requests.ask(registry, deciding_scope(viewer), intent, command, today()))

    @routes.post("/change-requests/{request_id}/approve")
    def approve(request_id: UUID, body: Approval, request: Request, viewer: Owner) -> Asked:
        """Correct the record as asked; by its owner, who names the values that he saw."""
        command = command_from(request, viewer, body)
        change_requests.approve(registry, deciding_scope(viewer), request_id, body.shown_hash, command, today())
        return Asked(request_id=request_id)

    @routes.post("/change-requests/{request_id}/refuse")
    def refuse(request_id: UUID, body: Refusal, request: Request, viewer: Anyone) -> Asked:
        """Do not; also how one is taken back."""
        check_purpose(body.reason)
        command = command_from(request, viewer, body)
        change_requests.refuse(registry, deciding_scope(viewer), request_id, body.reason, command, today())
        return Asked(request_id=request_id)


def deciding_scope(viewer: Viewer) -> Scope:
    """Whose records are the viewer's to correct: nobody's, in a post that may only ask."""
    return viewer.scope if viewer.has(Right.CORRECTIONS_DECIDE) else NO_SCOPE


def _row(request_id: UUID, found: Shown) -> RequestRow:
    asked, decision = found.asked, found.decision
    refused = getattr(decision, "refused_by", None)
    return RequestRow(
        request_id=request_id,
        target=asked.target,
        target_id=asked.target_id,
        fields=asked.fields,
        state="open" if decision is None else "refused" if refused else "approved",
        reason=asked.reason,
        evidence=asked.evidence,
        requested_by=change_requests.asked_by(found.stored),
        asked_on=found.stored[0].event.effective_on,
        decided_by=refused or getattr(decision, "approved_by", None),
        decision=getattr(decision, "reason", None),
    )


def _values(each: change_requests.FieldValues, owned: bool) -> ValuesRow:
    asked_on, now, wanted = (masked(each.field, value) for value in (each.asked_on, each.now, each.wanted))
    return ValuesRow(
        field=each.field,
        asked_on=asked_on if owned else None,
        now=now if owned else None,
        wanted=wanted,
        conflict=owned and each.conflict,
        hidden=owned and each.now != each.wanted and now == wanted,
    )
