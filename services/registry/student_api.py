"""Students and schools over HTTP: search, one student, full reads with a purpose, and changes of enrolment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry import handlers, queries, standing
from services.registry.commands import AcceptElsewhere, EnrolStudents, RecordLeaving, StudentRecord, TransferStudentOut
from services.registry.errors import InvalidRecord, StudentUnknown, UnknownSchool
from services.registry.events import DestinationKind, LeavingReason, PersonalDataRead
from services.registry.handlers import Registry
from services.registry.intake import student_record
from services.registry.lists import register_row
from services.registry.projections import REGISTER
from services.registry.queries import REVEALABLE, SchoolRow, StudentDetails, StudentRow
from services.registry.row_records import placed
from services.registry.standing import Schools
from services.registry.submissions import STUDENT_ROWS
from shared.database.database import driver
from shared.eventsourcing.store import Result
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed, NotFound
from shared.web.bodies import batch_lines
from shared.web.commands import command_from
from shared.web.entity_tags import set_entity_tag
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import AGENCY, AID_CLERK, AUDITOR, SCHOOL, Viewer, require

log = structlog.get_logger(__name__)
Turn = Annotated[PageTurn, Depends(page_turn)]
Lines = Annotated[list[bytes], Depends(batch_lines)]
Reader = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL, AUDITOR))]
Registrar = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL))]
Anyone = Annotated[Viewer, Depends(require(AID_CLERK, SCHOOL, AGENCY, AUDITOR))]


class Enrol(BaseModel):
    """A student as the register states her. ``id_number`` is text: a number has already lost digits."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    id_number: str | int | float | None = None
    student_number: str | None = Field(default=None, max_length=40)
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
    boarder: str | None = Field(default=None, max_length=20)
    left_behind: str | None = Field(default=None, max_length=20)
    placement: str | None = Field(default=None, max_length=20)
    enrolled_on: date | None = None


class TransferOut(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: date
    destination_kind: DestinationKind = "unknown"
    destination_school_code: str | None = Field(default=None, max_length=40)
    destination_division_code: str | None = Field(default=None, max_length=12)


class Accepted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: date
    destination_division_code: str = Field(max_length=12, pattern=r"^\d{2,12}$")
    destination_school: str | None = Field(default=None, max_length=80)


class Leaving(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: date
    reason: LeavingReason


class Reveal(BaseModel):
    """Why somebody needs to see the full fields."""

    model_config = ConfigDict(extra="forbid")

    purpose: str = Field(min_length=4, max_length=200)
    fields: tuple[str, ...] = Field(min_length=1, max_length=len(REVEALABLE))


class Revealed(BaseModel):
    fields: dict[str, str | None]


class Changed(BaseModel):
    """The same answer however often the command is repeated."""

    student_ids: tuple[UUID, ...]
    event_ids: tuple[UUID, ...]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _changing(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    view, database = REGISTER.name, registry.database

    @routes.get("/students")
    def students(
        request: Request,
        response: Response,
        viewer: Reader,
        turn: Turn,
        school: Annotated[str | None, Query(max_length=64)] = None,
        q: Annotated[str | None, Query(max_length=60)] = None,
        class_name: Annotated[str | None, Query(max_length=40)] = None,
        true_on: date | None = None,
    ) -> Page[StudentRow]:
        """Students by school; ``q`` is the beginning of a name, or a whole identity or student number."""
        response.headers["change-position"] = request.app.state.hub.position()
        with database.reading(viewer.scope, view) as connection:
            rows = queries.students(
                connection, true_on or today(), turn, school=school, search=q, class_name=class_name
            )
        return page_of(rows, turn, key=lambda row: (row.school_code or "", row.student_id))

    @routes.get("/students/{student_id}")
    def student(student_id: UUID, response: Response, viewer: Reader, true_on: date | None = None) -> StudentDetails:
        with database.reading(viewer.scope, view) as connection:
            found = queries.student(connection, true_on or today(), student_id)
        if found is None:
            log.warning("student_outside_scope", viewer=viewer.principal, student_id=str(student_id))
            raise StudentUnknown(student_id)
        set_entity_tag(response, found.version)
        return found

    @routes.post("/students/{student_id}/reveal")
    def reveal(student_id: UUID, body: Reveal, request: Request, viewer: Reader) -> Revealed:
        """Full fields for a purpose; the read is recorded before anything is shown."""
        unknown = sorted(set(body.fields) - set(REVEALABLE))
        if unknown:
            raise Malformed("不能查看这些字段", "these fields cannot be revealed", fields=unknown)
        command = command_from(request, viewer, body)
        with database.reading(viewer.scope, view) as connection:
            found = queries.student(connection, today(), student_id)
        if found is None:
            log.warning("student_outside_scope", viewer=viewer.principal, student_id=str(student_id))
            raise StudentUnknown(student_id)
        read = PersonalDataRead(
            viewer=viewer.principal,
            student_id=student_id,
            purpose=body.purpose,
            fields=body.fields,
            division_code=found.division_code,
            school_code=found.school_code,
        )
        handlers.note_read(registry, read, command)
        with database.reading(viewer.scope, view) as connection:
            plain = queries.plain_fields(connection, today(), student_id, body.fields)
        if plain is None:
            raise NotFound("没有这名学生", "There is no such student.")
        return Revealed(fields=plain)

    @routes.get("/schools")
    def schools(viewer: Anyone, turn: Turn, true_on: date | None = None) -> Page[SchoolRow]:
        with database.reading(viewer.scope, view) as connection:
            rows = queries.schools(connection, true_on or today(), turn)
        return page_of(rows, turn, key=lambda row: (row.school_code,))


def _changing(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/students", status_code=201)
    def enrol(body: Enrol, request: Request, viewer: Registrar) -> Changed:
        """Enrol one student, or bring her to what is stated."""
        return _enrol(registry, viewer, [body], request)

    @routes.post("/students/batch")
    def enrol_batch(
        request: Request, viewer: Registrar, lines: Annotated[list[bytes], Depends(batch_lines)]
    ) -> Changed:
        """One JSON object per line, all or none; at most as many as one command takes."""
        if len(lines) > STUDENT_ROWS:
            raise Malformed(f"一次最多 {STUDENT_ROWS} 行", f"At most {STUDENT_ROWS} lines at once", lines=len(lines))
        bodies = []
        for number, line in enumerate(lines, 1):
            try:
                bodies.append(Enrol.model_validate_json(line))
            except ValueError:
                raise Malformed(
                    f"第 {number} 行不是有效的学生记录", f"Line {number} is no student", line=number
                ) from None
        return _enrol(registry, viewer, bodies, request)

    @routes.post("/students/{student_id}/transfer-out")
    def transfer_out(student_id: UUID, body: TransferOut, request: Request, viewer: Registrar) -> Changed:
        intent = TransferStudentOut(
            student_id, body.on, body.destination_kind, body.destination_school_code, body.destination_division_code
        )
        command = command_from(request, viewer, body)
        return _changed(student_id, handlers.transfer_student_out(registry, viewer.scope, intent, command))

    @routes.post("/students/{student_id}/accept-elsewhere")
    def accept(student_id: UUID, body: Accepted, request: Request, viewer: Registrar) -> Changed:
        intent = AcceptElsewhere(student_id, body.on, body.destination_division_code, body.destination_school)
        command = command_from(request, viewer, body)
        return _changed(student_id, handlers.accept_student_elsewhere(registry, viewer.scope, intent, command))

    @routes.post("/students/{student_id}/leave")
    def leave(student_id: UUID, body: Leaving, request: Request, viewer: Registrar) -> Changed:
        intent = RecordLeaving(student_id, body.on, body.reason)
        command = command_from(request, viewer, body)
        return _changed(student_id, handlers.record_leaving(registry, viewer.scope, intent, command))


def _changed(student_id: UUID, result: Result) -> Changed:
    return Changed(student_ids=(student_id,), event_ids=result.event_ids)


def _enrol(registry: Registry, viewer: Viewer, bodies: Sequence[Enrol], request: Request) -> Changed:
    with registry.database.writing() as connection:
        schools = standing.schools(driver(connection))
    records = tuple(_record(number, body, schools, viewer) for number, body in enumerate(bodies, 1))
    content = msgspec.json.encode([body.model_dump(mode="json") for body in bodies])
    command = command_from(request, viewer, content)
    result = handlers.enrol_students(registry, EnrolStudents(records, today()), command)
    ids = tuple(dict.fromkeys(registry.keys.student(record) for record in records))
    return Changed(student_ids=ids, event_ids=result.event_ids)


def _record(number: int, body: Enrol, schools: Schools, viewer: Viewer) -> StudentRecord:
    """Read like a row of the register. Raises UnknownSchool, InvalidRecord; a school may state only its own."""
    cells: dict[str, Any] = {field: value for field, value in body.model_dump(exclude={"enrolled_on"}).items() if value}
    cells["class"] = cells.pop("class_name", "")
    row = register_row(number, cells)
    problems, place = placed(row, schools)
    if place is None:
        found = schools.directory.find(row.school, row.school_code)
        codes = {name: code for code, name in schools.names.items()}
        nearest = [(codes[name], name) for name in (found.nearest if found else ()) if name in codes]
        raise UnknownSchool(row.school or row.school_code, nearest)
    if problems:
        raise InvalidRecord([(each.field, each.code, each.zh, each.en) for each in problems])
    if not handlers.covers(viewer.scope, place.division_code, place.school_code):
        raise UnknownSchool(row.school or row.school_code, [])
    return student_record(row, place, body.enrolled_on)
