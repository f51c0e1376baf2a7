"""A list comes in: checked without importing, then imported; the receipt balances to the rows of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from services.portal.backends import Answer, Backends, BackendTrouble, Refused
from services.portal.forms import refusal_shown
from services.portal.rendering import Rendering
from services.portal.session import Opening, answers_for_all, check_form, opening, permit
from services.portal.tables.table_pages import SUBMISSIONS
from services.portal.tables.table_reading import read_view
from services.portal.tables.table_shape import TablePage
from services.portal.tables.unsent import Unsent
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.bodies import Upload, received_file

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
LISTS, MODES = ("poverty", "civil", "disability", "students"), ("snapshot", "increment")
_ON_RECORD = ("added", "corrected", "unchanged")


@router.get("/imports", dependencies=[permit(Right.LISTS_READ)])
async def imports(request: Request, opened: Opened) -> Response:
    """The form and what was sent before."""
    return await _page(request, opened)


@router.post("/imports/submissions", dependencies=[permit(Right.LISTS_SEND)])
async def send(request: Request, opened: Opened, upload: Annotated[Upload, Depends(received_file)]) -> Response:
    """Check or import a file. The page's script asks for the receipt alone (``?part=receipt``)."""
    check_form(request, upload.fields.get("form_token"))
    typed = {name: upload.fields.get(name, "") for name in ("list", "mode", "effective_on")}
    if typed["list"] not in LISTS or typed["mode"] not in MODES:
        raise Malformed("请选择名单与方式", "Choose the list and the mode")
    dry_run = upload.fields.get("action") != "apply"
    try:
        if upload.fields.get("action") == "annotate":
            return await _annotated(request, opened, upload, typed)
        answer = await _submit(request, opened, upload, typed, dry_run)
    except Refused as refused:
        return await _page(request, opened, typed=typed, **refusal_shown(opened, refused))
    receipt = _receipt(answer.body, typed["list"], dry_run)
    return await _page(request, opened, typed=typed, receipt=receipt)


async def _submit(request: Request, opened: Opening, upload: Upload, typed: Mapping[str, str], dry_run: bool) -> Answer:
    """Send the file on. The command's id comes from the form and the content: the same file of the same form counts
    once, another file is another command."""
    backends: Backends = request.app.state.backends
    try:
        made = UUID(upload.fields.get("command_id", ""))
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None
    content = "|".join((upload.sha256, typed["list"], typed["mode"], typed["effective_on"], str(dry_run)))
    command_id = str(uuid5(uuid5(NAMESPACE_URL, str(made)), content))
    params = {
        "mode": typed["mode"],
        "dry_run": "true" if dry_run else "false",
        "effective_on": typed["effective_on"] or None,
        "filename": upload.filename,
    }
    with upload.path.open("rb") as file:
        return await backends.post(
            opened.caller,
            "registry",
            f"/v1/lists/{typed['list']}/submissions",
            command_id=command_id,
            params=params,
            file=(upload.filename or "list", file),
        )


async def _annotated(request: Request, opened: Opening, upload: Upload, typed: Mapping[str, str]) -> Response:
    """The file again, each row with what is wrong with it; nothing is stored, here or there."""
    backends: Backends = request.app.state.backends
    params = {"mode": typed["mode"], "effective_on": typed["effective_on"] or None}
    path = f"/v1/lists/{typed['list']}/dry-run.xlsx"
    with upload.path.open("rb") as file:
        sent = (upload.filename or "list", file)
        command_id = str(new_event_id())  # nothing is changed: every check is a command of its own
        pieces = await backends.download_by_post(
            opened.caller, "registry", path, command_id=command_id, params=params, file=sent
        )
    headers = {"content-disposition": 'attachment; filename="checked.xlsx"'}
    return StreamingResponse(pieces, media_type=XLSX, headers=headers)


def _receipt(body: Any, list_name: str, dry_run: bool) -> dict[str, Any]:
    """The receipt as shown, with its own sum, so that a difference is seen. Every row of an agency's list is kept, also
    one with problems; a row of the register with problems is not, and counts beside the others."""
    told = body.get("receipt", body) if isinstance(body, Mapping) else {}
    counts = {name: int(told.get(name) or 0) for name in (*_ON_RECORD, "rejected", "removed")}
    rows = int(told.get("rows") or 0)
    problems = told.get("problems")
    return {
        "dry_run": dry_run,
        "id": told.get("submission_id"),
        "rows": rows,
        "counts": counts,
        "register": list_name == "students",
        "sum": sum(counts[name] for name in _ON_RECORD) + (counts["rejected"] if list_name == "students" else 0),
        "held": bool(told.get("held")) or told.get("state") == "held",
        "missing": int(told.get("missing") or 0),
        "standing": int(told.get("standing") or 0),
        "hidden_sheets": int(told.get("hidden_sheets") or 0),
        "hidden_rows": int(told.get("hidden_rows") or 0),
        "problems": sorted(problems.items(), key=lambda item: -int(item[1])) if isinstance(problems, Mapping) else [],
    }


async def imports_page(request: Request, opened: Opening, page: TablePage, unsent: Unsent) -> Response:
    """The page with the form of a submission that was refused."""
    return await _page(request, opened, status=unsent.status, unsent=unsent)


async def _page(
    request: Request,
    opened: Opening,
    *,
    typed: Mapping[str, str] | None = None,
    receipt: Mapping[str, Any] | None = None,
    complaint: str = "",
    status: int = 200,
    unsent: Unsent | None = None,
) -> Response:
    rendering: Rendering = request.app.state.rendering
    backends: Backends = request.app.state.backends
    context: dict[str, Any] = {"receipt": receipt, "complaint": complaint}
    if request.query_params.get("part") == "receipt":
        return rendering.page(request, opened, "_receipt.html", status=status, **context)
    sends, of_an_agency = opened.viewer.has(Right.LISTS_SEND), opened.viewer.scope.agency is not None
    try:
        view = await read_view(request, opened, SUBMISSIONS, backends)
    except BackendTrouble:
        view = None
    return rendering.page(
        request,
        opened,
        "imports.html",
        status=status,
        page=SUBMISSIONS,
        heads=SUBMISSIONS.columns,
        view=view,
        unsent=unsent,
        lists=LISTS,
        modes=MODES,
        typed=typed or {"list": "", "mode": "snapshot", "effective_on": today().isoformat()},
        command_id=str(new_event_id()),
        may_send=sends and (of_an_agency or answers_for_all(request, opened)),
        sends=sends,
        **context,
    )


@router.get("/imports/{submission_id}/rejects.xlsx", dependencies=[permit(Right.LISTS_SEND)])
async def rejects(request: Request, submission_id: UUID, opened: Opened) -> Response:
    """The rows that came back, each with its reason, as the registry wrote them."""
    backends: Backends = request.app.state.backends
    pieces = await backends.download(opened.caller, "registry", f"/v1/submissions/{submission_id}/rejects.xlsx")
    headers = {"content-disposition": f'attachment; filename="rejects-{submission_id}.xlsx"'}
    return StreamingResponse(pieces, media_type=XLSX, headers=headers)
