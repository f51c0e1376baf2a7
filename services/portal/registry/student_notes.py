"""What is noted about a student on her page: a visit at her home, who cares for her, counselling; and the care record,
for a purpose. What is refused is said beside the form, with what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, day, long_text, refusal_shown, text
from services.portal.registry.students import student_page
from services.portal.session import Opening, opening, permit
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
CARE_FIELDS = ("on", "carer_name", "carer_relation", "carer_phone", "parents_whereabouts", "last_contact_on")
_VISIT_FIELDS = ("visited_on", "outcome", "campaign", "repeat_on")
_VISIT_CHARACTERS = 2_000
_COUNSELLING_CHARACTERS = 4_000
_SHOWN_AGAIN = (400, 403, 404, 409, 422)  # refusals after which the person goes on on the same form


@router.get("/students/{student_id}/visits")
@router.get("/students/{student_id}/guardianship")
@router.get("/students/{student_id}/counselling")
@router.get("/students/{student_id}/care")
async def note_address(student_id: UUID) -> Response:
    """Where a reload after a refusal comes to, and after the care record, which is shown once."""
    return RedirectResponse(f"/students/{student_id}", 303)


@router.post("/students/{student_id}/visits", dependencies=[permit(Right.VISITS_LOG)])
async def visit(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """Someone went to the child's home."""
    typed = {name: text(form, name) for name in _VISIT_FIELDS} | {"notes": long_text(form, "notes", _VISIT_CHARACTERS)}
    backends: Backends = request.app.state.backends
    try:
        body = {
            "student_id": str(student_id),
            "campaign": typed["campaign"] or None,
            "visited_on": day(form, "visited_on"),
            "outcome": typed["outcome"],
            "repeat_on": day(form, "repeat_on") if typed["repeat_on"] else None,
            "notes": typed["notes"] or None,
        }
        await backends.post(opened.caller, "visits", "/v1/visits", body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        return await _again(request, opened, student_id, "visits", typed, refused)
    return back(form, "visit", f"/students/{student_id}")


@router.post("/students/{student_id}/care", dependencies=[permit(Right.CARE_KEEP)])
async def care(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """The same page with the care record, once; the registry records who read it and why."""
    backends: Backends = request.app.state.backends
    body = {"purpose": text(form, "care_purpose")}
    path = f"/v1/students/{student_id}/care/reveal"
    try:
        told = (await backends.post(opened.caller, "registry", path, body, command_id=command_id(form))).body
    except Refused as refused:
        return await _again(request, opened, student_id, "care", body, refused)
    return await student_page(request, opened, student_id, care=told)


@router.post("/students/{student_id}/guardianship", dependencies=[permit(Right.CARE_KEEP)])
async def guardianship(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """Somebody else cares for the child."""
    body = {name: text(form, name) or None for name in CARE_FIELDS}
    return await _keep_care(request, opened, student_id, form, "guardianship", body)


@router.post("/students/{student_id}/counselling", dependencies=[permit(Right.COUNSELLING_NOTE)])
async def counselling(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """The school counselled the child."""
    body = {"on": text(form, "on"), "note": long_text(form, "note", _COUNSELLING_CHARACTERS)}
    return await _keep_care(request, opened, student_id, form, "counselling", body)


async def _keep_care(
    request: Request, opened: Opening, student_id: UUID, form: FormData, what: str, body: Mapping[str, Any]
) -> Response:
    backends: Backends = request.app.state.backends
    path = f"/v1/students/{student_id}/{what}"
    try:
        await backends.post(opened.caller, "registry", path, body, command_id=command_id(form))
    except Refused as refused:
        return await _again(request, opened, student_id, what, body, refused)
    return back(form, "care", f"/students/{student_id}")


async def _again(
    request: Request,
    opened: Opening,
    student_id: UUID,
    form: str,
    typed: Mapping[str, Any],
    refused: Refused | Malformed,
) -> Response:
    """Her page with ``form`` open, filled as it was sent, and why it was refused. Raises what is no answer to it."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    unsent = {"form": form, "typed": typed, "complaint": shown["complaint"]}
    return await student_page(request, opened, student_id, unsent=unsent, status=shown["status"])
