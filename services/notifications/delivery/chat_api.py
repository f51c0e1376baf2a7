"""The text for a chat group over HTTP, and where its link leads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel

from services.notifications.delivery import chat_links, chat_text
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.message_api import Responsible, place
from shared.kernel.clock import today, utc_now
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Token = Annotated[str, Path(max_length=200)]
Anyone = Annotated[Viewer, Depends(require(Right.ALERTS_READ))]


class ChatText(BaseModel):
    """``text``: to paste as it is, its link within, good until ``expires_at``."""

    day: date
    text: str
    link: str
    expires_at: datetime


class Way(BaseModel):
    """Where a link leads: a path of the page, behind the caller's own rights."""

    path: str


def router(desk: Desk, page: str) -> APIRouter:
    """The routes under /v1. ``page``: the page's address as people type it."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/chat-text")
    def chat(viewer: Responsible, day: date | None = None) -> ChatText:
        """Of today, or of an earlier day: 已报/未报 and new alerts by class or by school. Each answer has a link of its
        own."""
        where = place(desk, viewer)
        now, asked = utc_now(), min(day or today(), today())
        link, token = chat_links.issued(desk.streams.key, asked, now)
        address = f"{page}/go/{token}"
        found = chat_text.told(desk, viewer.scope, asked)
        words = chat_text.worded(found, now, address, viewer.language, where.school_code)
        return ChatText(day=asked, text=words, link=address, expires_at=link.expires_at)

    @routes.post("/chat-links/{token}/open")
    def follow(token: Token, request: Request, viewer: Anyone) -> Way:
        """Once for each person. Raises LinkBad, LinkExpired, LinkUsed."""
        command = command_from(request, viewer, None)
        link, _ = chat_links.opened(desk, token, command, utc_now())
        return Way(path=link.path)

    return routes
