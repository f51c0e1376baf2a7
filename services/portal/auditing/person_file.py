"""A person's file at a moment: masked, or in full for a purpose that is recorded; why each decision was made, and why
not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from services.portal.auditing.audit import moment_of
from services.portal.auditing.audit_slider import local_text
from services.portal.auditing.person_shown import parts, record_shown, said, tree
from services.portal.backends import Backends, BackendTrouble
from services.portal.forms import Sent, command_of, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import NotFound
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
SUBJECTS = ("aid", "link", "alert")
_MOMENT = {"known_at": 40, "true_on": 10}


@router.get("/audit/file/{student_id}", dependencies=[permit(Right.LOGS_READ)])
async def file(request: Request, student_id: UUID, opened: Opened) -> Response:
    """The file with what is personal masked."""
    return await _page(request, opened, student_id, _typed(request.query_params))


@router.post("/audit/file/{student_id}", dependencies=[permit(Right.FILES_REVEAL)])
async def file_in_full(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """The file in full; audit records the read before it answers."""
    typed = {name: text(form, name)[:characters] for name, characters in _MOMENT.items()}
    purpose = text(form, "purpose")
    body = _question(student_id, typed) | {"purpose": purpose}
    backends: Backends = request.app.state.backends
    try:
        told = await backends.post(opened.caller, "audit", "/v1/person/full", body, command_id=command_of(form, body))
    except BackendTrouble as trouble:
        if trouble.status not in (400, 422):
            raise
        complaint = trouble.detail or opened.texts("person_file.purpose_hint")
        return await _page(request, opened, student_id, typed, complaint=complaint, purpose=purpose)
    return _shown(request, opened, student_id, typed, told.body, purpose=purpose, in_full=True)


@router.get("/audit/file/{student_id}/bundle", dependencies=[permit(Right.LOGS_READ)])
async def bundle(request: Request, student_id: UUID, opened: Opened) -> Response:
    """The masked file, as a file that proves itself."""
    backends: Backends = request.app.state.backends
    question = _question(student_id, _typed(request.query_params))
    with_log = request.query_params.get("with_log") == "yes"
    pieces = await backends.download_by_post(
        opened.caller,
        "audit",
        "/v1/person/bundle",
        command_id=str(new_event_id()),
        body=question | {"with_log": with_log},
    )
    headers = {"content-disposition": 'attachment; filename="person.bundle.zip"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


@router.get("/audit/file/{student_id}/why-not/{subject}", dependencies=[permit(Right.LOGS_READ)])
async def why_not(request: Request, student_id: UUID, subject: str, opened: Opened) -> Response:
    """What she would have to have, and the first thing that is missing; ``part`` for the file's own tree."""
    if subject not in SUBJECTS:
        raise NotFound("没有这一项", "There is no such subject")
    backends: Backends = request.app.state.backends
    question = _question(student_id, _typed(request.query_params)) | {"subject": subject}
    found = (await backends.post(opened.caller, "audit", "/v1/why-not", question)).body
    steps = [{**step, "said": [list(said(row, opened.texts)) for row in step["rows"][:3]]} for step in found["steps"]]
    return _part(request, opened, "why_not", found=found, steps=steps, subject=subject, student_id=student_id)


@router.get("/audit/why/{event_id}", dependencies=[permit(Right.LOGS_READ)])
async def why(request: Request, event_id: UUID, opened: Opened) -> Response:
    """Everything behind one decision, as a tree; ``part`` for the file's own tree."""
    backends: Backends = request.app.state.backends
    known_at = request.query_params.get("known_at", "")[:40]
    body = {"event_id": str(event_id), "known_at": moment_of(known_at) if known_at else None}
    found = (await backends.post(opened.caller, "audit", "/v1/why", body)).body
    return _part(request, opened, "why", found=found, tree=tree(found, opened.texts))


def _part(request: Request, opened: Opening, name: str, **context: Any) -> Response:
    rendering: Rendering = request.app.state.rendering
    template = f"_{name}.html" if request.query_params.get("part") else "reasons.html"
    return rendering.page(request, opened, template, name=name, **context)


def _typed(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query.get(name, "").strip()[:characters] for name, characters in _MOMENT.items()}


def _question(student_id: UUID, typed: Mapping[str, str]) -> dict[str, Any]:
    known_at = moment_of(typed["known_at"]) if typed["known_at"] else None
    return {"student_id": str(student_id), "known_at": known_at, "true_on": typed["true_on"] or None}


async def _page(
    request: Request,
    opened: Opening,
    student_id: UUID,
    typed: Mapping[str, str],
    *,
    complaint: str = "",
    purpose: str = "",
) -> Response:
    backends: Backends = request.app.state.backends
    told = (await backends.post(opened.caller, "audit", "/v1/person", _question(student_id, typed))).body
    return _shown(request, opened, student_id, typed, told, complaint=complaint, purpose=purpose)


def _shown(
    request: Request,
    opened: Opening,
    student_id: UUID,
    typed: Mapping[str, str],
    told: Mapping[str, Any],
    *,
    complaint: str = "",
    purpose: str = "",
    in_full: bool = False,
) -> Response:
    rendering: Rendering = request.app.state.rendering
    decisions = frozenset(map(str, told["decisions"]))
    moment = urlencode({"known_at": told["known_at"], "true_on": told["true_on"]})
    return rendering.page(
        request,
        opened,
        "person_file.html",
        status=422 if complaint else 200,
        student_id=student_id,
        typed={**typed, "known_at": local_text(datetime.fromisoformat(told["known_at"])) if typed["known_at"] else ""},
        told=told,
        particulars=list(said(told["particulars"], opened.texts)),
        parts=parts(told["views"], opened.texts),
        records=[record_shown(event, decisions, opened.texts) for event in told["events"]],
        moment=moment,
        subjects=SUBJECTS,
        complaint=complaint,
        purpose=purpose,
        in_full=in_full,
    )
