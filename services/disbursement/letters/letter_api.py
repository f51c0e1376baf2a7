"""Letters about children registered elsewhere over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.disbursement.letter_errors import NoSuchTerm, UnknownLetter
from services.disbursement.letter_events import AidKind, CallOutcome, DiscardReason, Ground, ReplyKind, Way
from services.disbursement.letters import letter_life, letter_queries
from services.disbursement.letters.elsewhere import programmes_in_force
from services.disbursement.letters.letter_desk import CHILDREN_MOST, VIEW, LetterDesk, Reply
from services.disbursement.letters.letter_life import Answer
from services.disbursement.letters.letter_queries import LetterChild, LetterRow
from services.disbursement.schedule import term_named, term_of
from shared.kernel.clock import today
from shared.kernel.refusals import Refusal
from shared.standards.rights import Right
from shared.standards.separation import INQUIRIES_DECIDE, LETTERS_APPROVE
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.LETTERS_READ))]
Clerk = Annotated[Viewer, Depends(require(Right.LETTERS_KEEP))]
Approver = Annotated[Viewer, Depends(require(Right.LETTERS_APPROVE))]
Turn = Annotated[PageTurn, Depends(page_turn)]
TermName = Annotated[str, Field(pattern=r"^\d{4}-[a-z]{1,16}$")]
AskedTerm = Annotated[str | None, Query(pattern=r"^\d{4}-[a-z]{1,16}$")]
PlaceCode = Annotated[str, Field(pattern=r"^\d{6}$")]
PaperNumber = Annotated[
    str, Field(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z\u4e00-\u9fff〔〕\[\]()()._/\-]+$")
]
LetterState = Literal["drafted", "approved", "sent", "overdue", "discarded"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WantLetter(Body):
    """``term``: like 2026-autumn. ``place``: six digits."""

    term: TermName
    place: PlaceCode


class Approve(Body):
    content_hash: str = Field(min_length=64, max_length=64)


class Discard(Body):
    reason: DiscardReason


class Send(Body):
    """``number`` (文号): no spaces, nothing personal. ``reply_by``: the last day to answer on."""

    sent_on: date
    way: Way
    number: PaperNumber
    reply_by: date


class Remind(Body):
    way: Way
    reply_by: date


class Phone(Body):
    called_on: date
    outcome: CallOutcome


class ChildReply(Body):
    """``amount_fen`` and ``aided_term`` as told there; ``stage``: where the reply corrects it."""

    child_id: UUID
    kind: ReplyKind
    replied_on: date
    aid: AidKind | None = None
    amount_fen: int | None = Field(default=None, ge=0, le=10_000_000)
    aided_term: TermName | None = None
    stage: Literal["primary", "junior", "senior", "vocational", "preschool", "special"] | None = None
    reference: PaperNumber | None = None


class Replies(Body):
    replies: list[ChildReply] = Field(min_length=1, max_length=CHILDREN_MOST)


class Decide(Body):
    """``aided``: the child counts as aided there."""

    child_id: UUID
    aided: bool
    ground: Ground


class Done(BaseModel):
    """The same answer however often the command is repeated."""

    letter_id: UUID
    event_ids: list[UUID]


class ShownChild(LetterChild):
    """``why_not``: why the reader may not decide about this child."""

    why_not: str | None


class ShownLetter(LetterRow):
    """A letter with its children; ``why_not``: why the reader may not sign it off."""

    people: list[ShownChild]
    why_not: str | None


def router(desk: LetterDesk) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, desk)
    _writing(routes, desk)
    _stepping(routes, desk)
    _answering(routes, desk)
    return routes


def term_asked(desk: LetterDesk, viewer: Viewer, named: str | None) -> str:
    """The term asked for, or today's. Raises NoSuchTerm."""
    with desk.database.reading(viewer.scope, VIEW) as connection:
        programmes = programmes_in_force(connection, today())
    if not programmes:
        raise NoSuchTerm
    if named is None:
        return term_of(programmes[0], today()).name
    try:
        return term_named(programmes[0], named).name
    except Refusal as unknown:
        raise NoSuchTerm from unknown


def _reading(routes: APIRouter, desk: LetterDesk) -> None:
    @routes.get("/letters")
    def letters(
        viewer: Reader,
        turn: Turn,
        term: AskedTerm = None,
        state: LetterState | None = None,
        place: Annotated[str | None, Query(pattern=r"^\d{6}$")] = None,
    ) -> Page[LetterRow]:
        with desk.database.reading(viewer.scope, VIEW) as connection:
            rows = letter_queries.letters(connection, today(), turn, term=term, state=state, place=place)
        return page_of(rows, turn, key=lambda row: (row.term, row.place, row.letter_id))

    @routes.get("/letters/{letter_id}")
    def letter(letter_id: UUID, viewer: Reader) -> ShownLetter:
        row, people = _read(desk, viewer, letter_id)
        told = [
            ShownChild(
                **child.model_dump(),
                why_not=INQUIRIES_DECIDE.why_not(child.recorded_by, viewer.principal, viewer.language),
            )
            for child in people
        ]
        why_not = LETTERS_APPROVE.why_not(row.drafted_by, viewer.principal, viewer.language)
        return ShownLetter(**row.model_dump(), people=told, why_not=why_not)


def _read(desk: LetterDesk, viewer: Viewer, letter_id: UUID) -> tuple[LetterRow, list[LetterChild]]:
    with desk.database.reading(viewer.scope, VIEW) as connection:
        row = letter_queries.letter(connection, today(), letter_id)
        if row is None:
            raise UnknownLetter
        return row, letter_queries.children_of(connection, today(), letter_id)


def _writing(routes: APIRouter, desk: LetterDesk) -> None:
    @routes.post("/letters", status_code=201)
    def draft(body: WantLetter, request: Request, viewer: Clerk) -> Done:
        """A letter about everyone registered there who was not asked about this term."""
        command = command_from(request, viewer, body)
        term = term_asked(desk, viewer, body.term)
        done = desk.draft(viewer.scope, term, body.place, command, today())
        letter_id = desk.streams.letter(command.principal, command.command_id)
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))


def _stepping(routes: APIRouter, desk: LetterDesk) -> None:
    @routes.post("/letters/{letter_id}/approve")
    def approve(letter_id: UUID, body: Approve, request: Request, viewer: Approver) -> Done:
        """Sign off what was read, by another person than who drafted it."""
        command = command_from(request, viewer, body)
        done = desk.step(
            viewer.scope,
            letter_id,
            command,
            lambda letter: letter_life.approve(letter, body.content_hash, viewer.principal, today()),
        )
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))

    @routes.post("/letters/{letter_id}/discard")
    def discard(letter_id: UUID, body: Discard, request: Request, viewer: Clerk) -> Done:
        """Send it nowhere; its children may be asked about again."""
        command = command_from(request, viewer, body)
        done = desk.discard(viewer.scope, letter_id, body.reason, command, today())
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))

    @routes.post("/letters/{letter_id}/send")
    def send(letter_id: UUID, body: Send, request: Request, viewer: Clerk) -> Done:
        """It left the house."""
        command = command_from(request, viewer, body)
        done = desk.step(
            viewer.scope,
            letter_id,
            command,
            lambda letter: letter_life.send(letter, **body.model_dump(), by=viewer.principal, today=today()),
        )
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))

    @routes.post("/letters/{letter_id}/remind")
    def remind(letter_id: UUID, body: Remind, request: Request, viewer: Clerk) -> Done:
        """Asked again, with another day to answer by."""
        command = command_from(request, viewer, body)
        done = desk.step(
            viewer.scope,
            letter_id,
            command,
            lambda letter: letter_life.remind(letter, body.way, body.reply_by, viewer.principal, today()),
        )
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))

    @routes.post("/letters/{letter_id}/phone")
    def phone(letter_id: UUID, body: Phone, request: Request, viewer: Clerk) -> Done:
        """A note of a call."""
        command = command_from(request, viewer, body)
        done = desk.step(
            viewer.scope,
            letter_id,
            command,
            lambda letter: letter_life.phone(letter, body.called_on, body.outcome, viewer.principal, today()),
        )
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))


def _answering(routes: APIRouter, desk: LetterDesk) -> None:
    @routes.post("/letters/{letter_id}/replies")
    def replies(letter_id: UUID, body: Replies, request: Request, viewer: Clerk) -> Done:
        """What came back about these children; a later answer replaces an earlier one."""
        command = command_from(request, viewer, body)
        told = [Reply(each.child_id, Answer(**each.model_dump(exclude={"child_id"}))) for each in body.replies]
        done = desk.record(viewer.scope, letter_id, told, command, today())
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))

    @routes.post("/letters/{letter_id}/decisions")
    def decide(letter_id: UUID, body: Decide, request: Request, viewer: Approver) -> Done:
        """Whether a child counts as aided there, where the answer leaves it open."""
        command = command_from(request, viewer, body)
        done = desk.settle(viewer.scope, letter_id, body.child_id, body.aided, body.ground, command, today())
        return Done(letter_id=letter_id, event_ids=list(done.event_ids))
