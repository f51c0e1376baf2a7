"""Mass changes: proposed on the page or as an edited export, looked at student by student, approved by another person,
followed while they are done, undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.bodies import Upload, received_file

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
KINDS = ("schools_merged", "division_changed", "fields")
WHERE = ("school_code", "stage", "grade", "class_name", "boarder")
VALUES = ("stage", "grade", "class_name", "boarder", "left_behind", "placement")
WORKING = ("previewing", "applying", "undoing")
STEPS = ("preview", "approve", "refuse", "undo")
PAGE_ROWS = 50
_SHOWN_AGAIN = (403, 409, 413, 415, 422)  # refusals after which the person goes on on the same page
_PROBLEMS_SHOWN = 50


@router.get("/changes", dependencies=[permit(Right.CHANGES_READ)])
async def changes(request: Request, opened: Opened) -> Response:
    """What was proposed, and the forms."""
    return await _list(request, opened)


@router.post("/changes", dependencies=[permit(Right.CHANGES_PROPOSE)])
async def propose(request: Request, opened: Opened, form: Sent) -> Response:
    """Propose; leads to the preview."""
    typed = {name: text(form, name) for name in ("kind", "day", "reason", "into", "former_code", "code")}
    given = {name: value for name, value in typed.items() if value}
    kind = typed["kind"] if typed["kind"] in KINDS else "fields"
    body: dict[str, Any] = {**given, "kind": kind}
    if kind == "schools_merged":
        body["sources"] = text(form, "sources").replace(",", " ").replace("、", " ").split()
    if kind == "fields":
        body["where"] = {name: text(form, f"where_{name}") for name in WHERE if text(form, f"where_{name}")}
        body["values"] = {name: text(form, f"to_{name}") for name in VALUES if text(form, f"to_{name}")}
    backends: Backends = request.app.state.backends
    try:
        answer = await backends.post(opened.caller, "registry", "/v1/changes", body, command_id=command_id(form))
    except Refused as refused:
        sent = {name: text(form, name) for name in form if name not in ("form_token", "command_id")}
        return await _list(request, opened, refused, sent)
    return RedirectResponse(f"/changes/{answer.body['change_id']}", 303)


@router.get("/changes/sheet.xlsx", dependencies=[permit(Right.CHANGES_PROPOSE)])
async def sheet(request: Request, opened: Opened) -> Response:
    """The students as a sheet to be edited and sent back."""
    backends: Backends = request.app.state.backends
    asked: dict[str, Param] = {
        name: request.query_params.get(name, "")[:64] for name in ("school", "grade", "class_name")
    }
    pieces = await backends.download(opened.caller, "registry", "/v1/student-sheets.xlsx", asked)
    headers = {"content-disposition": 'attachment; filename="students.xlsx"', "cache-control": "no-store"}
    return StreamingResponse(pieces, media_type=XLSX, headers=headers)


@router.get("/changes/uploads")
async def uploads_address() -> Response:
    """Where a reload after a refused sheet comes to."""
    return RedirectResponse("/changes", 303)


@router.post("/changes/uploads", dependencies=[permit(Right.CHANGES_PROPOSE)])
async def upload(request: Request, opened: Opened, sent: Annotated[Upload, Depends(received_file)]) -> Response:
    """Propose what an edited sheet says. The same file of the same form counts once."""
    check_form(request, sent.fields.get("form_token"))
    try:
        made = UUID(sent.fields.get("command_id", ""))
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None
    backends: Backends = request.app.state.backends
    params: dict[str, Param] = {name: sent.fields.get(name, "").strip()[:200] for name in ("reason", "day")}
    try:
        with sent.path.open("rb") as file:
            answer = await backends.post(
                opened.caller,
                "registry",
                "/v1/changes/uploads",
                params=params,
                file=(sent.filename or "sheet.xlsx", file),
                command_id=str(uuid5(uuid5(NAMESPACE_URL, str(made)), sent.sha256)),
            )
    except Refused as refused:
        return await _list(request, opened, refused)
    return RedirectResponse(f"/changes/{answer.body['change_id']}", 303)


@router.get("/changes/{change_id}", dependencies=[permit(Right.CHANGES_READ)])
async def change(request: Request, change_id: UUID, opened: Opened) -> Response:
    """How it stands, and whom it changes; the page's script asks for that part alone (``?part=state``)."""
    return await _one(request, opened, change_id)


@router.get("/changes/{change_id}/{step}")
async def step_address(change_id: UUID, step: str) -> Response:
    """Where a reload after a refused step comes to."""
    return RedirectResponse(f"/changes/{change_id}", 303)


@router.post("/changes/{change_id}/{step}", dependencies=[permit(Right.CHANGES_PROPOSE, Right.CHANGES_APPROVE)])
async def take_step(request: Request, change_id: UUID, step: str, opened: Opened, form: Sent) -> Response:
    """Preview again, approve, refuse or undo. An approval names the preview that was read."""
    if step not in STEPS:
        return RedirectResponse(f"/changes/{change_id}", 303)
    names = {"approve": "preview_hash", "refuse": "reason"}
    body = {names[step]: text(form, names[step])} if step in names else {}
    backends: Backends = request.app.state.backends
    path = f"/v1/changes/{change_id}/{step}"
    try:
        await backends.post(opened.caller, "registry", path, body, command_id=command_id(form))
    except Refused as refused:
        return await _one(request, opened, change_id, refused)
    return RedirectResponse(f"/changes/{change_id}", 303)


async def _list(
    request: Request, opened: Opening, refused: Refused | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    """The page, with a refusal where there was one. Raises what is no answer to a form."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    proposed = (await backends.get(opened.caller, "registry", "/v1/changes")).body
    division_wide = opened.viewer.scope.division is not None
    return rendering.page(
        request,
        opened,
        "changes.html",
        proposed=proposed,
        may_propose=opened.viewer.has(Right.CHANGES_PROPOSE),
        kinds=KINDS if division_wide else ("fields",),
        where=WHERE if division_wide else WHERE[1:],
        values=VALUES,
        typed=typed or {},
        **shown,
        problems=[] if refused is None else _problems(refused),
        command_id=str(new_event_id()),
    )


def _problems(refused: Refused) -> list[Mapping[str, Any]]:
    """What is wrong row by row."""
    facts = refused.problem.get("facts")
    found = facts.get("problems") if isinstance(facts, Mapping) else None
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, Mapping) and "line" in row][:_PROBLEMS_SHOWN]


async def _one(request: Request, opened: Opening, change_id: UUID, refused: Refused | None = None) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    path = f"/v1/changes/{change_id}"
    told = (await backends.get(opened.caller, "registry", path)).body
    rows: Mapping[str, Any] = {"items": [], "next": None}
    part = request.query_params.get("part") == "state"
    if told["state"] != "previewing":
        asked: dict[str, Param] = {"after": request.query_params.get("after", ""), "limit": PAGE_ROWS}
        rows = (await backends.get(opened.caller, "registry", f"{path}/students", asked)).body
    here = f"/changes/{change_id}"
    return rendering.page(
        request,
        opened,
        "_change.html" if part else "change.html",
        told=told,
        working=told["state"] in WORKING,
        rows=rows["items"],
        following=f"{here}?{urlencode({'after': rows['next']})}#students" if rows["next"] else None,
        may_approve=opened.viewer.has(Right.CHANGES_APPROVE),
        own=told["proposed_by"] == opened.viewer.principal,
        **shown,
        command_id=str(new_event_id()),
    )
