"""Suspended students over HTTP: who is due back when, and who should have been back by a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import Connection, select

from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.tables import SCHOOLS, STUDENTS
from shared.kernel.clock import today
from shared.kernel.masking import mask_name
from shared.standards.rights import Right
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Reader = Annotated[Viewer, Depends(require(Right.STUDENTS_READ))]
_S = STUDENTS.c


class SuspendedRow(BaseModel):
    """A suspended student, her name masked; ``days_overdue`` counts from the day she was due back, 0 on that day and
    before."""

    student_id: UUID
    name: str
    school_code: str | None
    school_name: str | None
    stage: str | None
    grade: str | None
    class_name: str | None
    due_back: date
    days_overdue: int


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/suspensions")
    def suspensions(
        viewer: Reader,
        turn: Turn,
        true_on: date | None = None,
        overdue: bool = False,
        school: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Page[SuspendedRow]:
        """Who was suspended on a day and is due back, the earliest first; ``overdue``: only who was due by then."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = suspended(connection, true_on or today(), turn, overdue=overdue, school=school)
        return page_of(rows, turn, key=lambda row: (row.due_back, row.student_id))

    return routes


def suspended(
    connection: Connection, day: date, turn: PageTurn, *, overdue: bool, school: str | None = None
) -> list[SuspendedRow]:
    """At most ``turn.fetch`` students by the day they are due back."""
    statement = select(*_S).where(STUDENTS.holds_on(day), _S.state == "suspended", _S.due_back.is_not(None))
    if overdue:
        statement = statement.where(_S.due_back <= day)
    if school is not None:
        statement = statement.where(_S.school_code == school)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_S.due_back, _S.entity))
    rows = connection.execute(statement.order_by(_S.due_back, _S.entity).limit(turn.fetch)).all()
    codes = sorted({row.school_code for row in rows if row.school_code})
    asked = select(SCHOOLS.c.code, SCHOOLS.c.name).where(SCHOOLS.holds_on(day), SCHOOLS.c.code.in_(codes))
    names = {row.code: row.name for row in connection.execute(asked)}
    return [
        SuspendedRow(
            student_id=row.entity,
            name=mask_name(row.name),
            school_code=row.school_code,
            school_name=names.get(row.school_code),
            stage=row.stage,
            grade=row.grade,
            class_name=row.class_name,
            due_back=row.due_back,
            days_overdue=max(0, (day - row.due_back).days),
        )
        for row in rows
    ]
