"""Attendance over HTTP: one class or up to a thousand, taken whole or not at all; who was absent, who is silent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry import queries
from services.registry.errors import StudentUnknown
from services.registry.handlers import Registry
from services.registry.life_events import AbsenceReason
from services.registry.projections import REGISTER
from services.registry.reference.school_days import school_days
from services.registry.students import attendance_queries
from services.registry.students.attendance import Absent, Report
from services.registry.students.attendance_queries import AbsenceRow, ClassRow, SilentClass
from services.registry.students.batch_lines import parsed
from services.registry.students.class_sheets import (
    ClassOfDay,
    ClassSheet,
    SchoolDayClasses,
    SchoolReports,
    classes_of,
    schools_reported,
    sheet_of,
)
from services.registry.students.reporting_classes import ClassRegister, report_classes, report_one
from services.registry.students.student_api import watched
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.bodies import batch_lines
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Lines = Annotated[list[bytes], Depends(batch_lines)]
Reader = Annotated[Viewer, Depends(require(Right.ATTENDANCE_READ))]
Reporter = Annotated[Viewer, Depends(require(Right.ATTENDANCE_REPORT))]
SchoolCode = Annotated[str | None, Query(max_length=64)]
CLASS_MAX = 500
SPAN = timedelta(days=120)  # about a term, unless asked otherwise


class AbsentChild(BaseModel):
    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    reason: AbsenceReason = "unexplained"
    half_day: bool = False


class ClassReport(BaseModel):
    """A class on a day. Absent children only, or with ``full`` every child: the others in ``present``. A second report
    of the same class and day corrects the first. ``class_name`` is empty where a grade has no classes."""

    model_config = ConfigDict(extra="forbid")

    school_code: str = Field(min_length=1, max_length=64)
    stage: str | None = Field(default=None, max_length=20)
    grade: str = Field(max_length=20)
    class_name: str = Field(default="", max_length=40)
    day: date
    full: bool = False
    absent: tuple[AbsentChild, ...] = Field(default=(), max_length=CLASS_MAX)
    late: tuple[UUID, ...] = Field(default=(), max_length=CLASS_MAX)
    present: tuple[UUID, ...] = Field(default=(), max_length=CLASS_MAX)


class Reported(BaseModel):
    """One event for each class of which something new was said. The same answer however often the command is
    repeated."""

    event_ids: tuple[UUID, ...]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reporting(routes, registry)
    _reading(routes, registry)
    _filling_in(routes, registry)
    return routes


def _reporting(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/attendance")
    def report(body: ClassReport, request: Request, viewer: Reporter) -> Reported:
        """One class."""
        command = command_from(request, viewer, body)
        register = ClassRegister(registry, viewer.scope, school_days(registry, viewer.scope))
        return Reported(event_ids=report_one(register, _report(body), command, today()).event_ids)

    @routes.post("/attendance/batch")
    def report_batch(request: Request, viewer: Reporter, lines: Lines) -> Reported:
        """A class per line (NDJSON), all or none; what is wrong is told line by line."""
        command = command_from(request, viewer, b"\n".join(lines))
        register = ClassRegister(registry, viewer.scope, school_days(registry, viewer.scope))
        reports = [_report(body) for body in parsed(ClassReport, lines)]
        return Reported(event_ids=report_classes(register, reports, command, today()).event_ids)


def _reading(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/attendance")
    def reports(viewer: Reader, turn: Turn, day: date, school: SchoolCode = None) -> Page[ClassRow]:
        """What was reported of a day."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = attendance_queries.reports(connection, day, school, turn)
        return page_of(rows, turn, key=lambda row: (row.school_code, row.report_id))

    @routes.get("/attendance/unreported")
    def unreported(viewer: Reader, turn: Turn, day: date, school: SchoolCode = None) -> Page[SilentClass]:
        """Classes of which nothing was reported on that day."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = attendance_queries.silent_classes(connection, day, school, turn)
        return page_of(rows, turn, key=lambda row: (row.school_code, row.stage, row.grade, row.class_name))

    @routes.get("/students/{student_id}/absences")
    def absences(
        student_id: UUID, viewer: Reader, first: date | None = None, last: date | None = None
    ) -> list[AbsenceRow]:
        """When a child was absent or late, newest first; the last term unless asked otherwise."""
        end = last or today()
        with watched(viewer, student_id), registry.database.reading(viewer.scope, REGISTER.name) as connection:
            if queries.student(connection, today(), student_id) is None:
                raise StudentUnknown(student_id)
            return attendance_queries.absences(connection, student_id, first or end - SPAN, end)


def _filling_in(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/attendance/schools")
    def schools(viewer: Reader, turn: Turn, day: date) -> Page[SchoolReports]:
        """How many classes of each school reported on a day."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = schools_reported(connection, day, turn)
        return page_of(rows, turn, key=lambda row: (row.school_code,))

    @routes.get("/attendance/classes")
    def classes(viewer: Reader, day: date, school: Annotated[str, Query(max_length=64)]) -> SchoolDayClasses:
        """Every class of a school on a day, with the last report where there is one."""
        return classes_of(registry, viewer.scope, school, day, school_days(registry, viewer.scope))

    @routes.get("/attendance/class")
    def one_class(
        viewer: Reader,
        day: date,
        school: Annotated[str, Query(max_length=64)],
        stage: Annotated[str, Query(max_length=20)] = "",
        grade: Annotated[str, Query(max_length=20)] = "",
        class_name: Annotated[str, Query(max_length=40)] = "",
    ) -> ClassSheet:
        """The children of a class on a day, masked, with what the last report says of each."""
        about = ClassOfDay(school_code=school, stage=stage, grade=grade, class_name=class_name, members=0)
        return sheet_of(registry, viewer.scope, about, day, school_days(registry, viewer.scope))


def _report(body: ClassReport) -> Report:
    return Report(
        school_code=body.school_code,
        grade=body.grade,
        class_name=body.class_name,
        day=body.day,
        absent=tuple(Absent(each.student_id, each.reason, each.half_day) for each in body.absent),
        late=body.late,
        present=body.present,
        full=body.full,
        stage=body.stage,
    )
