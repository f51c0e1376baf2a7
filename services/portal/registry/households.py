"""The page of one household: found by its number, a change of it filled in and looked at before and after. A split, a
merger and an exit are asked for (the page of the request, where another person approves it, is in agreements.py); who
joins or leaves, another head, a move and an entry to the register are recorded by one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Caller, Refused
from services.portal.forms import Sent, command_of, refusal_shown, text
from services.portal.registry.agreements import household_list
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
ASKED_FOR = ("split", "merge", "register-exit")
RECORDED = ("join", "leave", "head", "move", "register-entry")
KINDS = (*RECORDED[:4], *ASKED_FOR, *RECORDED[4:])
_FIELDS = (
    *("kind", "household_number", "head_id", "remaining_head_id", "into_number", "reason", "on", "why"),
    *("member_id", "division_code", "address", "household_type", "name", "id_number", "relation"),
)
_MEMBERS_MAX = 60
SHOWN_AGAIN = (403, 404, 409, 422)  # refusals after which the person goes on on the same page


@router.get("/household-changes/find", dependencies=[permit(Right.HOUSEHOLDS_ASK)])
async def find(request: Request, opened: Opened) -> Response:
    """To the household of a number; what is not found is said above the list."""
    typed = {name: request.query_params.get(name, "").strip()[:40] for name in ("list", "household_number")}
    try:
        household_id = await _numbered(request, opened.caller, **typed)
    except Refused as refused:
        return await household_list(request, opened, typed, refused)
    return RedirectResponse(f"/household-changes/of/{household_id}", 303)


@router.get("/household-changes/of/{household_id}", dependencies=[permit(Right.HOUSEHOLDS_ASK)])
async def form(request: Request, household_id: UUID, opened: Opened) -> Response:
    """The household as it stands, and the forms."""
    return await _page(request, opened, household_id, {})


@router.get("/household-changes/of/{household_id}/{act}")
async def act_address(household_id: UUID, act: str) -> Response:
    """Where a reload after a preview or a refusal comes to."""
    return RedirectResponse(f"/household-changes/of/{household_id}", 303)


@router.post("/household-changes/of/{household_id}/preview", dependencies=[permit(Right.HOUSEHOLDS_CHANGE)])
async def preview(request: Request, household_id: UUID, opened: Opened, form: Sent) -> Response:
    """The households before and after; nothing is recorded."""
    return await _sent(request, opened, household_id, form, preview=True)


@router.post("/household-changes/of/{household_id}/ask", dependencies=[permit(Right.HOUSEHOLDS_CHANGE)])
async def ask(request: Request, household_id: UUID, opened: Opened, form: Sent) -> Response:
    """Ask for it, which leads to the request that shows the same before and after to whoever decides; or record it,
    which leads back to the household."""
    return await _sent(request, opened, household_id, form, preview=False)


async def _sent(request: Request, opened: Opening, household_id: UUID, form: FormData, *, preview: bool) -> Response:
    typed = _typed(form)
    backends: Backends = request.app.state.backends
    kind = typed["kind"] if typed["kind"] in KINDS else KINDS[0]
    path = f"/v1/households/{household_id}/{kind}{'/preview' if preview else ''}"
    try:
        body = await _body(request, opened, household_id, kind, typed)
        answer = await backends.post(opened.caller, "registry", path, body, command_id=command_of(form, typed))
    except (Refused, Refusal) as refused:
        return await _page(request, opened, household_id, typed, **refusal_shown(opened, refused, SHOWN_AGAIN))
    if preview:
        return await _page(request, opened, household_id, typed, shown=answer.body)
    if kind in RECORDED:
        return RedirectResponse(f"/household-changes/of/{household_id}?done=household", 303)
    return RedirectResponse(f"/household-changes/{answer.body['proposal_id']}", 303)


def _typed(form: FormData) -> dict[str, Any]:
    typed: dict[str, Any] = {name: text(form, name) for name in _FIELDS}
    members = [each for each in form.getlist("member_ids") if isinstance(each, str)]
    return typed | {"member_ids": members[:_MEMBERS_MAX]}


async def _body(
    request: Request, opened: Opening, household_id: UUID, kind: str, typed: Mapping[str, Any]
) -> dict[str, Any]:
    """The form as the registry takes it. Raises Malformed; Refused where no household has the number."""
    if kind in RECORDED:
        return {"on": typed["on"]} | _recorded(kind, typed)
    body: dict[str, Any] = {"on": typed["on"], "why": typed["why"]}
    if kind == "register-exit":
        return body | {"reason": typed["reason"]}
    if kind == "merge":
        listed = (await _standing(request, opened, household_id))["list"]
        into = await _numbered(request, opened.caller, listed, typed["into_number"])
        return body | {"into_household_id": into}
    if not typed["member_ids"]:
        raise Malformed("请勾选分出去的成员", "Tick who leaves the household", field="member_ids")
    heads = {name: typed[name] or None for name in ("head_id", "remaining_head_id")}
    return body | heads | {"household_number": typed["household_number"], "member_ids": typed["member_ids"]}


def _recorded(kind: str, typed: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Malformed."""
    if kind == "move":
        return {"division_code": typed["division_code"], "address": typed["address"] or None}
    if kind == "register-entry":
        return {"household_type": typed["household_type"] or None}
    if kind == "join":
        return {"name": typed["name"]} | {name: typed[name] or None for name in ("id_number", "relation")}
    if not typed["member_id"]:
        raise Malformed("请选择成员", "Choose a member", field="member_id")
    if kind == "leave":
        return {name: typed[name] or None for name in ("member_id", "reason", "head_id")}
    return {"member_id": typed["member_id"]}


def _kinds(standing: Mapping[str, Any]) -> tuple[str, ...]:
    """What can happen to the household as it stands."""
    if standing["list"] != "poverty":
        return tuple(kind for kind in KINDS if not kind.startswith("register-"))
    return tuple(kind for kind in KINDS if kind != ("register-entry" if standing["on_register"] else "register-exit"))


async def _numbered(request: Request, caller: Caller, list: str, household_number: str) -> str:  # noqa: A002
    backends: Backends = request.app.state.backends
    asked = {"list": list, "household_number": household_number}
    found: str = (await backends.get(caller, "registry", "/v1/households", asked)).body["household_id"]
    return found


async def _standing(request: Request, opened: Opening, household_id: UUID) -> dict[str, Any]:
    backends: Backends = request.app.state.backends
    answer = await backends.get(opened.caller, "registry", f"/v1/households/{household_id}/standing")
    told: dict[str, Any] = answer.body
    return told


async def _page(
    request: Request,
    opened: Opening,
    household_id: UUID,
    typed: Mapping[str, Any],
    status: int = 200,
    complaint: str = "",
    shown: Mapping[str, Any] | None = None,
) -> Response:
    rendering: Rendering = request.app.state.rendering
    standing = await _standing(request, opened, household_id)
    return rendering.page(
        request,
        opened,
        "household.html",
        status=status,
        household=standing,
        kinds=_kinds(standing),
        recorded=RECORDED,
        may_see_students=opened.viewer.has(Right.HOUSEHOLDS_READ),
        may_ask=opened.viewer.has(Right.HOUSEHOLDS_CHANGE) and not standing["merged_into"],
        typed=typed,
        complaint=complaint,
        shown=shown,
        command_id=str(new_event_id()),
    )
