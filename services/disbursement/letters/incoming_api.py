"""Letters of other counties over HTTP."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.disbursement.letter_events import Way
from services.disbursement.letters import incoming
from services.disbursement.letters.elsewhere import division_history
from services.disbursement.letters.incoming import VIEW, IncomingChild, IncomingDesk, IncomingRow, Received, State
from services.disbursement.letters.letter_api import (
    Approver,
    Body,
    Clerk,
    PaperNumber,
    PlaceCode,
    Reader,
    TermName,
    Turn,
)
from services.disbursement.letters.letter_desk import CHILDREN_MOST
from shared.kernel.clock import today
from shared.standards.separation import LETTERS_APPROVE
from shared.web.commands import command_from
from shared.web.pages import Page, page_of


class Came(Body):
    """``children``: those found in our register; ``not_found``: how many others the letter names."""

    from_place: PlaceCode
    number: PaperNumber
    term: TermName
    received_on: date
    answer_by: date
    children: list[UUID] = Field(max_length=CHILDREN_MOST)
    not_found: int = Field(default=0, ge=0, le=CHILDREN_MOST)


class Answer(Body):
    way: Way
    number: PaperNumber


class IncomingDone(BaseModel):
    """The same answer however often the command is repeated."""

    incoming_id: UUID
    event_ids: list[UUID]


class ShownIncoming(IncomingRow):
    """``why_not``: why the reader may not sign off its answer."""

    people: list[IncomingChild]
    why_not: str | None


def incoming_router(desk: IncomingDesk) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/incoming-letters")
    def waiting(viewer: Reader, turn: Turn, state: State | None = None) -> Page[IncomingRow]:
        """What is to be answered, by the day it is due."""
        with desk.database.reading(viewer.scope, VIEW) as connection:
            rows = incoming.queue(connection, today(), turn, state)
        return page_of(rows, turn, key=lambda row: (row.answer_by, row.incoming_id))

    @routes.post("/incoming-letters", status_code=201)
    def came(body: Came, request: Request, viewer: Clerk) -> IncomingDone:
        """A letter came in."""
        command = command_from(request, viewer, body)
        with desk.database.reading(viewer.scope, VIEW) as connection:
            name = division_history(connection).name_of(body.from_place, today()) or ""
        told = Received(**body.model_dump(exclude={"children"}), children=tuple(dict.fromkeys(body.children)))
        done = desk.receive(viewer.scope, told, name, command, today())
        made = desk.streams.incoming(command.principal, command.command_id)
        return IncomingDone(incoming_id=made, event_ids=list(done.event_ids))

    @routes.get("/incoming-letters/{incoming_id}")
    def shown(incoming_id: UUID, viewer: Reader) -> ShownIncoming:
        with desk.database.reading(viewer.scope, VIEW) as connection:
            row = incoming.one(connection, today(), incoming_id)
            people = incoming.children_of(connection, today(), incoming_id)
        why_not = LETTERS_APPROVE.why_not(row.received_by, viewer.principal, viewer.language)
        return ShownIncoming(**row.model_dump(), people=people, why_not=why_not)

    @routes.post("/incoming-letters/{incoming_id}/answer")
    def answer(incoming_id: UUID, body: Answer, request: Request, viewer: Approver) -> IncomingDone:
        """Sign off and send what our books say, by another person than who took the letter in."""
        command = command_from(request, viewer, body)
        done = desk.answer(viewer.scope, incoming_id, body.way, body.number, command, today())
        return IncomingDone(incoming_id=incoming_id, event_ids=list(done.event_ids))

    return routes
