"""Posts over HTTP: established, filled, vacated, delegated and closed by who administers them."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.access import queries
from services.access.accounts import people
from services.access.accounts.account_api import Done, Keeper, Reader, ReasonBody
from services.access.accounts.people import PostFilter, PostRow
from services.access.acting import administrator
from services.access.commands import ClosePost, DelegatePost, EndDelegation, EstablishPost, FillPost, VacatePost
from services.access.desk import Desk
from services.access.posts import post_desk
from services.access.posts.places import Asked, place_of
from services.access.projections import NAME
from services.access.queries import DelegationRow
from shared.kernel.clock import today, utc_now
from shared.standards.posts import Kind
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.purposes import check_note

Turn = Annotated[PageTurn, Depends(page_turn)]
Code = Annotated[str | None, Field(min_length=1, max_length=130)]


class PostBody(BaseModel):
    """A kind of post and the place its kind asks for: ``division``, ``school``, ``school`` and ``school_class``
    (stage/grade/class), or ``agency``."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    division: Code = None
    school: Code = None
    school_class: Code = None
    agency: Code = None


class FillBody(BaseModel):
    """``begins_on``: the first day of the holder's time; ``until``: the first day on which it no longer is."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    begins_on: date | None = None
    until: date | None = None


class DelegateBody(BaseModel):
    """``until``: the first day on which it no longer holds."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    until: date


class Delegates(BaseModel):
    items: list[DelegationRow]


def post_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/posts."""
    routes = APIRouter(prefix="/v1/posts")

    @routes.get("")
    def posts(viewer: Reader, turn: Turn, wanted: Annotated[PostFilter, Query()]) -> Page[PostRow]:
        """Posts within the viewer's rows, by id."""
        with desk.database.reading(viewer.scope, NAME) as connection:
            rows = people.posts(connection, today(), turn, wanted)
        return page_of(rows, turn, key=lambda row: (row.post_id,))

    @routes.get("/{post_id}/delegations")
    def delegations(post_id: UUID, viewer: Reader) -> Delegates:
        with desk.database.reading(viewer.scope, NAME) as connection:
            return Delegates(items=queries.delegations(connection, today(), post_id))

    @routes.post("")
    def establish(body: PostBody, request: Request, viewer: Keeper) -> Done:
        by, command = administrator(viewer), command_from(request, viewer, body)
        asked = Asked(body.division, body.school, body.school_class, body.agency)
        with desk.database.reading(viewer.scope, NAME) as connection:
            place = place_of(connection, body.kind, asked, desk.division, today())
        post_id = desk.streams.post(viewer.principal, command.command_id)
        intent = EstablishPost(post_id, body.kind, *place, by=viewer.principal)
        result = post_desk.establish(desk, by, intent, command, utc_now())
        return Done(id=post_id, event_id=result.event_ids[0])

    @routes.post("/{post_id}/fill")
    def fill(post_id: UUID, body: FillBody, request: Request, viewer: Keeper) -> Done:
        intent = FillPost(post_id, body.account_id, viewer.principal, body.begins_on, body.until)
        command = command_from(request, viewer, body)
        result = post_desk.fill(desk, administrator(viewer), intent, command, utc_now())
        return Done(id=post_id, event_id=result.event_ids[0])

    @routes.post("/{post_id}/vacate")
    def vacate(post_id: UUID, body: ReasonBody, request: Request, viewer: Keeper) -> Done:
        """Take the post from its holder and its delegates; what they do in it ends at once."""
        check_note(body.reason)
        intent = VacatePost(post_id, viewer.principal, body.reason)
        command = command_from(request, viewer, body)
        result = post_desk.vacate(desk, administrator(viewer), intent, command, utc_now())
        return Done(id=post_id, event_id=result.event_ids[0])

    @routes.post("/{post_id}/close")
    def close(post_id: UUID, request: Request, viewer: Keeper) -> Done:
        command = command_from(request, viewer, None)
        intent = ClosePost(post_id, viewer.principal)
        result = post_desk.close(desk, administrator(viewer), intent, command, utc_now())
        return Done(id=post_id, event_id=result.event_ids[0])

    @routes.post("/{post_id}/delegations")
    def delegate(post_id: UUID, body: DelegateBody, request: Request, viewer: Keeper) -> Done:
        command = command_from(request, viewer, body)
        delegation_id = desk.streams.delegation(viewer.principal, command.command_id)
        intent = DelegatePost(post_id, delegation_id, body.account_id, body.until, viewer.principal)
        result = post_desk.delegate(desk, administrator(viewer), intent, command, utc_now())
        return Done(id=delegation_id, event_id=result.event_ids[0])

    @routes.post("/{post_id}/delegations/{delegation_id}/end")
    def end(post_id: UUID, delegation_id: UUID, request: Request, viewer: Keeper) -> Done:
        command = command_from(request, viewer, None)
        intent = EndDelegation(post_id, delegation_id, viewer.principal)
        result = post_desk.end_delegation(desk, administrator(viewer), intent, command, utc_now())
        return Done(id=delegation_id, event_id=result.event_ids[0])

    return routes
