"""Signing in with a name and a password, and choosing a post. The session's secret goes into the browser's
cookie and nowhere else; what it may do is asked of access each time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Caller, Refused
from services.portal.forms import sent_form, text
from services.portal.people.exchange import Tokens, secret_cookie, secret_of
from services.portal.rendering import Rendering
from services.portal.session import FORM_COOKIE, inside
from services.portal.settings import PortalSettings
from shared.kernel.refusals import NotFound
from shared.web.authentication import Unauthenticated
from shared.web.client_address import address_headers
from shared.web.languages import language_of
from shared.web.traces import traceparent_of
from shared.web.viewers import SESSION_COOKIE

router = APIRouter(include_in_schema=False)
Sent = Annotated[FormData, Depends(sent_form)]
PAGE = "/sign-in/account"
_TOLD = frozenset({401, 429, 503})  # said beside the form; anything else is a failure like others


@dataclass(frozen=True)
class SessionCaller(Caller):
    """Access asked with a session's secret, or with none yet (``token`` empty); ``more``: further headers."""

    more: tuple[tuple[str, str], ...] = ()

    def headers(self) -> dict[str, str]:
        """The headers that say so."""
        plain = {**super().headers(), **dict(self.more)}
        if self.token:
            plain["authorization"] = f"Session {self.token}"
        else:
            del plain["authorization"]
        return plain


def session_caller(request: Request) -> SessionCaller:
    """The caller of this browser's session. Raises Unauthenticated without one."""
    secret = secret_of(request, secure=request.app.state.settings.secure_cookies)
    if secret is None:
        raise Unauthenticated("no session")
    return SessionCaller(secret, language_of(request), traceparent_of(request))


def nobody_yet(request: Request, session: str = "") -> SessionCaller:
    """Whoever is in front of the page, with the session's secret if there is one: access is told from where."""
    settings: PortalSettings = request.app.state.settings
    more = tuple(address_headers(settings.portal_key, request).items())
    return SessionCaller(session, language_of(request), traceparent_of(request), more)


@router.get(PAGE)
async def form(request: Request) -> Response:
    """Where somebody types name and password."""
    return sign_in_form(request, inside(request.query_params.get("next")))


@router.post(PAGE)
async def enter(request: Request, sent: Sent) -> Response:
    """Open a session; a wrong password shows the form again with the name as typed."""
    backends: Backends = request.app.state.backends
    wanted, password = inside(text(sent, "next")), sent.get("password")
    caller = nobody_yet(request)
    body = {
        "login": text(sent, "login") or "-",
        "password": password if isinstance(password, str) else "",
        "code": text(sent, "code") or None,
    }
    try:
        opened = (await backends.post(caller, "access", "/v1/sign-in", body)).body
    except Refused as refused:
        if refused.status not in _TOLD and refused.status != 422:
            raise
        status = 401 if refused.status == 422 else refused.status
        return sign_in_form(
            request, wanted, login=text(sent, "login"), failed=refused.code or "malformed", status=status
        )
    return entered(request, opened, wanted)


@router.post("/account/post")
async def choose(request: Request, sent: Sent) -> Response:
    """Act in another post from now on."""
    backends: Backends = request.app.state.backends
    caller = session_caller(request)
    try:
        chosen = str(UUID(text(sent, "post")))
    except ValueError:
        raise NotFound("没有这个岗位", "There is no such post") from None
    opened = (await backends.post(caller, "access", "/v1/session/post", {"post_id": chosen})).body
    return entered(request, opened, inside(text(sent, "next")))


def entered(request: Request, opened: dict[str, Any], wanted: str) -> Response:
    """On with a session that was just opened: its secret replaces whatever this browser held, its forms' guard too."""
    secure: bool = request.app.state.settings.secure_cookies
    former = secret_of(request, secure=secure)
    if former is not None:
        _tokens(request).forget(former)
    if opened["must_change"]:
        wanted = "/account/password"
    elif opened["post_id"] is None:
        wanted = f"/account/posts?{urlencode({'next': wanted})}"
    elif any(post["lacks_code"] for post in opened["posts"] if post["post_id"] == opened["post_id"]):
        wanted = "/account/second-factor"
    answer = RedirectResponse(wanted, 303)
    answer.set_cookie(secret_cookie(secure), opened["secret"], httponly=True, samesite="lax", secure=secure, path="/")
    answer.delete_cookie(SESSION_COOKIE)
    answer.delete_cookie(FORM_COOKIE)
    return answer


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


def sign_in_form(
    request: Request, wanted: str, *, login: str = "", failed: str = "", subject: str = "", status: int = 200
) -> Response:
    """The page to sign in on; ``failed``: why it did not work, ``subject``: as the issuer calls who was not known."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        None,
        "sign_in_account.html",
        status=status,
        wanted=wanted,
        login=login,
        failed=failed,
        subject=subject,
        oidc=oidc_name(request),
    )


def oidc_name(request: Request) -> str:
    """What the issuer people may also sign in through is called in the language of the page; empty without one."""
    settings: PortalSettings = request.app.state.settings
    zh, en = settings.oidc_label or ("", "")
    return en if language_of(request) == "en" else zh
