"""Students over HTTP: search, one student, full reads with a purpose, and what changes about an enrolment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.registry import handlers, queries
from services.registry.commands import (
    AcceptElsewhere,
    CorrectStudent,
    ExtendSuspension,
    RecordLeaving,
    ReturnStudent,
    TransferStudentOut,
)
from services.registry.errors import StudentUnknown
from services.registry.events import DestinationKind, LeavingReason, PersonalDataRead, Stage
from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.purposes import check_purpose
from services.registry.queries import REVEALABLE, StudentDetails, StudentRow
from services.registry.reference.division_codes import DIVISION, check_division
from services.registry.students import particulars
from services.registry.students.changed_since import ChangedSince, changed_since
from shared.eventsourcing.store import Result
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.entity_tags import check_version, set_entity_tag
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

log = structlog.get_logger(__name__)
Turn = Annotated[PageTurn, Depends(page_turn)]
Reader = Annotated[Viewer, Depends(require(Right.STUDENTS_READ))]
Revealing = Annotated[Viewer, Depends(require(Right.STUDENTS_REVEAL, reveals=True))]
Registrar = Annotated[Viewer, Depends(require(Right.REGISTER_KEEP))]
Text = Annotated[str | None, Field(max_length=200)]
Purpose = Annotated[str, Field(min_length=4, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TransferOut(_Body):
    """``on``: the first day no longer at this school."""

    on: date
    destination_kind: DestinationKind = "unknown"
    destination_school_code: str | None = Field(default=None, max_length=40)
    destination_division_code: str | None = Field(default=None, max_length=12, pattern=DIVISION)


class Accepted(_Body):
    on: date
    destination_division_code: str = Field(max_length=12, pattern=DIVISION)
    destination_school: str | None = Field(default=None, max_length=80)


class Leaving(_Body):
    """``due_back``: for a suspension, when the student is expected again."""

    on: date
    reason: LeavingReason
    due_back: date | None = None


class Extension(_Body):
    on: date
    due_back: date


class Returning(_Body):
    """What is left out stays as it was."""

    on: date
    school_code: str | None = Field(default=None, max_length=40)
    stage: Stage | None = None
    grade: str | None = Field(default=None, max_length=20)
    class_name: str | None = Field(default=None, max_length=40)


class Correction(_Body):
    """The fields that change, as the register writes them; null takes one away. Numbers are text."""

    on: date | None = None
    name: Text = None
    former_name: Text = None
    id_number: str | int | float | None = None
    id_kind: Text = None
    student_number: str | int | float | None = None
    sex: Text = None
    birth_date: Text = None
    guardian_name: Text = None
    guardian_id: Text = None
    phone: Text = None
    address: Text = None


class Reveal(_Body):
    """Why somebody needs to see the full fields; the purpose is kept for ever and names nobody."""

    purpose: Purpose
    fields: tuple[str, ...] = Field(min_length=1, max_length=len(REVEALABLE))


class Revealed(BaseModel):
    fields: dict[str, str | None]


class Changed(BaseModel):
    """The same answer however often the command is repeated. ``version`` is None when nothing changed."""

    student_id: UUID
    event_ids: tuple[UUID, ...]
    version: int | None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _revealing(routes, registry)
    _changing(routes, registry)
    return routes


@contextmanager
def watched(viewer: Viewer, student_id: UUID) -> Iterator[None]:
    """Logs who asked for a student that is not theirs to see; the caller only learns that there is none."""
    try:
        yield
    except StudentUnknown:
        log.warning("student_outside_scope", viewer=viewer.principal, student_id=str(student_id))
        raise


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
        """One student, masked, with what happened; If-Match of a change takes the ETag of this answer."""
        with watched(viewer, student_id), database.reading(viewer.scope, view) as connection:
            found = queries.student(connection, true_on or today(), student_id)
            if found is None:
                raise StudentUnknown(student_id)
            found.history = queries.history(connection, student_id, viewer.language)
        if found.history:  # a row tells the version of its period; a change must know the last
            found.version = found.history[0].version
        set_entity_tag(response, found.version)
        return found

    @routes.get("/students/{student_id}/changed-since")
    def since(student_id: UUID, version: Annotated[int, Query(ge=1, le=100_000)], viewer: Registrar) -> ChangedSince:
        """What others changed since a version was read, field by field: for whom a correction was refused as stale."""
        with watched(viewer, student_id), database.writing() as connection:
            stored = registry.store.load(connection, student_id, personal=True)
            handlers.known_student(stored, viewer.scope, student_id)
        return changed_since(stored, version)


def _revealing(routes: APIRouter, registry: Registry) -> None:
    view, database = REGISTER.name, registry.database

    @routes.post("/students/{student_id}/reveal")
    def reveal(student_id: UUID, body: Reveal, request: Request, viewer: Revealing) -> Revealed:
        """Full fields for a purpose; the read is recorded before anything is shown."""
        if unknown := sorted(set(body.fields) - set(REVEALABLE)):
            raise Malformed("不能查看这些字段", "These fields cannot be revealed", fields=unknown)
        check_purpose(body.purpose)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id), database.reading(viewer.scope, view) as connection:
            found = queries.student(connection, today(), student_id)
            if found is None:
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
        with watched(viewer, student_id), database.reading(viewer.scope, view) as connection:
            plain = queries.plain_fields(connection, today(), student_id, body.fields)
            if plain is None:
                raise StudentUnknown(student_id)
        return Revealed(fields=plain)


def _changing(routes: APIRouter, registry: Registry) -> None:
    def changed(response: Response, student_id: UUID, result: Result) -> Changed:
        version = result.versions.get(student_id)
        if version is not None:
            set_entity_tag(response, version)
        return Changed(student_id=student_id, event_ids=result.event_ids, version=version)

    @routes.post("/students/{student_id}/transfer-out")
    def transfer_out(
        student_id: UUID, body: TransferOut, request: Request, response: Response, viewer: Registrar
    ) -> Changed:
        intent = TransferStudentOut(
            student_id, body.on, body.destination_kind, body.destination_school_code, body.destination_division_code
        )
        if body.destination_division_code is not None:
            check_division(registry, viewer.scope, body.destination_division_code, body.on)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = handlers.transfer_student_out(registry, viewer.scope, intent, command)
        return changed(response, student_id, done)

    @routes.post("/students/{student_id}/accept-elsewhere")
    def accept(student_id: UUID, body: Accepted, request: Request, response: Response, viewer: Registrar) -> Changed:
        intent = AcceptElsewhere(student_id, body.on, body.destination_division_code, body.destination_school)
        check_division(registry, viewer.scope, body.destination_division_code, body.on)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = handlers.accept_student_elsewhere(registry, viewer.scope, intent, command)
        return changed(response, student_id, done)

    @routes.post("/students/{student_id}/leave")
    def leave(student_id: UUID, body: Leaving, request: Request, response: Response, viewer: Registrar) -> Changed:
        intent = RecordLeaving(student_id, body.on, body.reason, body.due_back)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = handlers.record_leaving(registry, viewer.scope, intent, command)
        return changed(response, student_id, done)

    @routes.post("/students/{student_id}/extend-suspension")
    def extend(student_id: UUID, body: Extension, request: Request, response: Response, viewer: Registrar) -> Changed:
        intent = ExtendSuspension(student_id, body.on, body.due_back)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = handlers.extend(registry, viewer.scope, intent, command)
        return changed(response, student_id, done)

    @routes.post("/students/{student_id}/return")
    def come_back(
        student_id: UUID, body: Returning, request: Request, response: Response, viewer: Registrar
    ) -> Changed:
        """Back in school after leaving, a suspension or a transfer that came to nothing."""
        intent = ReturnStudent(student_id, body.on, body.school_code, body.stage, body.grade, body.class_name)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = particulars.return_student(registry, viewer.scope, intent, command)
        return changed(response, student_id, done)

    @routes.post("/students/{student_id}/correct")
    def correct(student_id: UUID, body: Correction, request: Request, response: Response, viewer: Registrar) -> Changed:
        """Correct particulars; also how a temporary student number becomes the permanent one."""
        cells = body.model_dump(include=body.model_fields_set - {"on"})
        if not cells:
            raise Malformed("没有要更正的内容", "Nothing to correct was given")
        intent = CorrectStudent(student_id, body.on or today(), cells)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = particulars.correct_student(
                registry, viewer.scope, intent, command, lambda version: check_version(request, version)
            )
        return changed(response, student_id, done)
