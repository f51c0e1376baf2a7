"""A county's staff from one sheet: template, check, import, and the list of start passwords, once."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, command_id, refusal_shown
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.bodies import Upload, received_file

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
KEEP = Right.ACCOUNTS_KEEP


@router.get("/people/import", dependencies=[permit(KEEP)])
async def staff_import(request: Request, opened: Opened) -> Response:
    """The form, and what one sent before."""
    return await _page(request, opened)


@router.get("/people/template.xlsx", dependencies=[permit(KEEP)])
async def template(request: Request, opened: Opened) -> Response:
    """An empty sheet with what each column means."""
    pieces = await _backends(request).download(opened.caller, "access", "/v1/staff/template.xlsx")
    return _file(pieces, "staff.xlsx")


@router.post("/people/submissions", dependencies=[permit(KEEP)])
async def send(request: Request, opened: Opened, upload: Annotated[Upload, Depends(received_file)]) -> Response:
    """Check or import a sheet. The page's script asks for the receipt alone (``?part=receipt``)."""
    check_form(request, upload.fields.get("form_token"))
    action = upload.fields.get("action")
    try:
        with upload.path.open("rb") as file:
            sent = (upload.filename or "staff", file)
            if action == "annotate":
                pieces = await _backends(request).download_by_post(
                    opened.caller, "access", "/v1/staff/dry-run.xlsx", command_id=str(new_event_id()), file=sent
                )
                return _file(pieces, "checked.xlsx")
            answer = await _backends(request).post(
                opened.caller,
                "access",
                "/v1/staff/submissions",
                command_id=_command_of(upload),
                params={"dry_run": "false" if action == "apply" else "true"},
                file=sent,
            )
    except Refused as refused:
        return await _page(request, opened, **refusal_shown(opened, refused))
    return await _page(request, opened, receipt=answer.body)


@router.post("/people/import/{import_id}/start-passwords", dependencies=[permit(KEEP)])
async def start_passwords(request: Request, import_id: UUID, opened: Opened, form: Sent) -> Response:
    """The list of new start passwords, to print and hand out; those given out before are good no more."""
    path = f"/v1/staff/imports/{import_id}/start-passwords.xlsx"
    try:
        pieces = await _backends(request).download_by_post(
            opened.caller, "access", path, command_id=command_id(form), body={}
        )
    except Refused as refused:
        return await _page(request, opened, **refusal_shown(opened, refused))
    return _file(pieces, "start-passwords.xlsx")


async def _page(
    request: Request, opened: Opening, *, receipt: dict[str, Any] | None = None, complaint: str = "", status: int = 200
) -> Response:
    rendering: Rendering = request.app.state.rendering
    context: dict[str, Any] = {"receipt": receipt, "complaint": complaint}
    if receipt is not None:
        counts = ("added", "changed", "unchanged", "rejected")
        context["balanced"] = sum(int(receipt[name]) for name in counts) == int(receipt["rows"])
    if request.query_params.get("part") == "receipt":
        return rendering.page(request, opened, "_staff_receipt.html", status=status, **context)
    sent = (await _backends(request).get(opened.caller, "access", "/v1/staff/imports")).body["items"]
    return rendering.page(
        request, opened, "staff_import.html", status=status, sent=sent, command_id=str(new_event_id()), **context
    )


def _command_of(upload: Upload) -> str:
    """The same file of the same form counts once, another file is another command. Raises Malformed."""
    try:
        made = UUID(upload.fields.get("command_id", ""))
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None
    return str(uuid5(uuid5(NAMESPACE_URL, str(made)), upload.sha256))


def _file(pieces: Any, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return StreamingResponse(pieces, media_type=XLSX, headers=headers)


def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends
