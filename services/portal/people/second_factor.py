"""My account's second factor: set up by a code of the authenticator, recovery codes shown once, given up by password.

The seed is shown as text, in groups, and as a link that opens the authenticator of the same device. It travels back in
the form, so that a wrong code does not ask for everything again; access keeps the one it checks codes of.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import text
from services.portal.people.account import Opened, Sent
from services.portal.people.entering import session_caller
from services.portal.rendering import Rendering
from services.portal.session import Opening
from shared.kernel.refusals import Malformed

router = APIRouter(include_in_schema=False)
PAGE = "/account/second-factor"
GROUP = 4  # characters of the seed that people copy at a time
_SAID_BESIDE = ("wrong_code", "malformed", "sign_in_failed", "too_many_attempts", "busy", "second_factor_stands")


@router.get(PAGE)
async def second_factor(request: Request, opened: Opened) -> Response:
    """Whether there is one, and what can be done about it."""
    if not opened.viewer.session:
        return RedirectResponse("/", 303)  # a demonstration's persona has no account
    return await _page(request, opened)


@router.get(f"{PAGE}/confirm")
@router.get(f"{PAGE}/remove")
async def again() -> Response:
    """Where a reload of an answer comes to."""
    return RedirectResponse(PAGE, 303)


@router.post(PAGE)
async def begin(request: Request, opened: Opened, _sent: Sent) -> Response:
    """A seed to be put into an authenticator."""
    try:
        told = (await _backends(request).post(session_caller(request), "access", "/v1/me/second-factor", {})).body
    except Refused as refused:
        return await _again(request, opened, refused)
    return await _page(request, opened, seed=_seed(told["address"]))


@router.post(f"{PAGE}/confirm")
async def confirm(request: Request, opened: Opened, sent: Sent) -> Response:
    """Put it in force by a code of it; the recovery codes, once. A wrong code keeps the seed."""
    seed = _seed(text(sent, "address"))
    body = {"code": text(sent, "code").replace(" ", "")}
    try:
        path = "/v1/me/second-factor/confirm"
        told = (await _backends(request).post(session_caller(request), "access", path, body)).body
    except Refused as refused:
        return await _again(request, opened, refused, seed=seed)
    return await _page(request, opened, codes=told["recovery_codes"])


@router.post(f"{PAGE}/remove")
async def remove(request: Request, opened: Opened, sent: Sent) -> Response:
    """Sign in with the password alone again, which is asked for once more."""
    password = sent.get("password")
    body = {"password": password if isinstance(password, str) else ""}
    try:
        await _backends(request).post(session_caller(request), "access", "/v1/me/second-factor/remove", body)
    except Refused as refused:
        return await _again(request, opened, refused)
    return RedirectResponse(f"{PAGE}?done=second_factor_removed", 303)


async def _again(
    request: Request, opened: Opening, refused: Refused, *, seed: dict[str, Any] | None = None
) -> Response:
    if refused.code not in _SAID_BESIDE:
        raise refused
    return await _page(request, opened, seed=seed, failed=refused.code, status=refused.status)


async def _page(
    request: Request,
    opened: Opening,
    *,
    seed: dict[str, Any] | None = None,
    codes: list[str] | None = None,
    failed: str = "",
    status: int = 200,
) -> Response:
    me = (await _backends(request).get(session_caller(request), "access", "/v1/me")).body
    rendering: Rendering = request.app.state.rendering
    context = {"me": me, "seed": seed, "codes": codes, "failed": failed}
    # Refused sign-in data is 401 at access; here the person is signed in and has only mistyped.
    answer = rendering.page(
        request, opened, "account_second_factor.html", status=422 if status == 401 else status, **context
    )
    if seed is not None or codes is not None:
        answer.headers["cache-control"] = "no-store"
    return answer


def _seed(address: str) -> dict[str, Any]:
    """The address for an authenticator and its secret in groups. Raises Malformed for anything else."""
    parts = urlsplit(address)
    secret = parse_qs(parts.query).get("secret", [""])[0]
    if parts.scheme != "otpauth" or parts.netloc != "totp" or not secret.isalnum():
        raise Malformed("表单不完整,请重新开启", "The form is incomplete; begin again", field="address")
    groups = [secret[start : start + GROUP] for start in range(0, len(secret), GROUP)]
    return {"address": address, "groups": groups}


def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends
