"""Signing in through the issuer, as far as the browser is concerned: away, back, and what came back to access.

What the browser keeps meanwhile is one cookie: why it left, the secret access gave for this sign-in, and where it
wanted to go. The way there is a page of its own, because a form's answer may not lead to another host (form-action).
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, BackendTrouble, Refused, Unreachable
from services.portal.forms import sent_form, text
from services.portal.people.account import my_account
from services.portal.people.entering import entered, nobody_yet, oidc_name, session_caller, sign_in_form
from services.portal.rendering import Rendering
from services.portal.session import Opening, inside, opening

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
Sent = Annotated[FormData, Depends(sent_form)]
SECURE_COOKIE, PLAIN_COOKIE = "__Host-rollcall-oidc", "rollcall_oidc"
AWAY_SECONDS = 600
SIGN_IN, LINK = "sign-in", "link"
_WANTED_CHARACTERS = 1_500
# Said on the page it was tried on; anything else is a failure like others.
_TOLD = frozenset({
    "flow_over", "issuer_refused", "issuer_unreachable", "identity_unlinked", "identity_taken", "too_many_identities",
    "too_many_attempts", "account_is_closed", "password_given_once", "sign_in_failed", "oidc_off", "busy", "wrong_code",
    "malformed",
})  # fmt: skip


class Kept(NamedTuple):
    """What the cookie holds."""

    why: str
    flow: str
    wanted: str


@router.post("/sign-in/oidc")
async def begin(request: Request, sent: Sent) -> Response:
    """Leave for the issuer to sign in."""
    wanted = inside(text(sent, "next"))
    try:
        away = await _ask(request, "/v1/oidc/begin", {})
    except (Refused, Unreachable) as trouble:
        return sign_in_form(request, wanted, failed=_told(trouble), status=trouble.status)
    return _leave(request, away, SIGN_IN, wanted)


@router.get("/sign-in/oidc/callback")
async def back(request: Request) -> Response:
    """Where the issuer sends the browser: only the one that left gets anywhere."""
    kept = _kept(request)
    if kept is None:
        return sign_in_form(request, "/", failed="flow_over", status=401)
    given = request.query_params
    names = {"state": "state", "code": "code", "error": "error", "iss": "issuer"}
    body = {"flow": kept.flow} | {said: given[name] for name, said in names.items() if name in given}
    if kept.why == LINK:
        return await _linked(request, body)
    try:
        opened = await _ask(request, "/v1/oidc/finish", {"state": "", **body})
    except (Refused, Unreachable) as trouble:
        if trouble.code == "code_needed":
            return _code_form(request)
        failed = _told(trouble)
        failed = "issuer_refused" if failed == "malformed" else failed  # of what the issuer sent
        subject = _subject(trouble)
        return _done(request, sign_in_form(request, kept.wanted, failed=failed, subject=subject, status=trouble.status))
    return _done(request, entered(request, opened, kept.wanted))


@router.post("/sign-in/oidc/code")
async def code(request: Request, sent: Sent) -> Response:
    """The code of the authenticator, where the account asks for one."""
    kept = _kept(request)
    if kept is None:
        return sign_in_form(request, "/", failed="flow_over", status=401)
    try:
        opened = await _ask(request, "/v1/oidc/code", {"flow": kept.flow, "code": text(sent, "code") or "-"})
    except (Refused, Unreachable) as trouble:
        failed = _told(trouble)
        if failed in ("wrong_code", "malformed", "too_many_attempts"):
            return _code_form(request, failed="wrong_code" if failed == "malformed" else failed, status=trouble.status)
        return _done(request, sign_in_form(request, kept.wanted, failed=failed, status=trouble.status))
    return _done(request, entered(request, opened, kept.wanted))


@router.post("/account/identities")
async def link(request: Request, opened: Opened, sent: Sent) -> Response:
    """Leave for the issuer to link an identity to this account."""
    secret = session_caller(request).token
    try:
        away = await _ask(request, "/v1/me/identities", {"password": str(sent.get("password") or "")}, secret)
    except (Refused, Unreachable) as trouble:
        return await my_account(request, opened, failed=_told(trouble), status=trouble.status)
    return _leave(request, away, LINK, "/account")


@router.post("/account/identities/{identity_id}/unlink")
async def unlink(request: Request, identity_id: UUID, _opened: Opened, _sent: Sent) -> Response:
    """Take an identity away; a session that began there ends, this one too if it did."""
    await _ask(request, f"/v1/me/identities/{identity_id}/unlink", {}, session_caller(request).token)
    return RedirectResponse("/account", 303)


async def _linked(request: Request, body: dict[str, str]) -> Response:
    opened = await opening(request)
    secret = session_caller(request).token
    try:
        await _ask(request, "/v1/me/identities/finish", {"state": "", **body}, secret)
    except (Refused, Unreachable) as trouble:
        return _done(request, await my_account(request, opened, failed=_told(trouble), status=trouble.status))
    return _done(request, RedirectResponse("/account", 303))


async def _ask(request: Request, path: str, body: dict[str, str], secret: str = "") -> Any:
    backends: Backends = request.app.state.backends
    return (await backends.post(nobody_yet(request, secret), "access", path, body)).body


def _told(trouble: BackendTrouble) -> str:
    """Why it did not work, as the page words it. Raises the trouble itself when it has no words for it."""
    if isinstance(trouble, Unreachable):
        return "issuer_unreachable"
    if trouble.code not in _TOLD:
        raise trouble
    return trouble.code


def _subject(trouble: BackendTrouble) -> str:
    """As the issuer calls whoever was not known: for the administrator they will tell."""
    facts = trouble.problem.get("facts") if isinstance(trouble, Refused) else None
    return str(facts.get("subject", "")) if isinstance(facts, dict) else ""


def _leave(request: Request, away: dict[str, str], why: str, wanted: str) -> Response:
    secure: bool = request.app.state.settings.secure_cookies
    rendering: Rendering = request.app.state.rendering
    answer = rendering.page(request, None, "leaving.html", address=away["address"], oidc=oidc_name(request))
    value = f"{why}.{away['flow']}.{quote(wanted if len(wanted) <= _WANTED_CHARACTERS else '/', safe='')}"
    answer.set_cookie(
        _cookie(secure), value, max_age=AWAY_SECONDS, httponly=True, samesite="lax", secure=secure, path="/"
    )
    return answer


def _kept(request: Request) -> Kept | None:
    value = request.cookies.get(_cookie(request.app.state.settings.secure_cookies), "")
    parts = value.split(".", 2)
    if len(parts) != 3 or len(parts[1]) != 43 or parts[0] not in (SIGN_IN, LINK):
        return None
    return Kept(parts[0], parts[1], inside(unquote(parts[2])))


def _done(request: Request, answer: Response) -> Response:
    secure: bool = request.app.state.settings.secure_cookies
    answer.delete_cookie(_cookie(secure), secure=secure, httponly=True, path="/")
    return answer


def _cookie(secure: bool) -> str:
    return SECURE_COOKIE if secure else PLAIN_COOKIE


def _code_form(request: Request, *, failed: str = "", status: int = 200) -> Response:
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, None, "sign_in_code.html", status=status, failed=failed)
