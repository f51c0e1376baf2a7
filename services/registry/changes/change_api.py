"""Mass changes over HTTP: proposed by one person, previewed, approved by another, applied with progress, undone."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from services.registry.change_errors import ChangeUnknown
from services.registry.changes import change_jobs, change_orders, change_sheets, change_views
from services.registry.changes.change_orders import ProposeChange
from services.registry.changes.change_rules import ChangeSet
from services.registry.changes.change_sheets import ROWS_MAX, TITLES, Comparison
from services.registry.changes.change_views import ChangeRow, StudentChange
from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.purposes import check_purpose
from services.registry.tables import STUDENTS
from shared.database.database import driver
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.standards.separation import CHANGES_APPROVE
from shared.tabular.writing import XLSX
from shared.web.bodies import Upload, received_file
from shared.web.commands import command_from, command_id_of
from shared.web.disclosures import tell
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.CHANGES_READ))]
Proposer = Annotated[Viewer, Depends(require(Right.CHANGES_PROPOSE))]
Taking = Annotated[Viewer, Depends(require(Right.CHANGES_PROPOSE, exports=True))]
Approver = Annotated[Viewer, Depends(require(Right.CHANGES_APPROVE))]
Refusing = Annotated[Viewer, Depends(require(Right.CHANGES_PROPOSE, Right.CHANGES_APPROVE))]
Turn = Annotated[PageTurn, Depends(page_turn)]
Code = Annotated[str, Field(min_length=1, max_length=64)]
Value = Annotated[str, Field(max_length=40)]
Reason = Annotated[str, Field(min_length=2, max_length=200)]
SHOWN = 50
_NOBODY = UUID(int=0)


class Proposal(BaseModel):
    """``fields``: ``values`` for the students of ``where`` (school_code, stage, grade, class_name, boarder);
    ``schools_merged``: ``sources`` into ``into``; ``division_changed``: ``former_code`` becomes ``code``. Yes and no
    are ``true`` and ``false``; an empty value is taken away."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["fields", "schools_merged", "division_changed"]
    day: date
    reason: Reason
    sources: tuple[Code, ...] = Field(default=(), max_length=20)
    into: Code | None = None
    former_code: str | None = Field(default=None, pattern=r"^(\d{9}|\d{12})$")
    code: str | None = Field(default=None, pattern=r"^(\d{9}|\d{12})$")
    where: dict[Value, Value] = Field(default={}, max_length=5)
    values: dict[Value, Value] = Field(default={}, max_length=6)


class Approval(BaseModel):
    """Names the preview that was read."""

    model_config = ConfigDict(extra="forbid")

    preview_hash: str = Field(min_length=1, max_length=64)


class Refusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Empty(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Proposed(BaseModel):
    """The work goes on by itself; ``GET /v1/changes/{change_id}`` tells how far it is."""

    change_id: UUID


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _proposing(routes, registry)
    _deciding(routes, registry)
    _exporting(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    def known(change_id: UUID, viewer: Viewer) -> change_jobs.Job:
        with registry.database.writing() as connection:
            job = change_jobs.JOBS.one(driver(connection), change_id)
        if job is None or not change_orders.visible(viewer.scope, job):
            raise ChangeUnknown(change_id)
        return job

    @routes.get("/changes")
    def changes(viewer: Reader) -> list[ChangeRow]:
        """The newest first."""
        with registry.database.writing() as connection:
            jobs = change_jobs.JOBS.latest(driver(connection), SHOWN)
        return [change_views.row(job) for job in jobs if change_orders.visible(viewer.scope, job)]

    @routes.get("/changes/{change_id}")
    def change(change_id: UUID, viewer: Reader) -> ChangeRow:
        """How it stands."""
        told = change_views.row(known(change_id, viewer))
        told.why_not = CHANGES_APPROVE.why_not(told.proposed_by, viewer.principal, viewer.language)
        return told

    @routes.get("/changes/{change_id}/students")
    def students(change_id: UUID, viewer: Reader, turn: Turn) -> Page[StudentChange]:
        """What changes, student by student, masked."""
        after = turn.after[0] if turn.after else _NOBODY
        if not isinstance(after, UUID):
            raise Malformed("翻页参数有误", "The cursor is of another list")
        rows = change_views.students(registry, viewer.scope, known(change_id, viewer), after, turn.fetch)
        return page_of(rows, turn, key=lambda row: (row.student_id,))


def _proposing(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/changes", status_code=202)
    def propose(body: Proposal, request: Request, viewer: Proposer) -> Proposed:
        """Propose; the preview is made at once. A school proposes for its own students only."""
        check_purpose(body.reason)
        said = body.model_dump(exclude={"reason"})
        intent = ProposeChange(ChangeSet(change_id=_NOBODY, division_code="", **said), body.reason)
        command = command_from(request, viewer, body)
        return Proposed(change_id=change_orders.propose(registry, viewer.scope, intent, command, today()))

    @routes.post("/changes/uploads", status_code=202)
    def upload(
        request: Request,
        viewer: Proposer,
        upload: Annotated[Upload, Depends(received_file)],
        reason: Annotated[str, Query(min_length=2, max_length=200)],
        day: date | None = None,
    ) -> Proposed:
        """Propose what an edited export says; rows that cannot be are told one by one, and then nothing is proposed."""
        check_purpose(reason)
        on = day or today()
        taken = upload.path.with_name(f"{upload.path.name}.xlsx")
        upload.path.rename(taken)  # the reader tells the format by the ending
        try:
            rows = change_sheets.read(taken)
        finally:
            taken.rename(upload.path)
        with registry.database.writing() as connection:
            wanted = Comparison(registry, connection, viewer.scope, on).wanted(rows)
        change = ChangeSet(change_id=_NOBODY, division_code="", kind="sheet", day=on)
        command = command_from(request, viewer, upload.sha256.encode())
        intent = ProposeChange(change, reason, wanted)
        return Proposed(change_id=change_orders.propose(registry, viewer.scope, intent, command, today()))


def _deciding(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/changes/{change_id}/preview", status_code=202)
    def preview(change_id: UUID, body: Empty, request: Request, viewer: Refusing) -> Proposed:
        """Make the preview anew; nothing else changes, however often it is asked for."""
        command_id_of(request)
        change_orders.preview_again(registry, viewer.scope, change_id)
        return Proposed(change_id=change_id)

    @routes.post("/changes/{change_id}/approve", status_code=202)
    def approve(change_id: UUID, body: Approval, request: Request, viewer: Approver) -> Proposed:
        """Let it be done: by another person than proposed it, who names the preview."""
        command = command_from(request, viewer, body)
        change_orders.approve(registry, viewer.scope, change_id, body.preview_hash, command)
        return Proposed(change_id=change_id)

    @routes.post("/changes/{change_id}/refuse")
    def refuse(change_id: UUID, body: Refusal, request: Request, viewer: Refusing) -> Proposed:
        """It will not be done."""
        check_purpose(body.reason)
        command = command_from(request, viewer, body)
        change_orders.refuse(registry, viewer.scope, change_id, body.reason, command, today())
        return Proposed(change_id=change_id)

    @routes.post("/changes/{change_id}/undo", status_code=202)
    def undo(change_id: UUID, body: Empty, request: Request, viewer: Approver) -> Proposed:
        """Put back exactly what it changed; who changed since is left alone."""
        command = command_from(request, viewer, body)
        change_orders.undo(registry, viewer.scope, change_id, command, today())
        return Proposed(change_id=change_id)


def _exporting(routes: APIRouter, registry: Registry) -> None:
    s = STUDENTS.c

    @routes.get("/student-sheets.xlsx", response_class=FileResponse)
    def export(
        viewer: Taking,
        school: Annotated[str | None, Query(max_length=64)] = None,
        grade: Annotated[str | None, Query(max_length=20)] = None,
        class_name: Annotated[str | None, Query(max_length=40)] = None,
    ) -> Response:
        """Students enrolled today as a sheet to be edited and sent back; personal fields are masked."""
        last = select(func.max(s.stream_version).label("version"), s.entity).group_by(s.entity).subquery("last")
        statement = select(*s, last.c.version).where(STUDENTS.holds_on(today()), s.state == "enrolled")
        statement = statement.where(s.entity == last.c.entity)
        for column, value in ((s.school_code, school), (s.grade, grade), (s.class_name, class_name)):
            if value:
                statement = statement.where(column == value)
        statement = statement.order_by(s.school_code, s.grade, s.class_name, s.entity).limit(ROWS_MAX + 1)
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = connection.execute(statement).all()
        if len(rows) > ROWS_MAX:
            raise Malformed(
                f"超过 {ROWS_MAX} 名学生,请按学校、年级导出",
                f"More than {ROWS_MAX} students: export a school or a grade",
                rows_max=ROWS_MAX,
            )
        folder = tempfile.TemporaryDirectory(prefix="rollcall-export-")
        path = Path(folder.name) / "students.xlsx"
        change_sheets.write(path, [_cells(each) for each in rows])
        tell(rows=len(rows), file=path)
        return FileResponse(path, media_type=XLSX, filename="students.xlsx", background=BackgroundTask(folder.cleanup))


def _cells(found: Any) -> dict[str, Any]:
    return {name: found.entity if name == "student_id" else getattr(found, name) for name in TITLES}
