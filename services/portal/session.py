"""One opening of a page: who looks, in which language, with which token; and the guard of its forms.

A form carries a token derived from a random cookie that other sites cannot read or set (SameSite=Strict); the token is
masked anew in every answer, because answers are compressed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi.params import Depends as DependsOn
from starlette.requests import Request
from starlette.responses import Response

from services.portal.auditing.standing import Standing, Standings
from services.portal.backends import Caller
from services.portal.people.demo_issuer import TOKEN_SECONDS, DemoIssuer
from services.portal.proxy import from_this_site
from services.portal.settings import PortalSettings
from services.portal.texts import Texts
from shared.kernel.refusals import Forbidden, Refusal
from shared.standards.rights import Right
from shared.web.authentication import Unauthenticated
from shared.web.languages import LANGUAGE_COOKIE, Language, language_of
from shared.web.traces import traceparent_of
from shared.web.viewers import SESSION_COOKIE, Viewer, token_of, viewer

FORM_COOKIE = "rollcall_form"
_YEAR_SECONDS = 365 * 24 * 3600


class FormExpired(Refusal):
    """The form was not made by this site for this browser, or too long ago."""

    status = 403
    code = "form_expired"

    def __init__(self, language: Language) -> None:
        text = Texts("zh")("error.form_expired"), Texts("en")("error.form_expired")
        super().__init__(*text)


@dataclass(frozen=True)
class Opening:
    """What every page needs to know of a request. ``nonce`` is this browser's form cookie; ``standing``: for auditors,
    whether anything was found wrong with the records."""

    viewer: Viewer
    language: Language
    texts: Texts
    caller: Caller
    nonce: str
    standing: Standing | None = None

    def allow(self, *rights: Right) -> None:
        """Raises Forbidden unless the viewer holds one of ``rights``."""
        _allow(self.viewer, rights)


def _allow(found: Viewer, rights: Sequence[Right]) -> None:
    if not found.has(*rights):
        raise Forbidden(Texts("zh")("error.text_403"), Texts("en")("error.text_403"))


async def opening(request: Request) -> Opening:
    """FastAPI dependency. Raises Unauthenticated."""
    found = await viewer(request)
    token = token_of(request)
    if token is None:
        raise Unauthenticated("no token")
    language = language_of(request)
    caller = Caller(token, language, traceparent_of(request))
    standing = None
    if found.has(Right.ALARMS_WATCH):
        standings: Standings = request.app.state.standings
        standing = await standings.now(request.app.state.backends, caller)
    return Opening(found, language, Texts(language), caller, nonce_of(request), standing)


class Permission:
    """FastAPI dependency of a page's route: one of ``rights`` is held. The route tells by it whom it opens for, and
    what leads to it is a link for nobody else (doors.py)."""

    def __init__(self, *rights: Right) -> None:
        self.rights = rights

    async def __call__(self, request: Request) -> None:
        """Raises Forbidden, Unauthenticated."""
        _allow(await viewer(request), self.rights)


def permit(*rights: Right) -> DependsOn:
    """What a route names among its ``dependencies``. Raises ValueError without any right: nobody would pass."""
    if not rights:
        raise ValueError("a page names at least one right")
    return DependsOn(Permission(*rights))


def answers_for_all(request: Request, opened: Opening) -> bool:
    """Whether the viewer's division holds all of the installation's: what is stated for everybody at once, the registry
    takes from nobody else, and a page offers it to nobody else."""
    settings: PortalSettings = request.app.state.settings
    return opened.viewer.scope.holds(settings.division)


def nonce_of(request: Request) -> str:
    """This browser's form cookie, made when it has none; :func:`finish` sends it."""
    nonce: str | None = getattr(request.state, "form_nonce", None)
    if nonce is None:
        given = request.cookies.get(FORM_COOKIE, "")
        nonce = given if len(given) == 43 else base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        request.state.form_nonce = nonce
    return nonce


def form_token(key: bytes, nonce: str) -> str:
    """The token a form of this browser carries, different in each answer and good in all."""
    proof, mask = hmac.new(key, nonce.encode(), hashlib.sha256).digest(), os.urandom(32)
    masked = bytes(a ^ b for a, b in zip(proof, mask, strict=True))
    return base64.urlsafe_b64encode(mask + masked).decode()


def check_form(request: Request, token: object) -> None:
    """Raises FormExpired unless the form was made here for this browser."""
    if ("origin" in request.headers or "sec-fetch-site" in request.headers) and not from_this_site(request):
        raise FormExpired(language_of(request))
    key: bytes = request.app.state.settings.form_key
    expected = hmac.new(key, request.cookies.get(FORM_COOKIE, "").encode(), hashlib.sha256).digest()
    try:
        raw = base64.urlsafe_b64decode(token) if isinstance(token, str) and len(token) < 200 else b""
    except (binascii.Error, ValueError):
        raw = b""
    given = bytes(a ^ b for a, b in zip(raw[:32], raw[32:], strict=False)) if len(raw) == 64 else b""
    if FORM_COOKIE not in request.cookies or not hmac.compare_digest(expected, given):
        raise FormExpired(language_of(request))


def finish(request: Request, response: Response) -> Response:
    """Send the form cookie, a chosen language and, near its end, a demonstration's fresh session with an answer."""
    secure: bool = request.app.state.settings.secure_cookies
    nonce = getattr(request.state, "form_nonce", None)
    if nonce is not None and request.cookies.get(FORM_COOKIE) != nonce:
        response.set_cookie(FORM_COOKIE, nonce, httponly=True, samesite="strict", secure=secure)
    issuer: DemoIssuer | None = request.app.state.issuer
    known = getattr(request.state, "viewer", None)
    session = request.cookies.get(SESSION_COOKIE)
    if issuer is not None and isinstance(known, Viewer) and session and token_of(request) == session:
        fresh = issuer.renewed(request.app.state.authenticator.claims_now(session))
        if fresh is not None:
            keep_session(response, fresh, secure=secure)
    asked = request.query_params.get("lang")
    if asked in ("zh", "en"):
        response.set_cookie(LANGUAGE_COOKIE, asked, max_age=_YEAR_SECONDS, samesite="lax", secure=secure)
    return response


def keep_session(response: Response, token: str, *, secure: bool) -> None:
    """Put the session into the browser, out of reach of scripts and of other sites' forms."""
    response.set_cookie(SESSION_COOKIE, token, max_age=TOKEN_SECONDS, httponly=True, samesite="lax", secure=secure)


def inside(address: str | None, otherwise: str = "/") -> str:
    """An address of this site to go back to; never another host's."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")) or not address.isprintable():
        return otherwise
    return quote(address, safe="/?&=%-._~+:,*")
