"""Who saw whom, over HTTP: for auditors and clerks; a school sees the reads of its own students."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import Connection

from services.audit.erasure import erasure_queries
from services.audit.erasure.erasure_errors import SubjectUnknown
from services.audit.reads import read_queries
from services.audit.reads.read_folds import READS_VIEW
from services.audit.reads.read_queries import Act, Places, ReadRow, UnusualRow, begin_of, end_of
from services.audit.reads.read_sheet import write_sheet
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.standards.division import within
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.disclosures import tell
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

UNUSUAL_MOST = 200
SHEET_ROWS_MOST = 10_000
Reader = Annotated[Viewer, Depends(require(Right.READS_READ))]
Taking = Annotated[Viewer, Depends(require(Right.READS_READ, exports=True))]
Auditing = Annotated[Viewer, Depends(require(Right.READS_WATCH))]
Turn = Annotated[PageTurn, Depends(page_turn)]
Who = Annotated[str | None, Query(max_length=120)]
Day = Annotated[date | None, Query()]


class Unusual(BaseModel):
    items: list[UnusualRow]


def read_routes(database: Database) -> APIRouter:
    """The routes under /v1/reads."""
    routes = APIRouter(prefix="/v1/reads")

    @contextmanager
    def reading(viewer: Viewer) -> Iterator[Connection]:
        with database.reading(viewer.scope, READS_VIEW.name) as connection:
            yield connection

    @routes.get("")
    def reads(
        viewer: Reader,
        turn: Turn,
        reader: Who = None,
        post: Who = None,
        student: UUID | None = None,
        act: Act | None = None,
        since: Day = None,
        until: Day = None,
    ) -> Page[ReadRow]:
        """Latest first: who read in full, took away and was refused what. ``reader``: of one principal; ``post``: in
        one post; ``student``: about one; ``since`` and ``until`` are days in Shanghai, both included."""
        begin = None if since is None else begin_of(since)
        end = None if until is None else end_of(until)
        with reading(viewer) as connection:
            rows = read_queries.reads(
                connection, turn, viewer=reader, post=post, student=student, act=act, since=begin, until=end
            )
        return page_of(rows, turn, key=_key)

    @routes.get("/unusual")
    def unusual(viewer: Auditing, since: Day = None, until: Day = None) -> Unusual:
        """Days of readers that are worth a question; the last thirty unless days are given."""
        last = until or today()
        first = since or last - timedelta(days=30)
        with reading(viewer) as connection:
            rows = read_queries.unusual(connection, begin_of(first), end_of(last), UNUSUAL_MOST)
        return Unusual(items=rows)

    @routes.get("/of/{student_id}")
    def of_student(student_id: UUID, viewer: Reader, turn: Turn) -> Page[ReadRow]:
        """Who saw this student, and which whole lists may have shown her."""
        places = _places(database, viewer.scope, student_id)
        with reading(viewer) as connection:
            rows = read_queries.reads(connection, turn, student=student_id, places=places)
        return page_of(rows, turn, key=_key)

    @routes.get("/of/{student_id}/sheet.xlsx")
    def sheet(student_id: UUID, viewer: Taking) -> Response:
        """The same for her guardian, to take away: nothing of anybody else stands in it."""
        places = _places(database, viewer.scope, student_id)
        with reading(viewer) as connection:
            turn = PageTurn(None, SHEET_ROWS_MOST)
            rows = read_queries.reads(connection, turn, student=student_id, places=places)
        tell(rows=min(len(rows), SHEET_ROWS_MOST))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "reads.xlsx"
            write_sheet(path, rows[:SHEET_ROWS_MOST])
            content = path.read_bytes()
        headers = {"content-disposition": f'attachment; filename="reads-{student_id}.xlsx"'}
        return Response(content, media_type=XLSX, headers=headers)

    return routes


def _key(row: ReadRow) -> tuple[datetime, UUID]:
    return row.read_at, row.read_id


def _places(database: Database, scope: Scope, student_id: UUID) -> Places:
    """Where the student was, if the viewer may know of her. Raises SubjectUnknown."""
    with database.working() as connection:
        periods = erasure_queries.places(connection, student_id)
    schools = {school for _, school in periods if school}
    divisions = {division for division, _ in periods if division}
    seen = (scope.division is not None and any(within(each, scope.division) for each in divisions)) or (
        scope.school is not None and scope.school in schools
    )
    if not seen:
        raise SubjectUnknown(student_id)
    return Places(schools=sorted(schools), divisions=sorted(divisions))
