"""A household registered on the page: its head, its members, where it lives; looked at before it is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import command_of, refusal_shown, text
from services.portal.registry.households import SHOWN_AGAIN
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
LISTS = ("poverty", "civil", "disability")
_OF_HOUSEHOLD = ("list", "household_number", "household_type", "division_code", "address", "on", "head")
OF_MEMBER = ("name", "id_number", "relation")
ROWS_FIRST = 6
ROWS_MORE = 3  # blank rows that are offered beyond those filled in
ROWS_MOST = 60  # members of one household, as the registry takes them


async def _sent_form(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=0, max_fields=len(OF_MEMBER) * ROWS_MOST + 20) as form:
        check_form(request, form.get("form_token"))
        yield form


Sent = Annotated[FormData, Depends(_sent_form)]


@router.get("/household-changes/new", dependencies=[permit(Right.HOUSEHOLDS_CHANGE)])
async def form(request: Request, opened: Opened) -> Response:
    """The empty form."""
    return _page(request, opened, dict.fromkeys(_OF_HOUSEHOLD, "") | {"head": "1", "members": []})


@router.get("/household-changes/new/{act}")
async def act_address(act: str) -> Response:
    """Where a reload after a preview or a refusal comes to."""
    return RedirectResponse("/household-changes/new", 303)


@router.post("/household-changes/new/preview", dependencies=[permit(Right.HOUSEHOLDS_CHANGE)])
async def preview(request: Request, opened: Opened, form: Sent) -> Response:
    """The household as it would stand, and who of it belongs to another one; nothing is recorded."""
    return await _sent(request, opened, form, preview=True)


@router.post("/household-changes/new/record", dependencies=[permit(Right.HOUSEHOLDS_CHANGE)])
async def record(request: Request, opened: Opened, form: Sent) -> Response:
    """Record it, which leads to the household."""
    return await _sent(request, opened, form, preview=False)


async def _sent(request: Request, opened: Opening, form: FormData, *, preview: bool) -> Response:
    typed = _typed(form)
    backends: Backends = request.app.state.backends
    path = "/v1/households/preview" if preview else "/v1/households"
    try:
        body, asked = _body(typed), {"as_of": typed["on"]}
        answer = await backends.post(
            opened.caller, "registry", path, body, command_id=command_of(form, typed), params=asked
        )
    except (Refused, Refusal) as refused:
        return _page(request, opened, typed, **refusal_shown(opened, refused, SHOWN_AGAIN))
    if preview:
        return _page(request, opened, typed, shown=answer.body)
    return RedirectResponse(f"/household-changes/of/{answer.body['household_id']}?done=household", 303)


def _typed(form: FormData) -> dict[str, Any]:
    """What was filled in; rows without a name or a number are left out, and the head keeps pointing at its row."""
    typed: dict[str, Any] = {name: text(form, name) for name in _OF_HOUSEHOLD}
    members: list[dict[str, str]] = []
    heads = ""
    for row in range(1, ROWS_MOST + 1):
        member = {name: text(form, f"{name}_{row}") for name in OF_MEMBER}
        if member["name"] or member["id_number"]:
            members.append(member)
            heads = str(len(members)) if typed["head"] == str(row) else heads
    return typed | {"members": members, "head": heads}


def _body(typed: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Malformed where nobody is named, or nobody heads it."""
    members = [
        {name: member[name] or None for name in OF_MEMBER} | {"head": typed["head"] == str(row)}
        for row, member in enumerate(typed["members"], 1)
    ]
    if not any(member["head"] for member in members):
        raise Malformed("请填写成员并选定户主", "Name the members and choose who heads it", field="head")
    if not all(member["name"] for member in members):
        raise Malformed("每名成员都要填写姓名", "Each member needs a name", field="name")
    fields = {name: typed[name] or None for name in ("household_type", "division_code", "address")}
    return fields | {name: typed[name] for name in ("list", "household_number")} | {"members": members, "new": True}


def _page(
    request: Request,
    opened: Opening,
    typed: Mapping[str, Any],
    status: int = 200,
    complaint: str = "",
    shown: Mapping[str, Any] | None = None,
) -> Response:
    rendering: Rendering = request.app.state.rendering
    filled = len(typed["members"])
    rows = min(max(ROWS_FIRST, filled + ROWS_MORE), ROWS_MOST)
    blank = dict.fromkeys(OF_MEMBER, "")
    return rendering.page(
        request,
        opened,
        "household_entry.html",
        status=status,
        typed={**typed, "on": typed["on"] or today().isoformat()},
        members=[*typed["members"], *([blank] * (rows - filled))],
        rows_most=ROWS_MOST,
        lists=LISTS,
        complaint=complaint,
        shown=shown,
        command_id=str(new_event_id()),
    )
