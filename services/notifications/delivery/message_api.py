"""The inbox over HTTP: list, count, read, and live by SSE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from services.notifications.delivery import inbox
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.inbox import MessageRow, Reader
from services.notifications.delivery.places import Place, place_of
from services.notifications.delivery.topics import topics_of
from services.notifications.delivery_errors import NoPlace
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.event_stream import EventStream
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Responsible = Annotated[Viewer, Depends(require(Right.MESSAGES_READ))]
Turn = Annotated[PageTurn, Depends(page_turn)]


class Unread(BaseModel):
    """``more``: there are more than ``count``."""

    count: int
    more: bool


class Receipt(BaseModel):
    """The same answer however often it is read."""

    message_id: UUID
    event_ids: tuple[UUID, ...]


def place(desk: Desk, viewer: Viewer) -> Place:
    """What the viewer answers for. Raises NoPlace."""
    found = place_of(viewer.scope, desk.division)
    if found is None:
        raise NoPlace
    return found


def reader(desk: Desk, viewer: Viewer) -> Reader:
    """Whose inbox the viewer reads. Raises NoPlace."""
    return Reader(place(desk, viewer), viewer.principal, topics_of(viewer.rights))


def router(desk: Desk) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/messages")
    def messages(
        request: Request, response: Response, viewer: Responsible, turn: Turn, unread: bool = False
    ) -> Page[MessageRow]:
        """The messages to the viewer's place, the newest first."""
        response.headers["change-position"] = request.app.state.hub.position()  # before the rows are read
        who = reader(desk, viewer)
        with desk.database.reading(viewer.scope, VIEW) as connection:
            rows = inbox.inbox(connection, who, turn, viewer.language, unread=unread)
        return page_of(rows, turn, key=lambda row: (row.order,))

    @routes.get("/messages/unread")
    def unread(viewer: Responsible) -> Unread:
        who = reader(desk, viewer)
        with desk.database.reading(viewer.scope, VIEW) as connection:
            count = inbox.unread_count(connection, who)
        return Unread(count=min(count, inbox.UNREAD_SHOWN), more=count > inbox.UNREAD_SHOWN)

    @routes.get("/messages/stream")
    def stream(request: Request, viewer: Responsible) -> Response:
        """``row`` / ``reload`` / ``bye`` events; a message that grew or was read comes as a row again."""
        who = reader(desk, viewer)

        def read(ids: Sequence[UUID]) -> Mapping[UUID, MessageRow]:
            with desk.database.reading(viewer.scope, VIEW) as connection:
                return inbox.messages_by_id(connection, who, ids, viewer.language)

        return EventStream(request, request.app.state.hub, viewer, ["messages"], read, known=())

    @routes.post("/messages/{message_id}/read")
    def mark(message_id: UUID, request: Request, viewer: Responsible) -> Receipt:
        command = command_from(request, viewer, None)
        result = inbox.read(desk, viewer.scope, reader(desk, viewer), message_id, command, today())
        return Receipt(message_id=message_id, event_ids=result.event_ids)

    return routes
