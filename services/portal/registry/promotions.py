"""Promotion of a year: who would move where, the order, its progress, and the order to undo it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_id, long_text, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
SCOPE = ("day", "school_code", "stage")
COUNTS = ("promoted", "graduated", "handed_over", "held_back")
_SHOWN_AGAIN = (403, 409, 422)  # refusals after which the person goes on on the same page
_CHARACTERS = 64
_REPEATERS_CHARACTERS = 200_000


@router.get("/promotions", dependencies=[permit(Right.PROMOTIONS_READ)])
async def promotions(request: Request, opened: Opened) -> Response:
    """What was ordered before; with a day in the address, what a promotion on that day would do."""
    given = {name: request.query_params.get(name, "").strip()[:_CHARACTERS] for name in SCOPE}
    return await _page(request, opened, given)


@router.post("/promotions", dependencies=[permit(Right.PROMOTIONS_DO)])
async def start(request: Request, opened: Opened, form: Sent) -> Response:
    """Order it; leads to its progress."""
    backends: Backends = request.app.state.backends
    given = {name: text(form, name) for name in SCOPE}
    body: dict[str, Any] = {name: value for name, value in given.items() if value}
    given["repeaters"] = long_text(form, "repeaters", _REPEATERS_CHARACTERS)
    try:
        body["repeaters"] = _repeaters(given["repeaters"])
        answer = await backends.post(opened.caller, "registry", "/v1/promotions", body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        return await _page(request, opened, given, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/promotions/{answer.body['promotion_id']}", 303)


@router.get("/promotions/{promotion_id}", dependencies=[permit(Right.PROMOTIONS_READ)])
async def promotion(request: Request, promotion_id: UUID, opened: Opened) -> Response:
    """How far it is; the page's script asks for that part alone (``?part=state``)."""
    return await _progress(request, opened, promotion_id)


@router.get("/promotions/{promotion_id}/undo")
async def undo_address(promotion_id: UUID) -> Response:
    """Where a reload after a refused undo comes to."""
    return RedirectResponse(f"/promotions/{promotion_id}", 303)


@router.post("/promotions/{promotion_id}/undo", dependencies=[permit(Right.PROMOTIONS_DO)])
async def undo(request: Request, promotion_id: UUID, opened: Opened, form: Sent) -> Response:
    """Put back what it changed."""
    backends: Backends = request.app.state.backends
    path = f"/v1/promotions/{promotion_id}/undo"
    try:
        await backends.post(opened.caller, "registry", path, {}, command_id=command_id(form))
    except Refused as refused:
        return await _progress(request, opened, promotion_id, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/promotions/{promotion_id}", 303)


async def _page(
    request: Request, opened: Opening, given: Mapping[str, str], complaint: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    may_start = opened.viewer.has(Right.PROMOTIONS_DO)
    typed = {"repeaters": "", **given}
    if opened.viewer.scope.school and not opened.viewer.scope.division:
        typed["school_code"] = opened.viewer.scope.school
    preview = None
    if may_start and re.fullmatch(r"\d{4}-\d{2}-\d{2}", typed["day"]):
        params: dict[str, Param] = {name: typed[name] for name in SCOPE}
        try:
            preview = (await backends.get(opened.caller, "registry", "/v1/promotions/preview", params)).body
        except Refused as refused:
            unseen = refusal_shown(opened, refused, _SHOWN_AGAIN)
            complaint, status = complaint or unseen["complaint"], unseen["status"]
    ordered = (await backends.get(opened.caller, "registry", "/v1/promotions")).body
    return rendering.page(
        request,
        opened,
        "promotions.html",
        status=status,
        ordered=ordered,
        counts=COUNTS,
        may_start=may_start,
        own_school=bool(opened.viewer.scope.school and not opened.viewer.scope.division),
        typed=typed,
        preview=preview,
        complaint=complaint,
        command_id=str(new_event_id()),
    )


async def _progress(
    request: Request, opened: Opening, promotion_id: UUID, complaint: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told = (await backends.get(opened.caller, "registry", f"/v1/promotions/{promotion_id}")).body
    part = request.query_params.get("part") == "state"
    return rendering.page(
        request,
        opened,
        "_promotion.html" if part else "promotion.html",
        status=status,
        told=told,
        counts=COUNTS,
        may_undo=opened.viewer.has(Right.PROMOTIONS_DO),
        complaint=complaint,
        command_id=str(new_event_id()),
    )


def _repeaters(typed: str) -> list[str]:
    """The students who stay, by the end of their page's address, one a line. Raises Malformed."""
    words = typed.split()
    try:
        return [str(UUID(word.rstrip("/").rpartition("/")[2])) for word in words]
    except ValueError:
        raise Malformed(
            "留级学生应填写学生页面的网址,每行一个", "Give links to the students' pages, one a line"
        ) from None
