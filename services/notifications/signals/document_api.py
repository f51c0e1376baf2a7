"""Papers that explain an absence, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.signal_events import AbsenceKind
from services.notifications.signals.documents import DocumentRow, Documents, Paper, documents
from shared.kernel.clock import today
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import AID_CLERK, AUDITOR, SCHOOL, Viewer, require

Reader = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL, AUDITOR))]
Responsible = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL))]
Turn = Annotated[PageTurn, Depends(page_turn)]
State = Literal["standing", "expiring", "expired", "to_come", "withdrawn"]
Reference = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[0-9A-Za-z\u4e00-\u9fff〔〕()()._/ \-]+$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PaperBody(_Body):
    """Both days are included. ``reference``: a paper's number or where it is kept; nothing personal."""

    student_id: UUID
    kind: AbsenceKind
    first_day: date
    last_day: date
    reference: Reference


class Withdrawal(_Body):
    """Why it never held; nothing personal."""

    reason: Reference


class Entered(BaseModel):
    """The same answer however often the command is repeated."""

    document_id: UUID
    event_ids: tuple[UUID, ...]


def router(desk: Documents) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/documented-absences")
    def listed(
        viewer: Reader,
        turn: Turn,
        student: UUID | None = None,
        school: Annotated[str | None, Query(max_length=64)] = None,
        state: State | None = None,
        true_on: date | None = None,
    ) -> Page[DocumentRow]:
        """Papers that were not withdrawn unless that is asked for; those that end first come first."""
        day = true_on or today()
        rows = documents(desk.database, viewer.scope, day, turn, student=student, school=school, state=state)
        return page_of(rows, turn, key=lambda row: (row.last_day, row.document_id))

    @routes.post("/documented-absences")
    def enter(body: PaperBody, request: Request, viewer: Responsible) -> Entered:
        """Enter a paper: its days give no signal of absence until it expires."""
        command = command_from(request, viewer, body)
        paper = Paper(body.student_id, body.kind, body.first_day, body.last_day, body.reference)
        document_id, result = desk.enter(viewer.scope, paper, command, today())
        return Entered(document_id=document_id, event_ids=result.event_ids)

    @routes.post("/documented-absences/{document_id}/withdraw")
    def withdraw(document_id: UUID, body: Withdrawal, request: Request, viewer: Responsible) -> Entered:
        """The paper never held: its days count again."""
        command = command_from(request, viewer, body)
        result = desk.withdraw(viewer.scope, document_id, body.reason, command, today())
        return Entered(document_id=document_id, event_ids=result.event_ids)

    return routes
