"""Sheets of people over HTTP: the template, the check, the import, and the passwords it hands out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from services.access.accounts.account_api import Keeper
from services.access.acting import administrator
from services.access.desk import Desk
from services.access.staff.columns import write_template
from services.access.staff.importing import Sender, Sent
from services.access.staff.receipts import ImportRow, StaffReceipt
from services.access.staff.start_passwords import hand_out, write_list
from shared.eventsourcing.store import Command
from shared.kernel.clock import utc_now
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.bodies import Upload, received_file
from shared.web.commands import command_from, command_id_of
from shared.web.disclosures import tell
from shared.web.traces import traceparent_of
from shared.web.viewers import Viewer, require

Received = Annotated[Upload, Depends(received_file)]
Taking = Annotated[Viewer, Depends(require(Right.ACCOUNTS_KEEP, exports=True))]
_ENDINGS = (".xlsx", ".xls", ".csv", ".txt")


class Imports(BaseModel):
    items: list[ImportRow]


def staff_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/staff."""
    routes = APIRouter(prefix="/v1/staff")

    @routes.get("/template.xlsx", response_class=FileResponse)
    def template(viewer: Taking) -> Response:
        """An empty sheet with the columns, and the posts that are the viewer's to give."""
        sender = Sender.of(desk, viewer)
        return _file("staff.xlsx", lambda path: write_template(path, sender.kinds))

    @routes.post("/submissions")
    def submit(
        request: Request, viewer: Keeper, upload: Received, dry_run: Annotated[bool, Query()] = False
    ) -> StaffReceipt:
        """Take a sheet in, or only say what would become of its rows."""
        sender, now = Sender.of(desk, viewer), utc_now()
        command = Command(
            viewer.principal, command_id_of(request), upload.sha256.encode(), traceparent=traceparent_of(request)
        )
        with _named(upload) as sent:
            return sender.check(sent, now) if dry_run else sender.take(sent, command, now)

    @routes.post("/dry-run.xlsx", response_class=FileResponse)
    def annotated(viewer: Taking, upload: Received) -> Response:
        """The sheet again, each row with what is wrong with it; nothing is stored."""
        sender, now = Sender.of(desk, viewer), utc_now()
        with _named(upload) as sent:
            return _file("checked.xlsx", lambda path: sender.check(sent, now, path))

    @routes.get("/imports")
    def imports(viewer: Keeper) -> Imports:
        """One's own last imports, and for how many of their people no password is in use yet."""
        return Imports(items=Sender.of(desk, viewer).imports())

    @routes.post("/imports/{import_id}/start-passwords.xlsx", response_class=FileResponse)
    def start_passwords(import_id: UUID, request: Request, viewer: Taking) -> Response:
        """New start passwords for everybody of the import who has chosen none, as a list to print; shown only now."""
        command, now = command_from(request, viewer, None), utc_now()
        handed = hand_out(desk, administrator(viewer), import_id, command, now)
        tell(rows=len(handed))
        return _file("start-passwords.xlsx", lambda path: write_list(path, handed, now))

    return routes


@contextmanager
def _named(upload: Upload) -> Iterator[Sent]:
    """The file under a name with the sender's ending, by which the reader tells the format."""
    ending = Path(upload.filename or "").suffix.lower()
    taken = upload.path.with_name(f"staff{ending if ending in _ENDINGS else ''}")
    upload.path.rename(taken)
    try:
        yield Sent(taken, upload.sha256)
    finally:
        taken.rename(upload.path)


def _file(name: str, write: Callable[[Path], object]) -> FileResponse:
    """A workbook, deleted when it is sent, and kept by nobody on the way."""
    folder = tempfile.TemporaryDirectory(prefix="rollcall-staff-")
    path = Path(folder.name) / name
    try:
        write(path)
        tell(file=path)
    except BaseException:
        folder.cleanup()
        raise
    done, headers = BackgroundTask(folder.cleanup), {"cache-control": "no-store"}
    return FileResponse(path, media_type=XLSX, filename=name, background=done, headers=headers)
