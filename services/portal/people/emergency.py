"""Emergency access: asked for and given back by who is at work, looked at by somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, BackendTrouble, Refused
from services.portal.forms import Sent, back, command_id, refusal_shown, text
from services.portal.people.entering import entered, session_caller
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_reading import school_choices
from shared.standards.posts import POSTS, Kind, Shape
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
FIELDS = ("kind", "division", "school", "school_class", "hours", "reason")
# What of the place a kind of post is asked for.
PLACES: Mapping[Shape, tuple[str, ...]] = {
    Shape.DIVISION: ("division",),
    Shape.SCHOOL: ("school",),
    Shape.CLASS: ("school", "school_class"),
}
_NOTHING = {"kinds": [], "longest_hours": 0, "division": None, "school": None, "until": None}


@router.get("/emergency", dependencies=[permit(Right.EMERGENCY_ASK)])
async def ask_form(request: Request, opened: Opened) -> Response:
    """What may be asked for, and what comes of it."""
    return await _ask(request, opened)


@router.post("/emergency", dependencies=[permit(Right.EMERGENCY_ASK)])
async def ask(request: Request, opened: Opened, form: Sent) -> Response:
    """Take it; what is wrong is said above the form, which keeps what was typed."""
    typed = {name: text(form, name) for name in FIELDS}
    kind = typed["kind"]
    asked = PLACES.get(POSTS[Kind(kind)].shape, ()) if kind in list(Kind) else ()
    body: dict[str, Any] = {"kind": kind, "reason": typed["reason"], "hours": typed["hours"]}
    body |= {name: typed[name] or None for name in asked}
    try:
        told = (await _backends(request).post(session_caller(request), "access", "/v1/me/emergency", body)).body
    except Refused as refused:
        return await _ask(request, opened, typed=typed, **refusal_shown(opened, refused, (403, 409, 422)))
    return entered(request, told, "/")


@router.post("/emergency/end")
async def end(request: Request, opened: Opened, _form: Sent) -> Response:
    """Back in one's own post."""
    if not opened.viewer.emergency:
        return RedirectResponse("/", 303)
    told = (await _backends(request).post(session_caller(request), "access", "/v1/me/emergency/end", {})).body
    return entered(request, told, "/?done=emergency_ended")


@router.get("/emergencies", dependencies=[permit(Right.EMERGENCY_REVIEW)])
async def emergencies(request: Request, opened: Opened) -> Response:
    """Those of one's place: what waits for a review first."""
    rows = (await _backends(request).get(opened.caller, "access", "/v1/emergencies")).body["items"]
    waiting = [row for row in rows if row["state"] != "reviewed"]
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "emergencies.html",
        waiting=sorted(waiting, key=lambda row: row["taken_at"]),
        reviewed=[row for row in rows if row["state"] == "reviewed"],
    )


@router.get("/emergencies/{emergency_id}", dependencies=[permit(Right.EMERGENCY_REVIEW)])
async def emergency(request: Request, emergency_id: UUID, opened: Opened) -> Response:
    """Why, where, and what was done under it."""
    return await _one(request, opened, emergency_id)


@router.post("/emergencies/{emergency_id}/review", dependencies=[permit(Right.EMERGENCY_REVIEW)])
async def review(request: Request, emergency_id: UUID, opened: Opened, form: Sent) -> Response:
    """Say whether it was justified."""
    typed = {"justified": text(form, "justified"), "note": text(form, "note")}
    body = {"justified": {"yes": True, "no": False}.get(typed["justified"]), "note": typed["note"]}
    path = f"/v1/emergencies/{emergency_id}/review"
    try:
        await _backends(request).post(opened.caller, "access", path, body, command_id=command_id(form))
    except Refused as refused:
        return await _one(request, opened, emergency_id, typed, **refusal_shown(opened, refused, (409, 422)))
    return back(form, "emergency_reviewed", f"/emergencies/{emergency_id}")


async def _ask(
    request: Request,
    opened: Opening,
    *,
    typed: Mapping[str, str] | None = None,
    complaint: str = "",
    status: int = 200,
) -> Response:
    backends = _backends(request)
    offered: dict[str, Any] = _NOTHING
    if opened.viewer.session:  # a demonstration's persona has no account to take it with
        offered = (await backends.get(session_caller(request), "access", "/v1/me/emergency")).body
    rendering: Rendering = request.app.state.rendering
    known = {"division": offered["division"] or "", "school": offered["school"] or "", "hours": "1"}
    return rendering.page(
        request,
        opened,
        "emergency.html",
        status=status,
        offered=offered,
        schools=await school_choices(backends, opened) if offered["kinds"] and not offered["school"] else None,
        typed=dict.fromkeys(FIELDS, "") | known | dict(typed or {}),
        complaint=complaint,
    )


async def _one(
    request: Request,
    opened: Opening,
    emergency_id: UUID,
    typed: Mapping[str, str] | None = None,
    complaint: str = "",
    status: int = 200,
) -> Response:
    backends = _backends(request)
    told = (await backends.get(opened.caller, "access", f"/v1/emergencies/{emergency_id}")).body
    try:
        acts = (await backends.get(opened.caller, "audit", f"/v1/emergencies/{emergency_id}/acts")).body
    except BackendTrouble:
        acts = None  # not archived yet, or audit is away: said on the page
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "emergency_review.html",
        status=status,
        told=told,
        acts=acts,
        typed=typed or {"justified": "", "note": ""},
        complaint=complaint,
    )


def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends
