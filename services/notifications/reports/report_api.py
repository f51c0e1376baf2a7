"""Regular reports over HTTP: the list, one, what is due, the running period, another edition."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel

from services.notifications.report_errors import UnknownReport
from services.notifications.report_events import ReportLevel
from services.notifications.reports import report_queries
from services.notifications.reports.report_desk import ReportDesk, Wanted, own_level
from services.notifications.reports.report_queries import DueRow, Figures, Report, ReportFilter, ReportHead
from services.notifications.reports.report_view import REPORTS_VIEW
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.REPORTS_READ))]
Responsible = Annotated[Viewer, Depends(require(Right.REPORTS_ISSUE))]
Turn = Annotated[PageTurn, Depends(page_turn)]
PlaceCode = Annotated[str | None, Query(max_length=64)]


class Preview(Figures):
    """A report that is not issued, as of what was known at ``known_at`` (None = now)."""

    known_at: datetime | None


class Reproduced(BaseModel):
    """``same``: counted once more from its own cut, an edition gave the bytes that were issued."""

    edition: int
    issued_hash: str
    content_hash: str
    same: bool


class IssuedAgain(BaseModel):
    """The same answer however often the command is repeated."""

    report_id: UUID
    event_ids: tuple[UUID, ...]


def router(desk: ReportDesk) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _lists(routes, desk)
    _one(routes, desk)
    return routes


def _lists(routes: APIRouter, desk: ReportDesk) -> None:
    @routes.get("/reports")
    def reports(
        viewer: Reader,
        turn: Turn,
        level: ReportLevel | None = None,
        school: PlaceCode = None,
        division: Annotated[str | None, Query(pattern=r"^\d{2,6}$")] = None,
        first: date | None = None,
        last: date | None = None,
    ) -> Page[ReportHead]:
        """Issued reports of periods that touch ``first`` to ``last``, the newest first, each in its latest edition."""
        asked = ReportFilter(level, school, division, first, last)
        with desk.database.reading(viewer.scope, REPORTS_VIEW.name) as connection:
            rows = report_queries.listed(connection, turn, asked, today())
        return page_of(rows, turn, key=lambda row: (row.last, row.report_id))

    @routes.get("/reports/due")
    def due(viewer: Reader, true_on: date | None = None) -> list[DueRow]:
        """What was due and what was issued, for the last periods of each level."""
        with desk.database.reading(viewer.scope, REPORTS_VIEW.name) as connection:
            school_only = viewer.scope.division is None
            return report_queries.overview(connection, desk.division, true_on or today(), school_only)

    @routes.get("/reports/preview")
    def preview(
        viewer: Reader,
        level: ReportLevel | None = None,
        place: PlaceCode = None,
        on: date | None = None,
        known_at: AwareDatetime | None = None,
    ) -> Preview:
        """The period around ``on`` (default today) as it stands, or as it was known at a moment. Not issued."""
        made = desk.preview(viewer.scope, Wanted(level or own_level(viewer.scope), on or today(), place, known_at))
        with desk.database.reading(viewer.scope, REPORTS_VIEW.name) as connection:
            names = report_queries.school_names(connection, today())
        told = report_queries.figures_of(made.content, made.content_hash, names)
        return Preview(**told.model_dump(), known_at=known_at)


def _one(routes: APIRouter, desk: ReportDesk) -> None:
    @routes.get("/reports/{report_id}")
    def one(viewer: Reader, report_id: UUID, edition: Annotated[int | None, Query(ge=1)] = None) -> Report:
        """An edition, default the latest, with what each edition changed."""
        with desk.database.reading(viewer.scope, REPORTS_VIEW.name) as connection:
            found = report_queries.report(connection, report_id, edition, today())
        if found is None:
            raise UnknownReport
        return found

    @routes.get("/reports/{report_id}/reproduced")
    def reproduced(viewer: Reader, report_id: UUID, edition: Annotated[int | None, Query(ge=1)] = None) -> Reproduced:
        """Count an edition once more from the events it rests on, and compare."""
        issued = desk.edition(viewer.scope, report_id, edition)
        made = desk.reproduced(issued)
        return Reproduced(
            edition=issued.edition,
            issued_hash=issued.content_hash,
            content_hash=made.content_hash,
            same=made.content == issued.content,
        )

    @routes.post("/reports/{report_id}/editions", status_code=201)
    def again(report_id: UUID, request: Request, viewer: Responsible) -> IssuedAgain:
        """Issue it again from what is known now; refused when nothing has changed."""
        command = command_from(request, viewer, None)
        result = desk.again(viewer.scope, report_id, today(), command)
        return IssuedAgain(report_id=report_id, event_ids=result.event_ids)
