"""My account: posts to act in, the password, where I am signed in, and who tried to be me."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import sent_form
from services.portal.people.entering import entered, oidc_name, session_caller
from services.portal.people.leaving import left
from services.portal.people.sign_ins import agent_words
from services.portal.rendering import Rendering
from services.portal.session import Opening, inside, opening

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
Sent = Annotated[FormData, Depends(sent_form)]
LAST_SHOWN = 5


@router.get("/account")
async def account(request: Request, opened: Opened) -> Response:
    """Who I am here."""
    return await my_account(request, opened)


async def my_account(request: Request, opened: Opening, *, failed: str = "", status: int = 200) -> Response:
    """The page; ``failed``: why linking an identity did not work."""
    if not opened.viewer.session:
        return RedirectResponse("/", 303)  # a demonstration's persona has no account
    backends: Backends = request.app.state.backends
    caller = session_caller(request)
    me = (await backends.get(caller, "access", "/v1/me")).body
    rows = (await backends.get(caller, "access", "/v1/me/sign-ins")).body["items"][:LAST_SHOWN]
    name = oidc_name(request)
    identities = (await backends.get(caller, "access", "/v1/me/identities")).body["items"]
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "account.html",
        status=status,
        me=me,
        rows=rows,
        agent=agent_words,
        identities=identities,
        oidc=name,
        failed=failed,
    )


@router.get("/account/posts")
async def posts(request: Request, opened: Opened) -> Response:
    """Which post to act in."""
    backends: Backends = request.app.state.backends
    me = (await backends.get(session_caller(request), "access", "/v1/me")).body
    rendering: Rendering = request.app.state.rendering
    wanted = inside(request.query_params.get("next"))
    return rendering.page(request, opened, "account_posts.html", me=me, wanted=wanted)


@router.get("/account/password")
async def password_form(request: Request, opened: Opened) -> Response:
    """Another password."""
    return await _password(request, opened)


@router.post("/account/password")
async def password(request: Request, opened: Opened, sent: Sent) -> Response:
    """Choose another password; other sessions end."""
    backends: Backends = request.app.state.backends
    former, fresh, again = (str(sent.get(name) or "") for name in ("former", "password", "again"))
    if fresh != again:
        return await _password(request, opened, failed="not_the_same", status=422)
    try:
        body = {"former": former, "password": fresh}
        changed = (await backends.post(session_caller(request), "access", "/v1/me/password", body)).body
    except Refused as refused:
        if refused.code not in ("weak_password", "sign_in_failed", "too_many_attempts", "malformed", "busy"):
            raise
        return await _password(request, opened, failed=refused.code, detail=refused.detail, status=422)
    return entered(request, changed, "/account")


@router.post("/account/sign-out-everywhere")
async def sign_out_everywhere(request: Request, _opened: Opened, _sent: Sent) -> Response:
    """End every session of mine."""
    return await left(request, everywhere=True)


async def _password(
    request: Request, opened: Opening, *, failed: str = "", detail: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    me = (await backends.get(session_caller(request), "access", "/v1/me")).body
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, opened, "account_password.html", status=status, me=me, failed=failed, detail=detail)
