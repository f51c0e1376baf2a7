"""What happens to a student, recorded on her page: transferred, accepted elsewhere, left, back, in another class,
particulars corrected. What the registry refuses is said beside the form, with what was typed."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, command_of, text
from services.portal.life_forms import ACTS
from services.portal.session import Opening, opening
from services.portal.students import student_page
from shared.kernel.refusals import NotFound
from shared.standards.rights import Right

Opened = Annotated[Opening, Depends(opening)]
_SHOWN_AGAIN = (404, 409, 422)  # refusals after which the person goes on on the same page


router = APIRouter(include_in_schema=False)


@router.get("/students/{student_id}/life/{act}")
async def act_address(student_id: UUID, act: str) -> Response:
    """Where a reload after a refusal comes to."""
    return RedirectResponse(f"/students/{student_id}", 303)


@router.post("/students/{student_id}/life/{act}")
async def record(request: Request, student_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Record it; leads back to the student."""
    opened.allow(Right.REGISTER_KEEP)
    if act not in ACTS:
        raise NotFound("没有这个页面", "No such page")
    typed = {field.name: text(form, field.name) for field in ACTS[act]}
    backends: Backends = request.app.state.backends
    path = f"/v1/students/{student_id}/{act}"
    try:
        await backends.post(opened.caller, "registry", path, _said(act, typed), command_id=command_of(form, typed))
    except Refused as refused:
        if refused.status not in _SHOWN_AGAIN:
            raise
        kept = {"act": act, "complaint": refused.detail, "typed": typed}
        return await student_page(request, opened, student_id, life=kept, status=refused.status)
    return RedirectResponse(f"/students/{student_id}?done=life", 303)


def _said(act: str, typed: dict[str, str]) -> dict[str, Any]:
    """A particular left empty stays as it is; elsewhere an empty field says nothing."""
    if act == "correct":
        return {name: value for name, value in typed.items() if value}
    return {name: value or None for name, value in typed.items()}
