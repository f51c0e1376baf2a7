"""Agency lists over HTTP: whole files as snapshots or increments, single rows, receipts, rows that came back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from services.registry import handlers, queries
from services.registry.errors import SubmissionUnknown
from services.registry.events import RejectedRowsRead, SubmissionMode
from services.registry.handlers import Registry
from services.registry.lists import standing
from services.registry.lists.contradictions import Contradiction, contradictions
from services.registry.lists.receipts import Receipt
from services.registry.lists.submissions import AGENCIES, Submission, Submissions, receipt_of
from services.registry.projections import REGISTER
from services.registry.queries import SubmissionRow
from services.registry.whole import whole_only
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Forbidden
from shared.standards.rights import Right
from shared.tabular.writing import XLSX, WorkbookWriter
from shared.web.bodies import Upload, received_file
from shared.web.commands import command_from
from shared.web.disclosures import tell
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

log = structlog.get_logger(__name__)
AnyList = Literal["poverty", "civil", "disability", "students", "schools"]
SheetList = Literal["poverty", "civil", "disability", "students"]
Turn = Annotated[PageTurn, Depends(page_turn)]
Sender = Annotated[Viewer, Depends(require(Right.LISTS_SEND))]
Taking = Annotated[Viewer, Depends(require(Right.LISTS_SEND, exports=True))]
TakingBack = Annotated[Viewer, Depends(require(Right.LISTS_SEND, exports=True, reveals=True))]
Reader = Annotated[Viewer, Depends(require(Right.LISTS_READ))]
Agency = Annotated[str | None, Query(max_length=64, pattern=r"^[a-z_]+$")]


class Confirmed(BaseModel):
    submission_id: UUID
    removed: int


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    submissions = Submissions(registry)
    _files(routes, registry, submissions)
    _reading(routes, registry, submissions)
    return routes


def _files(routes: APIRouter, registry: Registry, submissions: Submissions) -> None:
    @routes.post("/lists/{list_name}/submissions")
    def submit(
        list_name: AnyList,
        request: Request,
        viewer: Sender,
        upload: Annotated[Upload, Depends(received_file)],
        mode: SubmissionMode = "snapshot",
        dry_run: bool = False,
        effective_on: date | None = None,
        agency: Agency = None,
    ) -> Receipt:
        """A whole file. A snapshot ends what it leaves out; more than a fifth of the list waits for a person."""
        sender = whose_list(viewer, registry.division, list_name, agency)
        command = command_from(request, viewer, upload.sha256.encode())
        with _named(upload) as taken:
            submission = _submission(list_name, sender, upload, taken, mode, effective_on)
            return submissions.receive(submission, command, dry_run=dry_run)

    @routes.post("/lists/{list_name}/dry-run.xlsx", response_class=FileResponse)
    def annotated(
        list_name: SheetList,
        request: Request,
        viewer: Taking,
        upload: Annotated[Upload, Depends(received_file)],
        mode: SubmissionMode = "snapshot",
        effective_on: date | None = None,
        agency: Agency = None,
    ) -> Response:
        """Check a file and give it back with what is wrong with each row in the last column; nothing is stored."""
        sender = whose_list(viewer, registry.division, list_name, agency)
        command = command_from(request, viewer, upload.sha256.encode())
        folder = tempfile.TemporaryDirectory(prefix="rollcall-checked-")
        path = Path(folder.name) / "checked.xlsx"
        try:
            with _named(upload) as taken:
                submission = _submission(list_name, sender, upload, taken, mode, effective_on, annotated=path)
                submissions.receive(submission, command, dry_run=True)
            tell(file=path)
        except BaseException:
            folder.cleanup()
            raise
        return FileResponse(path, media_type=XLSX, filename="checked.xlsx", background=BackgroundTask(folder.cleanup))

    @routes.post("/submissions/{submission_id}/confirm")
    def confirm(submission_id: UUID, request: Request, viewer: Sender) -> Confirmed:
        """Let the rows that a held snapshot left out leave the list."""
        command = command_from(request, viewer, None)
        removed = submissions.confirm(submission_id, viewer.scope, viewer.principal, today(), command)
        return Confirmed(submission_id=submission_id, removed=removed)


def _reading(routes: APIRouter, registry: Registry, submissions: Submissions) -> None:
    view, database = REGISTER.name, registry.database

    @routes.get("/submissions")
    def received(
        viewer: Reader,
        turn: Turn,
        list_name: Annotated[AnyList | None, Query(alias="list")] = None,
        agency: Agency = None,
    ) -> Page[SubmissionRow]:
        """What came in, newest first."""
        with database.reading(viewer.scope, view) as connection:
            rows = queries.submissions(connection, turn, list_name=list_name, agency=agency)
        return page_of(rows, turn, key=lambda row: (row.received_at, row.submission_id))

    @routes.get("/submissions/{submission_id}")
    def one(submission_id: UUID, viewer: Reader) -> SubmissionRow:
        with database.reading(viewer.scope, view) as connection:
            found = queries.submission(connection, submission_id)
        if found is None:
            raise SubmissionUnknown(submission_id)
        return found

    @routes.get("/contradictions")
    def contradicting(viewer: Reader, turn: Turn, true_on: date | None = None) -> Page[Contradiction]:
        """People of whom two agencies say different things, each one's words side by side."""
        with database.reading(viewer.scope, view) as connection:
            rows = contradictions(connection, true_on or today(), turn)
        return page_of(rows, turn, key=lambda row: (str(row.first_entry_id),))

    @routes.get("/submissions/{submission_id}/rejects.xlsx", response_class=FileResponse)
    def rejects(submission_id: UUID, viewer: TakingBack) -> Response:
        """The rows that have to be mended, each with its reason; the read is recorded before anything is given out."""
        received = receipt_of(submissions.stored(submission_id, viewer.scope))
        with database.writing() as connection:
            rows = standing.rejected(driver(connection), registry.keyring, submission_id)
        read = RejectedRowsRead(
            viewer=viewer.principal,
            submission_id=submission_id,
            rows=len(rows),
            agency=received.agency,
            division_code=received.division_code,
        )
        handlers.note_read(registry, read, Command(viewer.principal, new_event_id(), submission_id.bytes))
        folder = tempfile.TemporaryDirectory(prefix="rollcall-rejects-")
        path = Path(folder.name) / "rejects.xlsx"
        heads = list(dict.fromkeys(head for row in rows for head in row.cells))
        with WorkbookWriter(path) as book:
            sheet = book.sheet("退回的行", widths=[8, *([22] * len(heads)), 60])
            sheet.header(["行号", *heads, "退回原因"])
            for row in rows:
                sheet.row([row.row, *(row.cells.get(head, "") for head in heads), row.zh])
        tell(rows=len(rows), file=path)
        return FileResponse(path, media_type=XLSX, filename="rejects.xlsx", background=BackgroundTask(folder.cleanup))


def whose_list(viewer: Viewer, division: str, list_name: str, asked: str | None) -> str:
    """Whose list it is: an agency sends its own lists only, who answers for all of ``division`` may send for any.
    Raises Forbidden, WholeDivisionOnly."""
    owner = AGENCIES[list_name]
    if viewer.scope.division is not None:
        whole_only(viewer, division)
        return asked or owner
    if viewer.scope.agency != owner or asked not in (None, owner):
        raise Forbidden("只能报送本部门的名单", "An agency sends its own lists only", list=list_name)
    return owner


def _submission(
    list_name: AnyList,
    agency: str,
    upload: Upload,
    taken: Path,
    mode: SubmissionMode,
    effective_on: date | None,
    annotated: Path | None = None,
) -> Submission:
    """What was sent, for today unless a day was told; ``annotated``: where the checked file goes."""
    return Submission(
        list=list_name,
        agency=agency,
        mode=mode,
        effective_on=effective_on or today(),
        path=taken,
        file_name=upload.filename or "",
        content=upload.sha256,
        dated=effective_on is not None,
        annotated=annotated,
    )


@contextmanager
def _named(upload: Upload) -> Iterator[Path]:
    """The file under a name with the sender's ending, by which the reader tells the format."""
    taken = upload.path.with_name(_safe(upload))
    upload.path.rename(taken)
    try:
        yield taken
    finally:
        taken.rename(upload.path)


def _safe(upload: Upload) -> str:
    """A file name of our own, with the ending of the sender's."""
    ending = Path(upload.filename or "").suffix.lower()
    return f"{upload.path.name}{ending if ending in ('.xlsx', '.xls', '.csv', '.txt') else ''}"
