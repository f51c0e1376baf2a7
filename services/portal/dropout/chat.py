"""The text for a chat group, to copy, and the way in by its link."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends
from services.portal.rendering import Rendering
from services.portal.session import Opening, inside, opening, permit
from services.portal.tables.columns import as_date
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]


@router.get("/messages/chat", dependencies=[permit(Right.MESSAGES_READ)])
async def chat(request: Request, opened: Opened) -> Response:
    """The text of a day, today's unless another is asked for."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    day = min(as_date(request.query_params.get("day", "")) or today(), today())
    answer = await backends.get(opened.caller, "notifications", "/v1/chat-text", {"day": day.isoformat()})
    return rendering.page(request, opened, "chat.html", told=answer.body, day=day, last=today())


@router.get("/go/{token}", dependencies=[permit(Right.ALERTS_READ)])
async def follow(request: Request, token: str, opened: Opened) -> Response:
    """Whoever is not signed in was sent to do so first; the link adds no right to theirs."""
    backends: Backends = request.app.state.backends
    path = f"/v1/chat-links/{quote(token, safe='')}/open"
    answer = await backends.post(opened.caller, "notifications", path, command_id=str(new_event_id()))
    return RedirectResponse(inside(answer.body["path"]), 303)
