"""What happens to a student, recorded on her page: transferred, accepted elsewhere, left, back, in another class,
particulars corrected. What the registry refuses is said beside the form, with what was typed; where somebody else
corrected her meanwhile, it is settled field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, command_of, refusal_shown, text
from services.portal.registry.life_forms import ACTS
from services.portal.registry.students import student_page
from services.portal.session import Opening, opening, permit
from shared.kernel.refusals import NotFound
from shared.standards.rights import Right

Opened = Annotated[Opening, Depends(opening)]
CORRECT = "correct"
STALE = 412
THEIRS = "theirs"
_SHOWN_AGAIN = (404, 409, STALE, 422)  # refusals after which the person goes on on the same page


router = APIRouter(include_in_schema=False)


@router.get("/students/{student_id}/life/{act}")
async def act_address(student_id: UUID, act: str) -> Response:
    """Where a reload after a refusal comes to."""
    return RedirectResponse(f"/students/{student_id}", 303)


@router.post("/students/{student_id}/life/{act}", dependencies=[permit(Right.REGISTER_KEEP)])
async def record(request: Request, student_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Record it; leads back to the student."""
    if act not in ACTS:
        raise NotFound("没有这个页面", "No such page")
    typed = {field.name: text(form, field.name) for field in ACTS[act]}
    said = _said(act, typed, form)
    if act == CORRECT and said.keys() <= {"on"} and said.keys() < {name for name, value in typed.items() if value}:
        return RedirectResponse(f"/students/{student_id}", 303)  # what the others wrote stays, everywhere
    version = _version(form) if act == CORRECT else None
    backends: Backends = request.app.state.backends
    path = f"/v1/students/{student_id}/{act}"
    try:
        await backends.post(
            opened.caller, "registry", path, said, command_id=command_of(form, [said, version]), version=version
        )
    except Refused as refused:
        shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
        kept: dict[str, Any] = {"act": act, "complaint": shown["complaint"], "typed": typed, "conflict": None}
        if refused.status == STALE and version is not None:
            kept["conflict"] = await _conflict(backends, opened, student_id, version)
        return await student_page(request, opened, student_id, life=kept, status=shown["status"])
    return RedirectResponse(f"/students/{student_id}?done=life", 303)


def _said(act: str, typed: Mapping[str, str], form: FormData) -> dict[str, Any]:
    """A particular left empty, or settled as the others wrote it, stays as it is; elsewhere an empty field says
    nothing."""
    if act == CORRECT:
        return {name: value for name, value in typed.items() if value and text(form, f"take_{name}") != THEIRS}
    return {name: value or None for name, value in typed.items()}


def _version(form: FormData) -> int | None:
    """The version of her record that the person saw."""
    seen = text(form, "version")
    return int(seen) if seen.isascii() and seen.isdigit() else None


async def _conflict(backends: Backends, opened: Opening, student_id: UUID, version: int) -> dict[str, Any]:
    """What others changed since: ``fields`` by name, ``version`` as it is now."""
    path = f"/v1/students/{student_id}/changed-since"
    told = (await backends.get(opened.caller, "registry", path, {"version": version})).body
    return {"version": told["version"], "fields": {each["field"]: each for each in told["fields"]}}
