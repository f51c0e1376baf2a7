"""Where children are registered over HTTP: who is still to be placed, and what people found out."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.disbursement.letters.elsewhere import UNKNOWN_PLACE, Asking, PlaceCount, counts
from services.disbursement.letters.letter_api import (
    AskedTerm,
    Body,
    Clerk,
    Done,
    Reader,
    TermName,
    Turn,
    WantLetter,
    term_asked,
)
from services.disbursement.letters.letter_desk import LetterDesk
from services.disbursement.letters.placing import (
    ChildToPlace,
    PlacesTold,
    order,
    place_names,
    tell_place,
    tell_places,
    to_place,
)
from shared.kernel.clock import today
from shared.web.commands import command_from
from shared.web.pages import Page, page_of

TOLD_MOST = 200  # fields of one page
PlaceText = Annotated[str, Field(min_length=1, max_length=40)]


class Places(Page[PlaceCount]):
    """``term``: the one asked for, or today's. ``divisions_known``: whether any place can be told at all."""

    term: str
    divisions_known: bool


class ToldPlace(WantLetter):
    """Where the child is registered; ``term``: the one the list was read for."""


class OnePlace(Body):
    """``id`` of a child or a school; ``place``: the code or the full name of a division in force."""

    id: UUID
    place: PlaceText


class ToldPlaces(Body):
    """``schools``: of their children who are listed under ``place`` and not asked about, but for those who stand in
    ``children`` themselves."""

    term: TermName
    place: str = Field(default=UNKNOWN_PLACE, pattern=r"^(\d{6}|unknown)$")
    children: list[OnePlace] = Field(default=[], max_length=TOLD_MOST)
    schools: list[OnePlace] = Field(default=[], max_length=TOLD_MOST)


class PlacesDone(BaseModel):
    """The same answer however often the command is repeated; one event a child."""

    event_ids: list[UUID]


def place_router(desk: LetterDesk) -> APIRouter:
    """The routes under /v1/elsewhere."""
    routes = APIRouter(prefix="/v1/elsewhere")
    _reading(routes, desk)
    _telling(routes, desk)
    return routes


def _reading(routes: APIRouter, desk: LetterDesk) -> None:
    @routes.get("")
    def places(viewer: Reader, term: AskedTerm = None) -> Places:
        """Entitled children of ours registered elsewhere, per place, and how far asking about them is."""
        asked, day = term_asked(desk, viewer, term), today()
        known = place_names(desk, viewer.scope, day).known
        return Places(items=counts(desk.elsewhere(viewer.scope, asked, day)), term=asked, divisions_known=known)

    @routes.get("/children")
    def children(
        viewer: Reader,
        turn: Turn,
        term: AskedTerm = None,
        place: Annotated[str | None, Query(pattern=r"^(\d{6}|unknown)$")] = None,
        asking: Asking | None = None,
    ) -> Page[ChildToPlace]:
        """The rows behind the counts; in a place by school, the largest first."""
        found = [
            child
            for child in to_place(desk, viewer.scope, term_asked(desk, viewer, term), today())
            if place in (None, child.place) and asking in (None, child.asking)
        ]
        after = turn.after
        if after is not None and list(map(type, after)) != [str, int, str, str]:
            turn.beyond()  # refuses another list's cursor
        later = [child for child in found if after is None or order(child) > after]
        return page_of(later[: turn.fetch], turn, key=order)


def _telling(routes: APIRouter, desk: LetterDesk) -> None:
    @routes.post("/children/{child_id}/place")
    def one(child_id: UUID, body: ToldPlace, request: Request, viewer: Clerk) -> Done:
        """Where a child is registered, when nobody told."""
        command = command_from(request, viewer, body)
        term = term_asked(desk, viewer, body.term)
        done = tell_place(desk, viewer.scope, child_id, body.place, term, command, today())
        return Done(letter_id=child_id, event_ids=list(done.event_ids))

    @routes.post("/places")
    def several(body: ToldPlaces, request: Request, viewer: Clerk) -> PlacesDone:
        """Where children are registered, by child or for all of a school, all or none."""
        command = command_from(request, viewer, body)
        term = term_asked(desk, viewer, body.term)
        told = PlacesTold(
            body.place,
            {each.id: each.place for each in body.children},
            {each.id: each.place for each in body.schools},
        )
        done = tell_places(desk, viewer.scope, told, term, command, today())
        return PlacesDone(event_ids=list(done.event_ids))
