"""My notifications: the inbox with what is new, how I am reached, and for a clerk who is reached by what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.portal.backends import Backends, BackendTrouble, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, inside, opening, permit
from services.portal.tables.table_reading import PAGE_SIZE, items_of
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
CHANNELS = ("email", "sms")
_SHOWN_AGAIN = (409, 412, 422)  # refusals after which the person goes on on the same form


@router.get("/messages", dependencies=[permit(Right.MESSAGES_READ)])
async def messages(request: Request, opened: Opened) -> Response:
    """The inbox, or only its rows (``?part=rows``) when something came."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    unread = request.query_params.get("show") == "unread"
    asked = {"limit": PAGE_SIZE, "after": request.query_params.get("after"), "unread": "true" if unread else None}
    answer = await backends.get(opened.caller, "notifications", "/v1/messages", asked)
    rows, following = items_of(answer.body)
    since = f"?{urlencode({'since': answer.position})}" if answer.position else ""
    more = {"after": following} | ({"show": "unread"} if unread else {}) if following else None
    part = request.query_params.get("part") == "rows"
    return rendering.page(
        request,
        opened,
        "_messages.html" if part else "messages.html",
        rows=rows,
        unread=unread,
        next=f"/messages?{urlencode(more)}" if more else None,
        stream=f"/api/notifications/v1/messages/stream{since}",
    )


@router.get("/messages/unread", dependencies=[permit(Right.MESSAGES_READ)])
async def unread_count(request: Request, opened: Opened) -> Response:
    """How many are new, for the head of every page; nothing while the service is away, which is no page's trouble."""
    backends: Backends = request.app.state.backends
    try:
        return JSONResponse((await backends.get(opened.caller, "notifications", "/v1/messages/unread")).body)
    except BackendTrouble:
        return JSONResponse({"count": 0, "more": False})


@router.post("/messages/{message_id}/read", dependencies=[permit(Right.MESSAGES_READ)])
async def read(request: Request, message_id: UUID, opened: Opened, form: Sent) -> Response:
    """The receipt; leads to the rows behind the message, or back."""
    backends: Backends = request.app.state.backends
    path = f"/v1/messages/{message_id}/read"
    await backends.post(opened.caller, "notifications", path, command_id=command_id(form))
    return RedirectResponse(inside(text(form, "to") or None, "/messages"), 303)


@router.get("/messages/settings", dependencies=[permit(Right.MESSAGES_READ)])
async def settings(request: Request, opened: Opened) -> Response:
    """How I am reached."""
    return await _settings(request, opened)


@router.post("/messages/settings", dependencies=[permit(Right.MESSAGES_READ)])
async def keep(request: Request, opened: Opened, form: Sent) -> Response:
    """Set it anew, in the version that was read."""
    backends: Backends = request.app.state.backends
    typed = {name: text(form, name) for name in form if name not in ("form_token", "command_id")}
    try:
        body, version = _body(typed), int(typed.get("version", ""))
        await backends.put(
            opened.caller,
            "notifications",
            "/v1/contacts/me",
            body,
            command_id=command_id(form),
            version=version,
        )
    except Refused as refused:
        return await _settings(request, opened, typed, refused)
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None
    return RedirectResponse("/messages/settings?done=contact", 303)


def _body(typed: Mapping[str, str]) -> dict[str, Any]:
    def hour(name: str) -> int | None:
        return int(typed[name]) if typed.get(name) else None

    return {
        "channels": [each for each in CHANNELS if typed.get(each)],
        "email": typed.get("address") or None,
        "phone": typed.get("phone") or None,
        "digest": typed.get("digest", ""),
        "digest_hour": hour("digest_hour") or 0,
        "digest_weekday": hour("digest_weekday") or 0,
        "quiet_from": hour("quiet_from"),
        "quiet_to": hour("quiet_to"),
        "urgent_breaks_quiet": bool(typed.get("urgent_breaks_quiet")),
        "language": typed.get("language", ""),
    }


async def _settings(
    request: Request, opened: Opening, typed: Mapping[str, str] | None = None, refused: Refused | None = None
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told = (await backends.get(opened.caller, "notifications", "/v1/contacts/me")).body
    reached = None
    if opened.viewer.has(Right.CONTACTS_READ):
        reached = (await backends.get(opened.caller, "notifications", "/v1/contacts")).body
    return rendering.page(
        request,
        opened,
        "message_settings.html",
        told=told if typed is None else told | _body(typed),
        reached=reached,
        **shown,
        command_id=str(new_event_id()),
    )
