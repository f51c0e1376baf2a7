"""Reference data over HTTP: schools, division codes by era, school calendars; each true on a day, known at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.reference import closed_schools, reference, reference_queries
from services.registry.reference.calendar_sheets import calendar_year
from services.registry.reference.closed_schools import ClosedSchoolStudent
from services.registry.reference.division_sheets import division_changes
from services.registry.reference.reference import ActivateCalendar, CloseSchool, DivisionChange
from services.registry.reference.reference_queries import CalendarRow, DivisionOnDay, ReferenceHappened, SchoolOnDay
from services.registry.reference_errors import (
    CalendarNotOnRecord,
    CalendarRefused,
    DivisionNotOnRecord,
    SchoolNotOnRecord,
)
from services.registry.students.batch_lines import parsed
from services.registry.whole import whole_only
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.standards.school_calendar import CalendarError, CalendarYear, Span
from shared.web.bodies import Upload, batch_lines, received_file
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Lines = Annotated[list[bytes], Depends(batch_lines)]
Clerk = Annotated[Viewer, Depends(require(Right.REFERENCE_KEEP))]
Anyone = Annotated[Viewer, Depends(require(Right.REFERENCE_READ))]
Reader = Annotated[Viewer, Depends(require(Right.STUDENTS_READ))]
SchoolCode = Annotated[str | None, Query(max_length=64)]
KnownAt = Annotated[datetime | None, Query(description="as known at this moment; with its offset from UTC")]
Code = Annotated[str, Field(pattern=r"^\d{2}(\d{2}(\d{2}(\d{3}(\d{3})?)?)?)?$")]
LINES_MOST = 1_000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Closing(_Body):
    """``on``: the first day the school is no more."""

    on: date
    merged_into: str | None = Field(default=None, min_length=1, max_length=40)


class DivisionLine(_Body):
    """One line of a code's history: added (or renamed) with its ``name``, or withdrawn with its ``successors``."""

    code: Code
    on: date
    change: Literal["added", "withdrawn"]
    name: str = Field(default="", max_length=80)
    successors: tuple[Code, ...] = Field(default=(), max_length=50)
    source: str = Field(default="", max_length=200)


class Days(_Body):
    """Both days included."""

    first: date
    last: date
    name: str = Field(min_length=1, max_length=40)


class Calendar(_Body):
    """The school days of one school year. ``school_code`` None: of the whole division."""

    division_code: Code
    school_code: str | None = Field(default=None, min_length=1, max_length=40)
    school_year: int = Field(ge=1950, le=2200)
    terms: tuple[Days, ...] = Field(min_length=1, max_length=6)
    rest_weekdays: tuple[int, ...] = Field(default=(6, 7), max_length=7)
    holidays: tuple[Days, ...] = Field(default=(), max_length=60)
    made_up: tuple[date, ...] = Field(default=(), max_length=60)


class Recorded(BaseModel):
    """The same answer however often the command is repeated; no event when nothing changed."""

    event_ids: tuple[UUID, ...]


class CalendarActivated(Recorded):
    calendar_id: UUID


class DayTold(BaseModel):
    """``nth_before``: the school day as many school days before as were asked for."""

    day: date
    school_day: bool
    term: str | None
    nth_before: date | None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1/reference."""
    routes = APIRouter(prefix="/v1/reference")
    _schools(routes, registry)
    _divisions(routes, registry)
    _calendars(routes, registry)
    _calendar_files(routes, registry)
    return routes


def _schools(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/schools")
    def schools(viewer: Anyone, turn: Turn, true_on: date | None = None, known_at: KnownAt = None) -> Page[SchoolOnDay]:
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = reference_queries.schools_on(connection, true_on or today(), _moment(known_at), turn)
        return page_of(rows, turn, key=lambda row: (row.school_code,))

    @routes.get("/closed-schools/students")
    def left_behind(
        viewer: Reader, turn: Turn, school: SchoolCode = None, true_on: date | None = None
    ) -> Page[ClosedSchoolStudent]:
        """Who is still enrolled at a school that is no more: each has to be moved."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = closed_schools.students(connection, true_on or today(), school, turn)
        return page_of(rows, turn, key=lambda row: (row.school_code or "", row.student_id))

    @routes.get("/schools/{school_code}/history")
    def school_history(school_code: str, viewer: Anyone) -> list[ReferenceHappened]:
        return _happened(registry, viewer, registry.keys.school(school_code)) or _none(SchoolNotOnRecord(school_code))

    @routes.post("/schools/{school_code}/close")
    def close(school_code: str, body: Closing, request: Request, viewer: Clerk) -> Recorded:
        """The school is no more, or another took it over (撤点并校). Its students move by commands of their own."""
        intent = CloseSchool(school_code, body.on, body.merged_into)
        done = reference.close_school(registry, viewer.scope, intent, command_from(request, viewer, body))
        return Recorded(event_ids=done.event_ids)


def _divisions(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/divisions")
    def divisions(
        viewer: Anyone,
        turn: Turn,
        true_on: date | None = None,
        known_at: KnownAt = None,
        within: Annotated[str, Query(pattern=r"^\d{0,12}$")] = "",
        in_force: bool | None = None,
    ) -> Page[DivisionOnDay]:
        """Codes that begin with ``within``; ``in_force`` false: the withdrawn ones, with their successors."""
        day, moment = true_on or today(), _moment(known_at)
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = reference_queries.divisions_on(connection, day, moment, turn, within, in_force)
        return page_of(rows, turn, key=lambda row: (row.code,))

    @routes.get("/divisions/{division_code}/history")
    def division_history(division_code: str, viewer: Anyone) -> list[ReferenceHappened]:
        stream = registry.keys.division(division_code)
        return _happened(registry, viewer, stream) or _none(DivisionNotOnRecord(division_code))

    @routes.post("/divisions/batch")
    def state(request: Request, viewer: Clerk, lines: Lines) -> Recorded:
        """One line of a code's history per line (NDJSON), in any order, all or none; what stands already is left."""
        whole_only(viewer, registry.division)
        told = parsed(DivisionLine, lines)
        if len(told) > LINES_MOST:
            raise Malformed(f"一次最多{LINES_MOST}行", f"At most {LINES_MOST} lines at once", lines=len(told))
        if unnamed := [number for number, line in enumerate(told, 1) if line.change == "added" and not line.name]:
            raise Malformed("启用的区划要有名称", "A code that is added has a name", lines=unnamed[:100])
        changes = [DivisionChange(**line.model_dump()) for line in told]
        done = reference.state_divisions(registry, changes, command_from(request, viewer, b"\n".join(lines)))
        return Recorded(event_ids=done.event_ids)

    @routes.post("/divisions/uploads")
    def take_in(request: Request, viewer: Clerk, upload: Annotated[Upload, Depends(received_file)]) -> Recorded:
        """A whole history as xlsx or csv, all or none; what stands already is left."""
        whole_only(viewer, registry.division)
        with _as_named(upload) as path:
            changes = division_changes(path)
        command = command_from(request, viewer, upload.sha256.encode())
        return Recorded(event_ids=reference.state_many_divisions(registry, changes, command))


def _calendars(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/calendars")
    def calendars(viewer: Anyone, true_on: date | None = None, known_at: KnownAt = None) -> Page[CalendarRow]:
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = reference_queries.calendars_on(connection, true_on or today(), _moment(known_at))
        return Page(items=rows)

    @routes.get("/calendars/{calendar_id}/history")
    def calendar_history(calendar_id: UUID, viewer: Anyone) -> list[ReferenceHappened]:
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            if not reference_queries.is_calendar(connection, calendar_id):
                raise CalendarNotOnRecord
        return _happened(registry, viewer, calendar_id)

    @routes.get("/school-day")
    def school_day(
        viewer: Anyone,
        day: date,
        division_code: Annotated[str | None, Query(pattern=r"^\d{2,12}$")] = None,
        school_code: Annotated[str | None, Query(max_length=40)] = None,
        before: Annotated[int, Query(ge=1, le=400, description="how many school days back to look")] = 1,
        known_at: KnownAt = None,
    ) -> DayTold:
        """Whether there is school on a day, in which term, and which school day lies ``before`` school days back."""
        place = division_code or registry.division
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            try:
                own = reference_queries.calendar(connection, today(), _moment(known_at), place, school_code)
            except CalendarError as wrong:
                raise CalendarRefused(wrong.message_zh, wrong.message_en) from None
        term = own.term_of(day)
        return DayTold(
            day=day,
            school_day=own.is_school_day(day),
            term=term.name if term else None,
            nth_before=own.nth_school_day_before(day, before),
        )

    @routes.post("/calendars", status_code=201)
    def activate(body: Calendar, request: Request, viewer: Clerk, as_of: date | None = None) -> CalendarActivated:
        """What the place told of this school year before is gone from ``as_of`` (default today) on."""
        year = CalendarYear(
            terms=tuple(map(_span, body.terms)),
            rest_weekdays=body.rest_weekdays,
            holidays=tuple(map(_span, body.holidays)),
            made_up=body.made_up,
        )
        intent = ActivateCalendar(body.division_code, body.school_code, body.school_year, year, as_of or today())
        done = reference.activate_calendar(registry, viewer.scope, intent, command_from(request, viewer, body))
        return CalendarActivated(event_ids=done.event_ids, calendar_id=reference.calendar_id(registry, intent))


def _calendar_files(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/calendars/uploads", status_code=201)
    def take_in(
        request: Request,
        viewer: Clerk,
        upload: Annotated[Upload, Depends(received_file)],
        division_code: Annotated[str, Query(pattern=r"^\d{2,12}$")],
        school_year: Annotated[int, Query(ge=1950, le=2200)],
        school_code: Annotated[str | None, Query(min_length=1, max_length=40)] = None,
        as_of: date | None = None,
    ) -> CalendarActivated:
        """A school year as xlsx or csv: a line for each term, holiday, made-up day and weekly rest."""
        with _as_named(upload) as path:
            year = calendar_year(path)
        intent = ActivateCalendar(division_code, school_code, school_year, year, as_of or today())
        said = "|".join((upload.sha256, division_code, str(school_year), school_code or "", str(as_of)))
        command = command_from(request, viewer, said.encode())
        done = reference.activate_calendar(registry, viewer.scope, intent, command)
        return CalendarActivated(event_ids=done.event_ids, calendar_id=reference.calendar_id(registry, intent))


@contextmanager
def _as_named(upload: Upload) -> Iterator[Path]:
    """The file under its own ending: the reader tells the format by it."""
    taken = upload.path.with_name(f"{upload.path.name}{Path(upload.filename).suffix.lower()}")
    upload.path.rename(taken)
    try:
        yield taken
    finally:
        taken.rename(upload.path)


def _span(days: Days) -> Span:
    return Span(days.first, days.last, days.name)


def _moment(known_at: datetime | None) -> datetime | None:
    if known_at is not None and known_at.tzinfo is None:
        raise Malformed("时刻要带时区", "A moment needs its offset from UTC", field="known_at")
    return known_at


def _happened(registry: Registry, viewer: Viewer, stream: UUID) -> list[ReferenceHappened]:
    with registry.database.reading(viewer.scope, REGISTER.name) as connection:
        return reference_queries.happened(connection, stream, viewer.language)


def _none(refusal: SchoolNotOnRecord | DivisionNotOnRecord) -> list[ReferenceHappened]:
    raise refusal
