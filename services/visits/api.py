"""Visits and helpers over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.visits import handlers, queries
from services.visits.commands import AssignHelper, LogVisit
from services.visits.events import Outcome
from services.visits.queries import HelperRow, VisitRow
from services.visits.streams import Streams
from shared.database.database import Database
from shared.eventsourcing.store import EventStore
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

VIEW = "visits"
Reader = Annotated[Viewer, Depends(require(Right.VISITS_READ))]
Visitor = Annotated[Viewer, Depends(require(Right.VISITS_LOG))]
Assigner = Annotated[Viewer, Depends(require(Right.HELPERS_ASSIGN))]
Turn = Annotated[PageTurn, Depends(page_turn)]
SchoolCode = Annotated[str | None, Query(max_length=64)]
Code = Annotated[str, Field(max_length=64, pattern=r"^[a-z_]+$")]


class LogVisitBody(BaseModel):
    """A visit as reported. ``notes`` and ``met_with`` are sealed under the student's key."""

    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    campaign: str | None = Field(None, max_length=80)
    visited_on: date
    outcome: Outcome
    confirmed: list[Code] = Field(default_factory=list, max_length=16)
    repeat_on: date | None = None
    notes: str | None = Field(None, max_length=2000)
    met_with: str | None = Field(None, max_length=80)


class AssignHelperBody(BaseModel):
    """``helper`` is the teacher's principal; from today on unless another day is given."""

    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    helper: str = Field(min_length=1, max_length=120)
    from_day: date | None = None


class Done(BaseModel):
    """The same answer however often the command is repeated."""

    id: UUID
    event_id: UUID


def router(database: Database, store: EventStore, streams: Streams) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/visits")
    def log(body: LogVisitBody, request: Request, viewer: Visitor) -> Done:
        command = command_from(request, viewer, body)
        intent = LogVisit(
            student_id=body.student_id,
            visitor=viewer.principal,
            campaign=body.campaign,
            visited_on=body.visited_on,
            outcome=body.outcome,
            confirmed=tuple(body.confirmed),
            repeat_on=body.repeat_on,
            notes=body.notes,
            met_with=body.met_with,
        )
        result = handlers.log_visit(database, store, streams, viewer.scope, intent, command, today())
        return Done(id=streams.visit(command.principal, command.command_id), event_id=result.event_ids[0])

    @routes.get("/visits")
    def visits(
        viewer: Reader,
        turn: Turn,
        school: SchoolCode = None,
        student: UUID | None = None,
        campaign: Annotated[str | None, Query(max_length=80)] = None,
        outcome: Outcome | None = None,
        true_on: date | None = None,
    ) -> Page[VisitRow]:
        with database.reading(viewer.scope, VIEW) as connection:
            rows = queries.visits(
                connection,
                true_on or today(),
                turn,
                school=school,
                student=student,
                campaign=campaign,
                outcome=outcome,
            )
        return page_of(rows, turn, key=lambda row: (row.school_code, row.visited_on, row.visit_id))

    @routes.post("/helpers")
    def assign(body: AssignHelperBody, request: Request, viewer: Assigner) -> Done:
        command = command_from(request, viewer, body)
        intent = AssignHelper(student_id=body.student_id, helper=body.helper, from_day=body.from_day or today())
        result = handlers.assign_helper(database, store, streams, viewer.scope, intent, command, today())
        return Done(id=streams.helper(body.student_id), event_id=result.event_ids[0])

    @routes.get("/helpers")
    def helpers(viewer: Reader, turn: Turn, school: SchoolCode = None, true_on: date | None = None) -> Page[HelperRow]:
        with database.reading(viewer.scope, VIEW) as connection:
            rows = queries.helpers(connection, true_on or today(), turn, school=school)
        return page_of(rows, turn, key=lambda row: (row.school_code, row.student_id))

    return routes
