"""The roster, the review queue and the rows matched to nobody, over HTTP; the roster live by SSE."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from services.matching import queries, roster
from services.matching.errors import SubmissionUnknown
from services.matching.events import ListName
from services.matching.list_dates import ListDate, list_dates
from services.matching.outcome import State
from services.matching.projections import ROSTER_VIEW
from services.matching.queries import UNMATCHED, ReviewRow, Summary, UnmatchedRow
from services.matching.roster import RosterRow
from services.matching.sheets import write_roster
from services.matching.submission_states import SubmissionStates, submission_states
from shared.database.database import Database
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.disclosures import tell
from shared.web.event_stream import EventStream
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

KNOWN_IDS = 10_000
Turn = Annotated[PageTurn, Depends(page_turn)]
RosterReader = Annotated[Viewer, Depends(require(Right.ROSTER_READ))]
Taking = Annotated[Viewer, Depends(require(Right.ROSTER_READ, exports=True))]
ReviewReader = Annotated[Viewer, Depends(require(Right.REVIEWS_READ))]
RowReader = Annotated[Viewer, Depends(require(Right.ENTRIES_READ))]
Anyone = Annotated[Viewer, Depends(require(Right.ROSTER_COUNT))]
SchoolCode = Annotated[str | None, Query(max_length=64)]
CategoryCode = Annotated[str | None, Query(max_length=64, pattern="^[a-z_]+$")]


class Inputs(BaseModel):
    """The newest list of each agency that was true by the day asked for."""

    items: list[ListDate]


def router(database: Database, division: str) -> APIRouter:
    """The routes under /v1. ``division``: the installation's."""
    routes = APIRouter(prefix="/v1")
    _roster_routes(routes, database, division)
    _row_routes(routes, database)
    return routes


def _roster_routes(routes: APIRouter, database: Database, division: str) -> None:
    view = ROSTER_VIEW.name

    @routes.get("/roster")
    def roster_page(
        request: Request,
        response: Response,
        viewer: RosterReader,
        turn: Turn,
        school: SchoolCode = None,
        category: CategoryCode = None,
        true_on: date | None = None,
    ) -> Page[RosterRow]:
        """Students of a category, by school."""
        response.headers["change-position"] = request.app.state.hub.position()  # before the rows are read
        with database.reading(viewer.scope, view) as connection:
            rows = roster.roster(connection, true_on or today(), turn, school=school, category=category)
        return page_of(rows, turn, key=lambda row: (row.school_code or "", row.student_id))

    @routes.get("/roster/summary")
    def summary(request: Request, response: Response, viewer: Anyone, true_on: date | None = None) -> Summary:
        """How many students per category, and how many list rows per state."""
        response.headers["change-position"] = request.app.state.hub.position()
        with database.reading(viewer.scope, view) as connection:
            return queries.summary(connection, true_on or today())

    @routes.get("/roster/inputs")
    def inputs(viewer: Anyone, true_on: date | None = None) -> Inputs:
        """How old each list is that the roster rests on (数据截至)."""
        with database.reading(viewer.scope, view) as connection:
            return Inputs(items=list_dates(connection, true_on or today()))

    @routes.get("/roster.xlsx", response_class=FileResponse)
    def roster_sheet(
        viewer: Taking,
        school: SchoolCode = None,
        category: CategoryCode = None,
        true_on: date | None = None,
    ) -> Response:
        """The same list whole, as a workbook."""
        day = true_on or today()
        folder = tempfile.TemporaryDirectory(prefix="rollcall-roster-")
        path = Path(folder.name) / "roster.xlsx"
        try:
            with database.reading(viewer.scope, view) as connection:
                found = roster.roster_pages(connection, day, school=school, category=category)
                rows = write_roster(path, f"资助名册 {day.isoformat()}", found, list_dates(connection, day))
            tell(rows=rows, file=path)
        except BaseException:
            folder.cleanup()
            raise
        name = f"roster-{day.isoformat()}.xlsx"
        return FileResponse(path, media_type=XLSX, filename=name, background=BackgroundTask(folder.cleanup))

    @routes.get("/roster/stream")
    def stream(
        request: Request, viewer: RosterReader, school: SchoolCode = None, category: CategoryCode = None
    ) -> Response:
        """``row`` / ``removed`` / ``reload`` / ``bye`` events about the students of this list."""

        def read(ids: Sequence[UUID]) -> Mapping[UUID, RosterRow]:
            with database.reading(viewer.scope, view) as connection:
                return roster.roster_by_id(connection, today(), ids, school=school, category=category)

        known = None
        if not viewer.scope.covers(division, None):  # who sees only a part hears of no coming and going elsewhere
            with database.reading(viewer.scope, view) as connection:
                known = roster.roster_ids(connection, today(), KNOWN_IDS)
        return EventStream(request, request.app.state.hub, viewer, ["roster"], read, known=known)


def _row_routes(routes: APIRouter, database: Database) -> None:
    view = ROSTER_VIEW.name

    @routes.get("/reviews")
    def reviews(
        viewer: ReviewReader,
        turn: Turn,
        list_name: Annotated[ListName | None, Query(alias="list")] = None,
        school: SchoolCode = None,
        true_on: date | None = None,
    ) -> Page[ReviewRow]:
        """List rows that a person must decide."""
        with database.reading(viewer.scope, view) as connection:
            rows = queries.reviews(
                connection,
                true_on or today(),
                turn,
                list_name=list_name,
                school=school,
                language=viewer.language,
                me=viewer.principal,
            )
        return page_of(rows, turn, key=lambda row: (row.list, row.entry_id))

    @routes.get("/submissions/{submission_id}/states")
    def states(submission_id: UUID, viewer: RowReader, true_on: date | None = None) -> SubmissionStates:
        """The rows of a submission by state and reason; they sum to the rows that stand."""
        with database.reading(viewer.scope, view) as connection:
            found = submission_states(connection, true_on or today(), submission_id, viewer.language)
        if found is None:
            raise SubmissionUnknown(submission_id)
        return found

    @routes.get("/unmatched")
    def unmatched(
        viewer: RowReader,
        turn: Turn,
        state: Annotated[list[State] | None, Query()] = None,
        list_name: Annotated[ListName | None, Query(alias="list")] = None,
        school_age: bool | None = None,
        true_on: date | None = None,
    ) -> Page[UnmatchedRow]:
        """List rows about nobody of the register, and why."""
        states = [each for each in state or UNMATCHED if each in UNMATCHED]
        with database.reading(viewer.scope, view) as connection:
            rows = queries.unmatched(
                connection,
                true_on or today(),
                turn,
                states=states,
                list_name=list_name,
                school_age=school_age,
                language=viewer.language,
            )
        return page_of(rows, turn, key=lambda row: (row.list, row.entry_id))
