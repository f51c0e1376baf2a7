"""Signing out. The session here ends first, whatever follows; one that began at an issuer is then ended there as well,
because the next person at a shared computer would be signed in again by one click.

What the browser keeps meanwhile is one cookie: the state that must come back with it, or what became of the issuer's
session. The way there is a page of its own, because a form's answer may not lead to another host (form-action).
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.people.demo_issuer import DemoIssuer
from services.portal.people.entering import oidc_name, session_caller
from services.portal.people.exchange import Tokens, secret_cookie, secret_of
from services.portal.rendering import Rendering
from services.portal.session import FORM_COOKIE
from services.portal.settings import PortalSettings
from services.portal.texts import Texts
from shared.web.languages import language_of
from shared.web.viewers import SESSION_COOKIE

router = APIRouter(include_in_schema=False)
PAGE = "/signed-out"  # registered at the issuer
SECURE_COOKIE, PLAIN_COOKIE = "__Host-rollcall-leaving", "rollcall_leaving"
KEPT_SECONDS = 600
OPEN, CLOSED, UNSURE = "open", "closed", "unsure"
_STATE_CHARACTERS = 43


async def left(request: Request, *, everywhere: bool = False) -> Response:
    """End the session this browser holds, everywhere it is known, and forget it here; then on to the issuer where it
    began, if that takes people."""
    settings: PortalSettings = request.app.state.settings
    secret = secret_of(request, secure=settings.secure_cookies)
    told: dict[str, Any] = {"issuer_session": "none"}
    if secret is not None:
        told = await _ended(request, everywhere)
        tokens: Tokens = request.app.state.tokens
        tokens.forget(secret)
    elif request.app.state.issuer is not None and SESSION_COOKIE in request.cookies:
        told = _demonstration_ended(request)
    answer = _onwards(request, told)
    answer.delete_cookie(secret_cookie(settings.secure_cookies), secure=settings.secure_cookies, httponly=True)
    answer.delete_cookie(SESSION_COOKIE)
    answer.delete_cookie(FORM_COOKIE)
    return answer


@router.get(PAGE)
async def signed_out(request: Request) -> Response:
    """What is over and what is not. It speaks of the issuer's session only by what this browser was told itself: an
    address alone makes nobody believe that a session is over."""
    secure: bool = request.app.state.settings.secure_cookies
    if secret_of(request, secure=secure) is not None or SESSION_COOKIE in request.cookies:
        return RedirectResponse("/", 303)  # somebody is signed in here: led to this page, not signed out
    kept, state = request.cookies.get(_cookie(secure), ""), request.query_params.get("state")
    if state is not None and len(kept) == _STATE_CHARACTERS and hmac.compare_digest(kept.encode(), state.encode()):
        return _keep(RedirectResponse(PAGE, 303), CLOSED, secure=secure)
    said = kept if kept in (OPEN, CLOSED) and state is None else UNSURE
    if not kept and not oidc_name(request) and request.app.state.issuer is None:
        return RedirectResponse("/sign-in", 303)  # there is no issuer to speak of
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, None, "signed_out.html", said=said, name=_name(request))


async def _ended(request: Request, everywhere: bool) -> dict[str, Any]:
    backends: Backends = request.app.state.backends
    try:
        answer = await backends.post(session_caller(request), "access", "/v1/sign-out", {"everywhere": everywhere})
    except Refused as refused:
        if refused.status != 401:
            raise
        return {"issuer_session": "none"}  # over already, and not begun there
    told: dict[str, Any] = answer.body
    return told


def own_address(request: Request) -> str:
    """This page as the demonstration is asked for it; a real issuer is told the one of the settings."""
    return str(request.base_url).rstrip("/") + PAGE


def _demonstration_ended(request: Request) -> dict[str, Any]:
    issuer: DemoIssuer = request.app.state.issuer
    state = secrets.token_urlsafe(32)
    return {"issuer_session": "to_end", "address": issuer.leaving_address(own_address(request), state), "state": state}


def _onwards(request: Request, told: dict[str, Any]) -> Response:
    secure: bool = request.app.state.settings.secure_cookies
    if told["issuer_session"] == "to_end":
        rendering: Rendering = request.app.state.rendering
        away = rendering.page(request, None, "leaving_for_good.html", address=told["address"], name=_name(request))
        return _keep(away, told["state"], secure=secure)
    if told["issuer_session"] == OPEN:
        return _keep(RedirectResponse(PAGE, 303), OPEN, secure=secure)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(_cookie(secure), secure=secure, httponly=True, path="/")
    return answer


def _keep(answer: Response, value: str, *, secure: bool) -> Response:
    answer.set_cookie(
        _cookie(secure), value, max_age=KEPT_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
    )
    return answer


def _cookie(secure: bool) -> str:
    return SECURE_COOKIE if secure else PLAIN_COOKIE


def _name(request: Request) -> str:
    """What the issuer is called; also where it was taken out of the settings since."""
    words = Texts(language_of(request))
    demonstration = request.app.state.issuer is not None
    return oidc_name(request) or words("left.demo_issuer" if demonstration else "left.some_issuer")
