"""What would have been paid: one thing put otherwise by a form, asked of audit, and its answer by school and child.

Several changes together, and lists that never came, go by command (docs/audit.md); their answers are shown here too.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from services.portal.auditing.audit import moment_of
from services.portal.backends import Backends, BackendTrouble
from services.portal.forms import command_of
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
CHANGES = ("move", "leave_out", "redate", "replace", "rules")
SHOWN_ROWS = 200
_FILE_BYTES = 20 << 20
_PATH = "/v1/counterfactuals"
_FIELDS = ("what", "submission", "day", "programme", "version", "known_at")


@router.get("/audit/counterfactuals", dependencies=[permit(Right.QUESTIONS_ASK)])
async def counterfactuals(request: Request, opened: Opened) -> Response:
    """The form, and what was asked before."""
    return await _page(request, opened, {})


@router.post("/audit/counterfactuals", dependencies=[permit(Right.QUESTIONS_ASK)])
async def ask(request: Request, opened: Opened) -> Response:
    """Ask; leads to where the answer will stand. The same form counts once."""
    async with request.form(max_files=1, max_fields=20) as form:
        check_form(request, form.get("form_token"))
        typed = {name: str(form.get(name) or "").strip()[:128] for name in _FIELDS}
        sent = form.get("file")
        backends: Backends = request.app.state.backends
        try:
            body = await _body(typed, sent if isinstance(sent, UploadFile) and sent.filename else None)
            answer = await backends.post(opened.caller, "audit", _PATH, body, command_id=command_of(form, body))
        except BackendTrouble as trouble:
            return await _page(
                request, opened, typed, trouble.detail or opened.texts("error.title_502"), trouble.status
            )
        except Malformed as wrong:
            return await _page(request, opened, typed, wrong.zh if opened.language == "zh" else wrong.en, wrong.status)
    return RedirectResponse(f"/audit/counterfactuals/{answer.body['counterfactual_id']}", 303)


@router.get("/audit/counterfactuals/{counterfactual_id}", dependencies=[permit(Right.QUESTIONS_ASK)])
async def one(request: Request, counterfactual_id: UUID, opened: Opened) -> Response:
    """How far it is, or the answer. Until it is there the page looks again by itself."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    path = f"{_PATH}/{counterfactual_id}"
    asked = (await backends.get(opened.caller, "audit", path)).body
    answer = None
    if asked["state"] == "done":
        answer = (await backends.get(opened.caller, "audit", f"{path}/answer")).body
    return rendering.page(
        request, opened, "counterfactual.html", asked=asked, answer=answer, told=told, shown_rows=SHOWN_ROWS
    )


def told(change: Mapping[str, Any]) -> str:
    """What a change is about, in a few signs: the submission or programme, the day, the file."""
    names = ("submission", "agency", "list", "programme", "to", "on", "dated", "since", "version", "file")
    return " · ".join(str(change[name]) for name in names if change.get(name))


async def _page(
    request: Request, opened: Opening, typed: Mapping[str, str], complaint: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    asked = (await backends.get(opened.caller, "audit", _PATH)).body
    return rendering.page(
        request,
        opened,
        "counterfactuals.html",
        status=status,
        asked=asked["items"],
        typed=dict.fromkeys(_FIELDS, "") | {"what": "move", "programme": "living_subsidy"} | dict(typed),
        choices=CHANGES,
        told=told,
        complaint=complaint,
        command_id=str(new_event_id()),
    )


async def _body(typed: Mapping[str, str], file: UploadFile | None) -> dict[str, Any]:
    """What is asked of audit. Raises Malformed."""
    what, day = typed["what"], typed["day"]
    change: dict[str, Any] = {"what": what}
    body: dict[str, Any] = {"changes": [change]}
    if typed["known_at"]:
        body["known_at"] = moment_of(typed["known_at"])
    if what == "rules":
        change |= {"programme": typed["programme"], "version": typed["version"]} | ({"since": day} if day else {})
        return body
    change["submission"] = typed["submission"]
    if what in ("move", "redate"):
        change["to" if what == "move" else "dated"] = day
    elif what == "replace":
        content = b"" if file is None else await file.read(_FILE_BYTES + 1)
        if file is None or not 0 < len(content) <= _FILE_BYTES:
            raise Malformed(
                "请选择更正后的名单文件(不超过 20 MB)", "Choose the corrected list, at most 20 MB", field="file"
            )
        name = f"corrected{_ending(file.filename or '')}"
        change["file"] = name
        body["files"] = {name: base64.b64encode(content).decode()}
    return body


def _ending(name: str) -> str:
    """By which the reader tells the format; the name itself may be a child's and goes nowhere."""
    ending = "." + name.rpartition(".")[2].lower()
    return ending if ending in (".xlsx", ".xls", ".csv") else ""
