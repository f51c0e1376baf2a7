"""Exports over HTTP: masked at once, in full for a purpose that is recorded, or into an office's own template."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from services.registry import handlers
from services.registry.events import RegisterExported
from services.registry.exports import exporting
from services.registry.exports.export_columns import ExportKind, personal_fields_of
from services.registry.exports.exporting import ExportFilter
from services.registry.exports.template_filling import Template
from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.purposes import PURPOSE_LEAST, PURPOSE_MOST, check_purpose
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.bodies import Upload, received_file
from shared.web.commands import command_from
from shared.web.disclosures import tell, told
from shared.web.viewers import Viewer, forbidden, require

Anyone = Annotated[Viewer, Depends(require(Right.EXPORT_STUDENTS, Right.EXPORT_LISTS, exports=True))]
# An auditor replays and reads masked; whoever takes full rows away works with them.
Working = Annotated[Viewer, Depends(require(Right.EXPORT_IN_FULL, exports=True, reveals=True))]
_READERS: dict[ExportKind, Right] = {
    "students": Right.EXPORT_STUDENTS,
    "entries": Right.EXPORT_LISTS,
    "submissions": Right.EXPORT_LISTS,
}
Short = Annotated[str | None, Query(max_length=64)]


class Wanted(BaseModel):
    """Which rows, and why they are needed in full; the purpose is kept for ever and names nobody."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(min_length=PURPOSE_LEAST, max_length=PURPOSE_MOST)
    true_on: date | None = None
    school: str | None = Field(default=None, max_length=64)
    class_name: str | None = Field(default=None, max_length=40)
    list: str | None = Field(default=None, max_length=20)
    agency: str | None = Field(default=None, max_length=64)


def asked_for(
    true_on: date | None = None,
    school: Short = None,
    class_name: Short = None,
    list_name: Annotated[str | None, Query(max_length=20, alias="list")] = None,
    agency: Short = None,
) -> ExportFilter:
    """FastAPI dependency: the conditions of the address."""
    return ExportFilter(true_on or today(), school, class_name, list_name, agency)


Asked = Annotated[ExportFilter, Depends(asked_for)]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1/exports."""
    routes = APIRouter(prefix="/v1/exports")

    @routes.get("/{kind}.xlsx", response_class=FileResponse)
    def masked(kind: ExportKind, viewer: Anyone, asked: Asked) -> Response:
        """What the viewer sees in lists, masked, as a workbook of at most EXPORT_ROWS_MOST rows."""
        _permit(viewer, _READERS[kind])
        return _given(registry, viewer, kind, partial(exporting.write_sheet, kind=kind, asked=asked, full=False))

    @routes.post("/{kind}", response_class=FileResponse)
    def in_full(kind: ExportKind, body: Wanted, request: Request, viewer: Working) -> Response:
        """Everything in full, for a purpose; that it was taken is recorded before anything is given out."""
        _permit(viewer, _READERS[kind])
        check_purpose(body.purpose)
        asked = ExportFilter(body.true_on or today(), body.school, body.class_name, body.list, body.agency)
        command = command_from(request, viewer, body)
        tell(filters=told(body.model_dump()))
        return _given(
            registry,
            viewer,
            kind,
            partial(exporting.write_sheet, kind=kind, asked=asked, full=True),
            noted=(command, body.purpose, asked, personal_fields_of(kind)),
        )

    @routes.post("/{kind}/template", response_class=FileResponse)
    def into_template(
        kind: ExportKind,
        request: Request,
        viewer: Anyone,
        asked: Asked,
        upload: Annotated[Upload, Depends(received_file)],
        purpose: Annotated[str | None, Query(min_length=PURPOSE_LEAST, max_length=PURPOSE_MOST)] = None,
    ) -> Response:
        """An office's own xlsx (at most 1 MB) with the rows below its header; masked without a purpose."""
        _permit(viewer, _READERS[kind])
        if purpose is not None:
            _permit(viewer, Right.EXPORT_IN_FULL)
        taken = upload.path.with_name(f"{upload.path.name}{Path(upload.filename).suffix.lower()}")
        upload.path.rename(taken)  # the reader tells the format by the ending
        try:
            template = Template.of(taken, kind)
            given = tuple(field for field in personal_fields_of(kind) if field in template.fields)
            noted = None
            if purpose is not None:
                check_purpose(purpose)
                content = "|".join((upload.sha256, purpose, *asked.told())).encode()
                noted = (command_from(request, viewer, content), purpose, asked, given)
            return _given(
                registry,
                viewer,
                kind,
                partial(exporting.fill_template, kind=kind, asked=asked, template=template, full=purpose is not None),
                noted=noted,
            )
        finally:
            taken.rename(upload.path)

    return routes


def _permit(viewer: Viewer, right: Right) -> None:
    if not viewer.has(right):
        raise forbidden(right)


def _given(
    registry: Registry,
    viewer: Viewer,
    kind: ExportKind,
    write: Callable[..., int],
    noted: tuple[Command, str, ExportFilter, tuple[str, ...]] | None = None,
) -> Response:
    """The file that ``write`` makes within the viewer's rows. ``noted``: command, purpose, filter and fields to record
    first."""
    folder = tempfile.TemporaryDirectory(prefix="rollcall-export-")
    path = Path(folder.name) / "export.xlsx"
    try:
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = write(connection, path=path)
        tell(rows=rows, file=path)
        if noted is not None and noted[3]:
            command, purpose, asked, fields = noted
            tell(purpose=purpose)
            exported = RegisterExported(
                viewer=viewer.principal,
                kind=kind,
                purpose=purpose,
                rows=rows,
                fields=fields,
                filters=asked.told(),
                division_code=viewer.scope.division,
                school_code=viewer.scope.school,
                agency=viewer.scope.agency,
            )
            handlers.note_read(registry, exported, command)
    except BaseException:
        folder.cleanup()
        raise
    name = f"{kind}-{today().isoformat()}.xlsx"
    return FileResponse(path, media_type=XLSX, filename=name, background=BackgroundTask(folder.cleanup))
