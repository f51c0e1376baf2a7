"""Classes of a grade reshuffled (分班) over HTTP: who sits where, and a mass change that gives each child a class of
her own; previewed, approved, applied and undone as every other one."""

from __future__ import annotations

from datetime import date
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, func, select

from services.registry.changes import change_orders
from services.registry.changes.change_api import Proposed, Proposer, Reason
from services.registry.changes.change_orders import ProposeChange
from services.registry.changes.change_rules import ChangeSet
from services.registry.changes.change_sheets import Comparison, SheetRow
from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.purposes import check_purpose
from services.registry.tables import STUDENTS
from shared.kernel.clock import today
from shared.kernel.masking import mask_name, mask_number
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.CHANGES_READ))]
School = Annotated[str, Query(min_length=1, max_length=64)]
SEATS_MAX = 2_000  # children of one grade of one school
_S = STUDENTS.c
_NOBODY = UUID(int=0)


class ClassCount(BaseModel):
    class_name: str
    students: int


class Grade(BaseModel):
    """A grade with the classes it has now."""

    stage: str | None
    grade: str
    students: int
    classes: list[ClassCount]


class Seated(BaseModel):
    """A child of the grade, masked; ``version``: of her record as it was read."""

    student_id: UUID
    version: int
    name: str
    id_number: str
    sex: str | None
    class_name: str


class Seat(BaseModel):
    """The class a child shall be in, who was read at that ``version``."""

    model_config = ConfigDict(extra="forbid")

    student_id: UUID
    version: int = Field(ge=1)
    class_name: Annotated[str, Field(min_length=1, max_length=40)]


class Reshuffle(BaseModel):
    model_config = ConfigDict(extra="forbid")

    day: date
    reason: Reason
    seats: tuple[Seat, ...] = Field(min_length=1, max_length=SEATS_MAX)


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/class-seats/grades")
    def grades(school: School, viewer: Reader) -> list[Grade]:
        """The grades of a school with their classes, as students are enrolled today."""
        counted = _enrolled(school, _S.stage, _S.grade, _S.class_name, func.count().label("students"))
        place = (_S.stage, _S.grade, _S.class_name)
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = connection.execute(counted.group_by(*place).order_by(*place)).all()
        found = []
        for (stage, grade), group in groupby(rows, key=lambda row: (row.stage, row.grade)):
            classes = [ClassCount(class_name=row.class_name or "", students=row.students) for row in group]
            total = sum(each.students for each in classes)
            found.append(Grade(stage=stage, grade=grade or "", students=total, classes=classes))
        return found

    @routes.get("/class-seats")
    def seats(school: School, viewer: Reader, grade: str = "", stage: str = "") -> list[Seated]:
        """The children of a grade, by class and name; empty: those of whom no grade or stage is told."""
        last = select(func.max(_S.stream_version).label("version"), _S.entity).group_by(_S.entity).subquery("last")
        of_grade = _enrolled(school, *_S, last.c.version).where(
            _S.entity == last.c.entity,
            func.coalesce(_S.grade, "") == grade,
            func.coalesce(_S.stage, "") == stage,
        )
        ordered = of_grade.order_by(_S.class_name, _S.name, _S.entity).limit(SEATS_MAX + 1)
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = connection.execute(ordered).all()
        if len(rows) > SEATS_MAX:
            raise Malformed(f"该年级超过 {SEATS_MAX} 人", f"The grade has more than {SEATS_MAX} children")
        return [
            Seated(
                student_id=row.entity,
                version=row.version,
                name=mask_name(row.name),
                id_number=mask_number(row.id_number or row.student_number),
                sex=row.sex,
                class_name=row.class_name or "",
            )
            for row in rows
        ]

    @routes.post("/changes/classes", status_code=202)
    def reshuffle(body: Reshuffle, request: Request, viewer: Proposer) -> Proposed:
        """Propose that these children sit in these classes; who is not named stays. What cannot be is told seat by
        seat, and then nothing is proposed."""
        check_purpose(body.reason)
        rows = [
            SheetRow(number, {name: str(value) for name, value in seat.model_dump().items()})
            for number, seat in enumerate(body.seats, 1)
        ]
        with registry.database.writing() as connection:
            wanted = Comparison(registry, connection, viewer.scope, body.day, whole_rows=True).wanted(rows)
        change = ChangeSet(change_id=_NOBODY, division_code="", kind="classes", day=body.day)
        command = command_from(request, viewer, body)
        intent = ProposeChange(change, body.reason, wanted)
        return Proposed(change_id=change_orders.propose(registry, viewer.scope, intent, command, today()))

    return routes


def _enrolled(school: str, *columns: Any) -> Select[Any]:
    return select(*columns).where(STUDENTS.holds_on(today()), _S.state == "enrolled", _S.school_code == school)
