"""The care record over HTTP: told by school or centre, read only for a purpose, each read recorded (invariant 13).

Counselling notes are the child's own school's: no county reads them (domain.md §9).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry import handlers
from services.registry.commands import ChangeGuardianship, NoteCounselling
from services.registry.events import PersonalDataRead
from services.registry.handlers import Registry
from services.registry.life_events import ParentsWhereabouts
from services.registry.purposes import check_purpose
from services.registry.students import care
from services.registry.students.care import CareRecord
from services.registry.students.student_api import Purpose, watched
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Carer = Annotated[Viewer, Depends(require(Right.CARE_KEEP))]
CareReader = Annotated[Viewer, Depends(require(Right.CARE_KEEP, reveals=True))]
Counsellor = Annotated[Viewer, Depends(require(Right.COUNSELLING_NOTE))]
CARE, NOTES = "care", "counselling_notes"


class Guardianship(BaseModel):
    """Who cares for the child from ``on`` on."""

    model_config = ConfigDict(extra="forbid")

    on: date
    carer_name: str = Field(min_length=1, max_length=60)
    carer_relation: str = Field(min_length=1, max_length=20)
    carer_phone: str | None = Field(default=None, max_length=40)
    parents_whereabouts: ParentsWhereabouts = "unknown"
    last_contact_on: date | None = None


class CounsellingNote(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: date
    note: str = Field(min_length=1, max_length=4_000)


class ReadCare(BaseModel):
    """Why somebody needs to read the record; kept for ever, and names nobody."""

    model_config = ConfigDict(extra="forbid")

    purpose: Purpose


class Told(BaseModel):
    student_id: UUID
    event_ids: tuple[UUID, ...]


class GuardianshipRow(BaseModel):
    """Empty but for ``since`` when the child's data were erased."""

    since: date
    carer_name: str | None
    carer_relation: str | None
    carer_phone: str | None
    parents_whereabouts: ParentsWhereabouts | None
    last_contact_on: date | None


class CounsellingRow(BaseModel):
    on: date
    noted_by: str
    note: str | None


class Care(BaseModel):
    """Newest first; ``counselling`` None: not the reader's to see."""

    guardianships: list[GuardianshipRow]
    counselling: list[CounsellingRow] | None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/students/{student_id}/guardianship")
    def guardianship(student_id: UUID, body: Guardianship, request: Request, viewer: Carer) -> Told:
        intent = ChangeGuardianship(student_id, **body.model_dump())
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            done = care.change_guardianship(registry, viewer.scope, intent, command, today())
        return Told(student_id=student_id, event_ids=done.event_ids)

    @routes.post("/students/{student_id}/counselling")
    def counselling(student_id: UUID, body: CounsellingNote, request: Request, viewer: Counsellor) -> Told:
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            intent = NoteCounselling(student_id, body.on, body.note)
            done = care.note_counselling(registry, viewer.scope, intent, command, today())
        return Told(student_id=student_id, event_ids=done.event_ids)

    @routes.post("/students/{student_id}/care/reveal")
    def reveal(student_id: UUID, body: ReadCare, request: Request, viewer: CareReader) -> Care:
        """The record, for a purpose; the read is recorded before anything is shown."""
        check_purpose(body.purpose)
        command = command_from(request, viewer, body)
        with watched(viewer, student_id):
            school_code, division_code = care.place_of_child(registry, viewer.scope, student_id)
        notes = viewer.has(Right.COUNSELLING_NOTE) and viewer.scope.of_school(school_code)
        read = PersonalDataRead(
            viewer=viewer.principal,
            student_id=student_id,
            purpose=body.purpose,
            fields=(CARE, NOTES) if notes else (CARE,),
            division_code=division_code,
            school_code=school_code,
        )
        handlers.note_read(registry, read, command)
        return _shown(care.care_record(registry, student_id), notes=notes)

    return routes


def _shown(record: CareRecord, *, notes: bool) -> Care:
    names = ("carer_name", "carer_relation", "carer_phone", "parents_whereabouts", "last_contact_on")
    return Care(
        guardianships=[
            GuardianshipRow(since=since, **{name: None if told is None else getattr(told, name) for name in names})
            for since, told in record.guardianships
        ],
        counselling=[CounsellingRow(**each._asdict()) for each in record.counselling] if notes else None,
    )
