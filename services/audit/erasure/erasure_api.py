"""Erasure and legal hold over HTTP: for who sees the whole division, two people for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.audit.commands import (
    ApproveErasure,
    ApproveHold,
    ProposeHold,
    ProposeRelease,
    RefuseErasure,
    RequestErasure,
)
from services.audit.erasure import erasure_queries
from services.audit.erasure.desk import Desk, Intent, act
from services.audit.erasure.erasure_queries import DueRow, SubjectRow
from services.audit.errors import WholeDivisionOnly
from services.audit.events import Ground
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.standards.separation import ERASURES_APPROVE, HOLDS_APPROVE
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.purposes import check_purpose
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.ERASURES_READ))]
Asking = Annotated[Viewer, Depends(require(Right.ERASURES_ASK))]
Approving = Annotated[Viewer, Depends(require(Right.ERASURES_APPROVE))]
Refusing = Annotated[Viewer, Depends(require(Right.ERASURES_ASK, Right.ERASURES_APPROVE))]
Turn = Annotated[PageTurn, Depends(page_turn)]
Reason = Annotated[str, Field(min_length=4, max_length=200)]


class WantErasure(BaseModel):
    """``ground``: asked_for by the family, retention (only once it has run out), or unlawful processing."""

    model_config = ConfigDict(extra="forbid")

    ground: Ground
    reason: Reason


class Why(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class WantHold(Why):
    """``reference``: the number of the procedure."""

    reference: str = Field(min_length=1, max_length=80)


class Done(BaseModel):
    """The same answer however often the command is repeated."""

    event_ids: list[UUID]


class ShownSubject(SubjectRow):
    """``why_not_erase`` and ``why_not_hold``: why the reader may not approve what is asked for."""

    why_not_erase: str | None
    why_not_hold: str | None


def _shown(row: SubjectRow, viewer: Viewer) -> ShownSubject:
    return ShownSubject(
        **row.model_dump(),
        why_not_erase=ERASURES_APPROVE.why_not(row.asked_by, viewer.principal, viewer.language),
        why_not_hold=HOLDS_APPROVE.why_not(row.proposed_by, viewer.principal, viewer.language),
    )


def whole_division(division: str) -> Callable[[Viewer], None]:
    """Dependency: the viewer sees all of ``division``. Raises WholeDivisionOnly."""

    def checked(viewer: Reader) -> None:
        if not viewer.scope.holds(division):
            raise WholeDivisionOnly("只有全县范围的人员可以办理", "only who sees the whole division may do this")

    return checked


def erasure_routes(desk: Desk, division: str) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(whole_division(division))])

    def done(intent: Intent, request: Request, viewer: Viewer, body: BaseModel | None) -> Done:
        command = command_from(request, viewer, body)
        return Done(event_ids=list(act(desk, intent, command, today()).event_ids))

    @routes.get("/erasures")
    def subjects(turn: Turn, viewer: Reader) -> Page[ShownSubject]:
        with desk.database.working() as connection:
            rows = [_shown(row, viewer) for row in erasure_queries.subjects(connection, turn)]
        return page_of(rows, turn, key=lambda row: (row.student_id,))

    @routes.get("/erasures/due")
    def due(turn: Turn, on: Annotated[date | None, Query()] = None) -> Page[DueRow]:
        """Who is due by the rule of retention on the day."""
        with desk.database.working() as connection:
            rows = erasure_queries.due(connection, on or today(), turn)
        return page_of(rows, turn, key=lambda row: (row.left_on, row.student_id))

    @routes.post("/erasures/{student_id}/request")
    def request_erasure(student_id: UUID, body: WantErasure, request: Request, viewer: Asking) -> Done:
        check_purpose(body.reason)
        rule_hash = None
        if body.ground == "retention":
            with desk.database.working() as connection:
                rule_hash = erasure_queries.rule_on(connection, today()).content_hash
        intent = RequestErasure(student_id, body.ground, body.reason, viewer.principal, rule_hash)
        return done(intent, request, viewer, body)

    @routes.post("/erasures/{student_id}/approve")
    def approve_erasure(student_id: UUID, request: Request, viewer: Approving) -> Done:
        return done(ApproveErasure(student_id, viewer.principal), request, viewer, None)

    @routes.post("/erasures/{student_id}/refuse")
    def refuse_erasure(student_id: UUID, body: Why, request: Request, viewer: Refusing) -> Done:
        check_purpose(body.reason)
        return done(RefuseErasure(student_id, body.reason, viewer.principal), request, viewer, body)

    @routes.post("/holds/{student_id}/propose")
    def propose_hold(student_id: UUID, body: WantHold, request: Request, viewer: Asking) -> Done:
        check_purpose(body.reason)
        return done(ProposeHold(student_id, body.reason, body.reference, viewer.principal), request, viewer, body)

    @routes.post("/holds/{student_id}/release")
    def propose_release(student_id: UUID, body: Why, request: Request, viewer: Asking) -> Done:
        check_purpose(body.reason)
        return done(ProposeRelease(student_id, body.reason, viewer.principal), request, viewer, body)

    @routes.post("/holds/{student_id}/approve")
    def approve_hold(student_id: UUID, request: Request, viewer: Approving) -> Done:
        """Places the hold that is proposed, or ends the one whose end is."""
        return done(ApproveHold(student_id, viewer.principal), request, viewer, None)

    return routes
