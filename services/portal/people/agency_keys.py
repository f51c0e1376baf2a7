"""Keys of agencies' machines: who has which, when it was used last; issued, rotated and revoked. A key is shown once,
where its form is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.clock import today, utc_now
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
PAGE = "/agency-keys"
FIELDS = ("agency", "label", "until")
ROTATING = ("keep", "until")
LIFE = timedelta(days=365)  # what the form proposes: the longest a key may live
# How long a former key may be used on: as long as it takes to reach whoever runs the machine.
KEPT: Mapping[str, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}


@router.get(PAGE, dependencies=[permit(Right.AGENCY_KEYS_READ)])
async def agency_keys(request: Request, opened: Opened) -> Response:
    """The keys one looks after."""
    return await _page(request, opened)


@router.post(PAGE, dependencies=[permit(Right.AGENCY_KEYS_ISSUE)])
async def issue(request: Request, opened: Opened, form: Sent) -> Response:
    """A key for a machine, shown in the answer."""
    typed = {name: text(form, name) for name in FIELDS}
    try:
        made = await _post(request, opened, "/v1/agency-keys", typed, form)
    except (Refused, Refusal) as refused:
        return await _page(request, opened, typed=typed, **refusal_shown(opened, refused))
    return await _made(request, opened, made)


@router.get(f"{PAGE}/{{key_id}}/rotate")
@router.get(f"{PAGE}/{{key_id}}/revoke")
async def again(key_id: UUID) -> Response:
    """Where a reload of an answer comes to."""
    return RedirectResponse(PAGE, 303)


@router.post(f"{PAGE}/{{key_id}}/rotate", dependencies=[permit(Right.AGENCY_KEYS_ROTATE)])
async def rotate(request: Request, key_id: UUID, opened: Opened, form: Sent) -> Response:
    """Another key in its place, shown in the answer."""
    typed = {name: text(form, name) for name in ROTATING}
    try:
        kept = KEPT.get(typed["keep"])
        if kept is None:
            raise Malformed("请选择旧密钥再用多久", "Say how long the former key is good", field="keep")
        body = {"until": typed["until"], "valid_until": (utc_now() + kept).isoformat()}
        made = await _post(request, opened, f"/v1/agency-keys/{key_id}/rotate", body, form)
    except (Refused, Refusal) as refused:
        turning = {"key_id": str(key_id), **typed}
        return await _page(request, opened, turning=turning, **refusal_shown(opened, refused))
    return await _made(request, opened, made)


@router.post(f"{PAGE}/{{key_id}}/revoke", dependencies=[permit(Right.AGENCY_KEYS_ROTATE)])
async def revoke(request: Request, key_id: UUID, opened: Opened, form: Sent) -> Response:
    """Out at once."""
    try:
        await _post(request, opened, f"/v1/agency-keys/{key_id}/revoke", None, form)
    except (Refused, Refusal) as refused:
        return await _page(request, opened, **refusal_shown(opened, refused))
    return back(form, "key_revoked", PAGE)


async def _post(request: Request, opened: Opening, path: str, body: Any, form: FormData) -> Any:
    return (await _backends(request).post(opened.caller, "access", path, body, command_id=command_id(form))).body


async def _made(request: Request, opened: Opening, made: Mapping[str, Any]) -> Response:
    answer = await _page(request, opened, made=made)
    answer.headers["cache-control"] = "no-store"
    return answer


async def _page(
    request: Request,
    opened: Opening,
    *,
    typed: Mapping[str, str] | None = None,
    turning: Mapping[str, str] | None = None,
    made: Mapping[str, Any] | None = None,
    complaint: str = "",
    status: int = 200,
) -> Response:
    rows = (await _backends(request).get(opened.caller, "access", "/v1/agency-keys")).body["items"]
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "agency_keys.html",
        status=status,
        rows=[{**row, "state": _state(row)} for row in rows],
        typed=typed or {**dict.fromkeys(FIELDS, ""), "until": (today() + LIFE).isoformat()},
        proposed=(today() + LIFE).isoformat(),
        kept=list(KEPT),
        turning=turning or {},
        made=made,
        complaint=complaint,
    )


def _state(row: Mapping[str, Any]) -> str:
    if row["revoked"]:
        return "revoked"
    if row["until"] <= today().isoformat():
        return "expired"
    if row["ends_at"] is None:
        return "good"
    return "ending" if row["ends_at"] > utc_now().isoformat() else "replaced"


def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends
