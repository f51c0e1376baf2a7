"""What comes on paper: typed by one person with the keyboard alone, its scan attached, checked by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right
from shared.web.bodies import Upload, received_file

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
KINDS = ("student", "poverty", "civil", "disability")
_PERSON = ("name", "id_number", "sex", "birth_date")
_ENDS = ("guardian_name", "guardian_id", "phone", "address")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "student": (*_PERSON, "student_number", "school_code", "stage", "grade", "class", *_ENDS),
    "poverty": (*_PERSON, "household_number", "head_name", "relation", "household_type", "school", *_ENDS),
    "civil": (*_PERSON, "allowance_number", "head_name", "relation", "support_type", "area_type", *_ENDS),
    "disability": (*_PERSON, "certificate_number", "disability_kind", "disability_grade", "school", *_ENDS),
}
KEY_FIELDS = ("name", "id_number")
STEPS = ("check", "amend", "refuse")
_SHOWN_AGAIN = (400, 403, 409, 413, 422)  # refusals after which the person goes on on the same page


@router.get("/papers", dependencies=[permit(Right.PAPERS_TYPE)])
async def papers(request: Request, opened: Opened) -> Response:
    """The form, and what waits for a second person."""
    return await _list(request, opened, {"kind": request.query_params.get("kind", "")})


@router.post("/papers", dependencies=[permit(Right.PAPERS_TYPE)])
async def enter(request: Request, opened: Opened, form: Sent) -> Response:
    """Type a paper; leads to it, where its scan is attached."""
    typed = {name: text(form, name) for name in form if name not in ("form_token", "command_id")}
    kind = _kind(opened, typed.get("kind", ""))
    body: dict[str, Any] = {"kind": kind, "fields": _fields(kind, typed)}
    if typed.get("as_of"):
        body["as_of"] = typed["as_of"]
    backends: Backends = request.app.state.backends
    try:
        answer = await backends.post(opened.caller, "registry", "/v1/papers", body, command_id=command_id(form))
    except Refused as refused:
        return await _list(request, opened, typed, refused)
    return RedirectResponse(f"/papers/{answer.body['paper_id']}", 303)


@router.get("/papers/{paper_id}", dependencies=[permit(Right.PAPERS_TYPE)])
async def paper(request: Request, paper_id: UUID, opened: Opened) -> Response:
    """One paper: attach its scan, or type its key fields again."""
    return await _one(request, opened, paper_id)


@router.get("/papers/{paper_id}/scan", dependencies=[permit(Right.PAPERS_TYPE)])
async def scan(request: Request, paper_id: UUID, opened: Opened) -> Response:
    """The scan, for a purpose; the registry records who looked and why."""
    backends: Backends = request.app.state.backends
    path = f"/v1/papers/{paper_id}"
    told = (await backends.get(opened.caller, "registry", path)).body
    purpose = urlencode({"purpose": request.query_params.get("purpose", "")[:200]})
    try:
        pieces = await backends.download(opened.caller, "registry", f"{path}/scan?{purpose}")
    except Refused as refused:
        return await _one(request, opened, paper_id, refused)
    headers = {"cache-control": "no-store", "content-disposition": "inline"}
    return StreamingResponse(pieces, media_type=told["scan_type"] or "application/octet-stream", headers=headers)


@router.get("/papers/{paper_id}/{step}")
async def step_address(paper_id: UUID, step: str) -> Response:
    """Where a reload after a refused step comes to."""
    return RedirectResponse(f"/papers/{paper_id}", 303)


@router.post("/papers/{paper_id}/attachments", dependencies=[permit(Right.PAPERS_TYPE)])
async def attach(
    request: Request, paper_id: UUID, opened: Opened, sent: Annotated[Upload, Depends(received_file)]
) -> Response:
    """Keep the scan."""
    check_form(request, sent.fields.get("form_token"))
    backends: Backends = request.app.state.backends
    path = f"/v1/papers/{paper_id}/attachments"
    try:
        with sent.path.open("rb") as file:
            await backends.post(opened.caller, "registry", path, file=("scan", file))
    except Refused as refused:
        return await _one(request, opened, paper_id, refused)
    return RedirectResponse(f"/papers/{paper_id}", 303)


@router.post("/papers/{paper_id}/{step}", dependencies=[permit(Right.PAPERS_TYPE)])
async def take_step(request: Request, paper_id: UUID, step: str, opened: Opened, form: Sent) -> Response:
    """Check, type anew, or refuse."""
    if step not in STEPS:
        return RedirectResponse(f"/papers/{paper_id}", 303)
    backends: Backends = request.app.state.backends
    typed = {name: text(form, name) for name in form if name not in ("form_token", "command_id")}
    body: dict[str, Any] = {"reason": typed.get("reason", "")}
    if step == "check":
        body = {"fields": {name: typed.get(name, "") for name in KEY_FIELDS}}
    if step == "amend":
        body = {"fields": _fields(_kind(opened, typed.get("kind", "")), typed)}
    path = f"/v1/papers/{paper_id}/{step}"
    try:
        answer = await backends.post(opened.caller, "registry", path, body, command_id=command_id(form))
    except Refused as refused:
        return await _one(request, opened, paper_id, refused, typed)
    if step == "check" and answer.body["differences"]:
        return await _one(request, opened, paper_id, None, typed, answer.body["differences"])
    return RedirectResponse(f"/papers/{paper_id}", 303)


def _kinds(opened: Opening) -> tuple[str, ...]:
    """What this person may type: a school students, an agency rows of its list, a clerk all."""
    if opened.viewer.scope.division:
        return KINDS
    return KINDS[:1] if opened.viewer.scope.school else KINDS[1:]


def _kind(opened: Opening, asked: str) -> str:
    kinds = _kinds(opened)
    return asked if asked in kinds else kinds[0]


def _fields(kind: str, typed: Mapping[str, str]) -> dict[str, str]:
    return {name: typed[name] for name in FIELDS[kind] if typed.get(name)}


async def _list(
    request: Request, opened: Opening, typed: Mapping[str, str], refused: Refused | None = None
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    kind = _kind(opened, typed.get("kind", ""))
    return rendering.page(
        request,
        opened,
        "papers.html",
        rows=(await backends.get(opened.caller, "registry", "/v1/papers")).body,
        kinds=_kinds(opened),
        kind=kind,
        fields=FIELDS[kind],
        required=KEY_FIELDS[:1],
        typed=typed,
        **shown,
        command_id=str(new_event_id()),
    )


async def _one(
    request: Request,
    opened: Opening,
    paper_id: UUID,
    refused: Refused | None = None,
    typed: Mapping[str, str] | None = None,
    differences: list[Mapping[str, Any]] | None = None,
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    params: dict[str, Param] = {}
    told = (await backends.get(opened.caller, "registry", f"/v1/papers/{paper_id}", params)).body
    return rendering.page(
        request,
        opened,
        "paper.html",
        told=told,
        key_fields=KEY_FIELDS,
        fields=FIELDS[told["kind"]],
        typed=typed or {},
        differences=differences or [],
        **shown,
        command_id=str(new_event_id()),
    )
