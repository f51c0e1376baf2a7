"""Sign-ins: one's own, each with where it came from and how; and for who administers accounts the unusual ones."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends
from services.portal.people.entering import session_caller
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
# The first that is found, in this order: browsers name those they descend from as well.
_BROWSERS = (
    *(("MicroMessenger", "微信"), ("DingTalk", "钉钉"), ("wps", "WPS"), ("Edg", "Edge"), ("Firefox", "Firefox")),
    *(("Chrome", "Chrome"), ("Safari", "Safari")),
)
_SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS")),
    ("Linux", "Linux"),
)
_WORD = re.compile(r"[\w.-]{1,24}")


@router.get("/account/sign-ins")
async def own(request: Request, opened: Opened) -> Response:
    """My own, refused ones too."""
    if not opened.viewer.session:
        return RedirectResponse("/", 303)  # a demonstration's persona has no account
    backends: Backends = request.app.state.backends
    rows = (await backends.get(session_caller(request), "access", "/v1/me/sign-ins")).body["items"]
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, opened, "account_sign_ins.html", rows=rows, agent=agent_words)


@router.get("/people/unusual", dependencies=[permit(Right.ACCOUNTS_READ, Right.ACCOUNTS_KEEP)])
async def unusual(request: Request, opened: Opened) -> Response:
    """What of one's place is worth a question."""
    backends: Backends = request.app.state.backends
    told = (await backends.get(opened.caller, "access", "/v1/sign-ins")).body
    rendering: Rendering = request.app.state.rendering
    context = {"rows": told["items"], "reads": told["reads"], "agent": agent_words}
    return rendering.page(request, opened, "people_unusual.html", **context)


def agent_words(told: str | None) -> str:
    """A browser's name for itself in two words: Chrome · Windows. What is none of those known stays its first word."""
    if not told:
        return ""
    named = [next((word for mark, word in known if mark in told), "") for known in (_BROWSERS, _SYSTEMS)]
    first = _WORD.match(told)
    return " · ".join(filter(None, named)) or (first[0] if first else "")
