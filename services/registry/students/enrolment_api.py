"""Schools and enrolments over HTTP: one record, or a batch of lines that is taken whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry import handlers, queries
from services.registry.commands import EnrolStudents, RegisterSchools, SchoolRecord, StudentRecord
from services.registry.errors import InvalidBatch, InvalidRecord
from services.registry.events import Stage
from services.registry.handlers import Registry
from services.registry.lists import standing
from services.registry.lists.known_schools import Schools
from services.registry.lists.submissions import STUDENT_ROWS
from services.registry.projections import REGISTER
from services.registry.queries import SchoolRow
from services.registry.students import provisional
from services.registry.students.batch_lines import PROBLEMS_TOLD, all_good, parsed
from services.registry.students.provisional import AMBIGUOUS
from services.registry.students.single_students import single_student
from services.registry.whole import whole_only
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.standards import division
from shared.standards.rights import Right
from shared.web.bodies import batch_lines
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Lines = Annotated[list[bytes], Depends(batch_lines)]
Clerk = Annotated[Viewer, Depends(require(Right.REFERENCE_KEEP))]
Registrar = Annotated[Viewer, Depends(require(Right.REGISTER_KEEP))]
Anyone = Annotated[Viewer, Depends(require(Right.REFERENCE_READ))]


class Enrol(BaseModel):
    """A student as the register states her. ``id_number`` and ``student_number`` are text: a number has lost digits and
    is refused as such. A child with neither, or with a J or L number, is enrolled all the same."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    id_number: str | int | float | None = None
    student_number: str | int | float | None = None
    former_name: str | None = Field(default=None, max_length=60)
    id_kind: str | None = Field(default=None, max_length=40)
    sex: str | None = Field(default=None, max_length=10)
    birth_date: str | None = Field(default=None, max_length=20)
    school: str | None = Field(default=None, max_length=80)
    school_code: str | None = Field(default=None, max_length=40)
    stage: str | None = Field(default=None, max_length=20)
    grade: str | None = Field(default=None, max_length=20)
    class_name: str | None = Field(default=None, max_length=40)
    guardian_name: str | None = Field(default=None, max_length=60)
    guardian_id: str | None = Field(default=None, max_length=40)
    phone: str | None = Field(default=None, max_length=40)
    address: str | None = Field(default=None, max_length=200)
    boarder: bool | str | None = None
    left_behind: bool | str | None = None
    placement: str | None = Field(default=None, max_length=20)
    enrolled_on: date | None = None


class School(BaseModel):
    """A school as its authority states it; what it stated before and leaves out now is gone."""

    model_config = ConfigDict(extra="forbid")

    school_code: str = Field(min_length=1, max_length=40)
    name: str = Field(min_length=1, max_length=80)
    division_code: str = Field(max_length=12)
    former_names: tuple[str, ...] = Field(default=(), max_length=20)
    stages: tuple[Stage, ...] = Field(default=(), max_length=6)


class Enrolled(BaseModel):
    """``student_ids``: one per line, in order. The same answer however often the command is repeated."""

    student_ids: tuple[UUID, ...]
    event_ids: tuple[UUID, ...]


class SchoolsRegistered(BaseModel):
    school_ids: tuple[UUID, ...]
    event_ids: tuple[UUID, ...]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/schools")
    def schools(viewer: Anyone, turn: Turn, true_on: date | None = None) -> Page[SchoolRow]:
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = queries.schools(connection, true_on or today(), turn)
        return page_of(rows, turn, key=lambda row: (row.school_code,))

    @routes.post("/schools/batch")
    def register_schools(request: Request, viewer: Clerk, lines: Lines, as_of: date | None = None) -> SchoolsRegistered:
        """One school per line, all or none."""
        whole_only(viewer, registry.division)
        records = tuple(all_good(parsed(School, lines), _school_record))
        command = command_from(request, viewer, b"\n".join(lines))
        result = handlers.register_schools(registry, RegisterSchools(records, as_of or today()), command)
        ids = tuple(registry.keys.school(record.school_code) for record in records)
        return SchoolsRegistered(school_ids=ids, event_ids=result.event_ids)

    @routes.post("/students", status_code=201)
    def enrol(body: Enrol, request: Request, viewer: Registrar, as_of: date | None = None) -> Enrolled:
        """Enrol one student, or bring her to what is stated."""
        schools = _schools(registry, as_of or today())
        record = _record(body, schools, viewer, as_of or today())
        command = command_from(request, viewer, body)
        return _enrol(registry, [record], as_of or today(), command)

    @routes.post("/students/batch")
    def enrol_batch(request: Request, viewer: Registrar, lines: Lines, as_of: date | None = None) -> Enrolled:
        """One student per line (NDJSON), all or none."""
        schools = _schools(registry, as_of or today())
        records = all_good(parsed(Enrol, lines), lambda body: _record(body, schools, viewer, as_of or today()))
        command = command_from(request, viewer, b"\n".join(lines))
        return _enrol(registry, records, as_of or today(), command)

    return routes


def _schools(registry: Registry, on: date) -> Schools:
    with registry.database.writing() as connection:
        return standing.schools(driver(connection), on)


def _school_record(body: School) -> SchoolRecord:
    try:
        place = division.scope(body.division_code)
    except division.DivisionCodeError as error:
        raise InvalidRecord([("division_code", error.code, error.message_zh, error.message_en)]) from None
    return SchoolRecord(body.school_code, body.name, place, body.former_names, body.stages)


def _record(body: Enrol, schools: Schools, viewer: Viewer, as_of: date) -> StudentRecord:
    """Read like a row of the register. Raises UnknownSchool, SchoolHasClosed, InvalidRecord; Forbidden for another
    school's pupil."""
    told = body.model_dump(exclude={"enrolled_on"})
    cells: dict[str, Any] = {field: _cell(value) for field, value in told.items() if value is not None}
    cells["class"] = cells.pop("class_name", "")
    return single_student(cells, schools, viewer.scope, as_of, body.enrolled_on)


def _cell(value: object) -> object:
    return ("是" if value else "否") if isinstance(value, bool) else value


def _enrol(registry: Registry, records: Sequence[StudentRecord], as_of: date, command: Command) -> Enrolled:
    """As many commands as the size of one allows; their ids follow from the caller's (invariant 3)."""
    event_ids: list[UUID] = []
    with registry.database.writing() as connection:
        unclear = provisional.unclear(registry.store, registry.keys, connection, records)
    if unclear:
        lines = [(place + 1, AMBIGUOUS.code, AMBIGUOUS.zh, AMBIGUOUS.en) for place in sorted(unclear)]
        raise InvalidBatch(lines[:PROBLEMS_TOLD], len(lines))
    for number, begin in enumerate(range(0, len(records), STUDENT_ROWS)):
        part = tuple(records[begin : begin + STUDENT_ROWS])
        command_id = command.command_id if number == 0 else registry.keys.part(command.command_id, "lines", number)
        made = Command(command.principal, command_id, command.body, traceparent=command.traceparent)
        event_ids += handlers.enrol_students(registry, EnrolStudents(part, as_of), made).event_ids
    ids = handlers.students_named(registry, records)
    return Enrolled(student_ids=tuple(ids), event_ids=tuple(event_ids))
