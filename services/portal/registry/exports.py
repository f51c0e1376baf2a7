"""Lists taken away as xlsx: what, of whom, masked or for a purpose, into the office's own sheet when one is given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from io import BytesIO
from typing import Annotated
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response, StreamingResponse

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.tables.table_reading import school_choices
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right
from shared.tabular.writing import XLSX

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
# As the registry permits them.
KINDS: Mapping[str, Right] = {
    "students": Right.EXPORT_STUDENTS,
    "entries": Right.EXPORT_LISTS,
    "submissions": Right.EXPORT_LISTS,
}
_CONDITIONS = ("school", "class_name", "list", "true_on")


@router.get("/exports", dependencies=[permit(Right.EXPORT_STUDENTS, Right.EXPORT_LISTS)])
async def exports(request: Request, opened: Opened) -> Response:
    """The form."""
    return await _page(request, opened, {})


@router.post("/exports", dependencies=[permit(Right.EXPORT_STUDENTS, Right.EXPORT_LISTS)])
async def export(request: Request, opened: Opened) -> Response:
    """The file; a refusal shows the form again with what was typed."""
    async with request.form(max_files=1, max_fields=20) as form:
        check_form(request, form.get("form_token"))
        typed = {name: text(form, name) for name in ("kind", "purpose", *_CONDITIONS)}
        if typed["kind"] not in KINDS:
            typed["kind"] = next(iter(KINDS))
        opened.allow(KINDS[typed["kind"]])
        try:
            pieces = await _pieces(request, opened, form, typed)
        except Refused as refused:
            return await _page(request, opened, typed, refused)
    name = f"{typed['kind']}-{today().isoformat()}.xlsx"
    return StreamingResponse(pieces, media_type=XLSX, headers={"content-disposition": f'attachment; filename="{name}"'})


async def _pieces(request: Request, opened: Opening, form: FormData, typed: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The file as the registry makes it. The same asked twice of one form is one export. Raises BackendTrouble."""
    backends: Backends = request.app.state.backends
    path = f"/v1/exports/{typed['kind']}"
    params: dict[str, Param] = {name: typed[name] for name in _CONDITIONS}
    sent = form.get("file")
    content = await sent.read() if isinstance(sent, UploadFile) else b""
    command = str(uuid5(UUID(command_id(form)), json.dumps(typed, sort_keys=True) + content.hex()))
    if content:
        file = (getattr(sent, "filename", None) or "template.xlsx", BytesIO(content))
        params["purpose"] = typed["purpose"]
        return await backends.download_by_post(
            opened.caller, "registry", f"{path}/template", command_id=command, params=params, file=file
        )
    if typed["purpose"]:
        body = {name: typed[name] for name in ("purpose", *_CONDITIONS) if typed[name]}
        return await backends.download_by_post(opened.caller, "registry", path, command_id=command, body=body)
    return await backends.download(opened.caller, "registry", f"{path}.xlsx", params)


async def _page(
    request: Request, opened: Opening, typed: Mapping[str, str], refused: Refused | None = None
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "exports.html",
        kinds=[kind for kind, right in KINDS.items() if opened.viewer.has(right)],
        schools=await school_choices(backends, opened),
        typed={"kind": "", "purpose": "", **dict.fromkeys(_CONDITIONS, "")} | dict(typed),
        **refusal_shown(opened, refused),
        command_id=str(new_event_id()),
        may_in_full=opened.viewer.has(Right.EXPORT_IN_FULL),
    )
