"""Requests that two sides agree on: corrections of somebody else's record, and changes of households."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
_APPROVING = {"request.html": Right.CORRECTIONS_DECIDE, "household_change.html": Right.HOUSEHOLDS_APPROVE}
STATES = ("open", "approved", "refused")
FIELDS = ("name", "id_number", "student_number", "guardian_name", "guardian_id", "phone", "address")
STEPS = ("approve", "refuse")
_SHOWN_AGAIN = (403, 404, 409, 422)  # refusals after which the person goes on on the same page
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@router.get("/requests", dependencies=[permit(Right.CORRECTIONS_ASK)])
async def requests(request: Request, opened: Opened) -> Response:
    """The inbox of one's own records, what one asked for oneself, and the form."""
    return await _requests(request, opened)


@router.post("/requests", dependencies=[permit(Right.CORRECTIONS_ASK)])
async def ask(request: Request, opened: Opened, form: Sent) -> Response:
    """Ask the owner of a record to correct it; leads to the request."""
    typed = {name: text(form, name) for name in form if name not in ("form_token", "command_id")}
    found = _ID.search(typed.get("record", "").lower())
    backends: Backends = request.app.state.backends
    try:
        if found is None:
            raise Malformed("请填写学生页面网址或名单行编号", "Give the link of the student's page, or the row's id")
        body = {
            "target": "entry" if typed.get("target") == "entry" else "student",
            "target_id": found[0],
            "wanted": {name: typed[f"to_{name}"] for name in FIELDS if typed.get(f"to_{name}")},
            "reason": typed.get("reason", ""),
            "evidence": typed.get("evidence", ""),
        }
        answer = await backends.post(
            opened.caller, "registry", "/v1/change-requests", body, command_id=command_id(form)
        )
    except (Refused, Refusal) as refused:
        return await _requests(request, opened, typed, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/requests/{answer.body['request_id']}", 303)


@router.get("/requests/{request_id}", dependencies=[permit(Right.CORRECTIONS_ASK)])
async def one(request: Request, request_id: UUID, opened: Opened) -> Response:
    """One request: of each field what was, what is and what is wanted."""
    return await _shown(request, opened, "request.html", f"/v1/change-requests/{request_id}")


@router.get("/requests/{request_id}/{step}")
async def step_address(request_id: UUID, step: str) -> Response:
    """Where a reload after a refused step comes to."""
    return RedirectResponse(f"/requests/{request_id}", 303)


@router.post("/requests/{request_id}/{step}", dependencies=[permit(Right.CORRECTIONS_ASK)])
async def decide(request: Request, request_id: UUID, step: str, opened: Opened, form: Sent) -> Response:
    """Approve what was shown, or refuse."""
    place = (f"/requests/{request_id}", f"/v1/change-requests/{request_id}")
    return await _decide(request, opened, form, "request.html", place, step, "shown_hash")


@router.get("/household-changes", dependencies=[permit(Right.HOUSEHOLDS_ASK)])
async def household_changes(request: Request, opened: Opened) -> Response:
    """Changes of households that wait for a second person, and those decided."""
    return await household_list(request, opened, {})


async def household_list(
    request: Request, opened: Opening, typed: Mapping[str, str], refused: Refused | None = None
) -> Response:
    """The changes asked for, and the form that finds a household by its number."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    rows = (await backends.get(opened.caller, "registry", "/v1/household-proposals")).body
    return rendering.page(
        request,
        opened,
        "household_changes.html",
        rows=rows,
        typed=typed,
        **shown,
        may_register=opened.viewer.has(Right.HOUSEHOLDS_CHANGE),
    )


@router.get("/household-changes/{proposal_id}", dependencies=[permit(Right.HOUSEHOLDS_ASK)])
async def household_change(request: Request, proposal_id: UUID, opened: Opened) -> Response:
    """One, with the households before and after."""
    return await _shown(request, opened, "household_change.html", f"/v1/household-proposals/{proposal_id}")


@router.get("/household-changes/{proposal_id}/{step}")
async def household_step_address(proposal_id: UUID, step: str) -> Response:
    """Where a reload after a refused step comes to."""
    return RedirectResponse(f"/household-changes/{proposal_id}", 303)


@router.post(
    "/household-changes/{proposal_id}/{step}", dependencies=[permit(Right.HOUSEHOLDS_CHANGE, Right.HOUSEHOLDS_APPROVE)]
)
async def decide_household(request: Request, proposal_id: UUID, step: str, opened: Opened, form: Sent) -> Response:
    """Approve what was shown, or refuse."""
    place = (f"/household-changes/{proposal_id}", f"/v1/household-proposals/{proposal_id}")
    return await _decide(request, opened, form, "household_change.html", place, step, "preview_hash")


async def _decide(
    request: Request, opened: Opening, form: Sent, template: str, place: tuple[str, str], step: str, hash_name: str
) -> Response:
    here, path = place
    if step not in STEPS:
        return RedirectResponse(here, 303)
    name = hash_name if step == "approve" else "reason"
    backends: Backends = request.app.state.backends
    try:
        body = {name: text(form, name)}
        await backends.post(opened.caller, "registry", f"{path}/{step}", body, command_id=command_id(form))
    except (Refused, Refusal) as refused:
        return await _shown(request, opened, template, path, refused, reason=text(form, "reason"))
    return RedirectResponse(here, 303)


async def _shown(
    request: Request,
    opened: Opening,
    template: str,
    path: str,
    refused: Refused | Refusal | None = None,
    reason: str = "",
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told = (await backends.get(opened.caller, "registry", path)).body
    return rendering.page(
        request,
        opened,
        template,
        told=told,
        own=opened.viewer.principal in (told.get("requested_by"), told.get("proposed_by")),
        may_decide=opened.viewer.has(_APPROVING[template]),
        reason=reason,
        **shown,
        command_id=str(new_event_id()),
    )


async def _requests(
    request: Request, opened: Opening, typed: Mapping[str, str] | None = None, complaint: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    asked = request.query_params.get("state", "open")
    params: dict[str, Param] = {
        "state": asked if asked in STATES else "open",
        "after": request.query_params.get("after", ""),
    }
    inbox: Any = {"items": [], "next": None}
    if opened.viewer.has(Right.CORRECTIONS_DECIDE):
        inbox = (await backends.get(opened.caller, "registry", "/v1/change-requests", params)).body
    mine: Any = (await backends.get(opened.caller, "registry", "/v1/change-requests/mine")).body
    return rendering.page(
        request,
        opened,
        "requests.html",
        status=status,
        inbox=inbox["items"],
        following=f"/requests?state={params['state']}&after={inbox['next']}" if inbox["next"] else None,
        state=params["state"],
        states=STATES,
        mine=mine,
        fields=FIELDS,
        typed=typed or {},
        complaint=complaint,
        command_id=str(new_event_id()),
    )
