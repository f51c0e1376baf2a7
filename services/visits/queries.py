"""Visits and helpers as people see them: plain SELECTs, true on a day, within the viewer's rows."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, Select, and_, select

from services.visits.commands import Place
from services.visits.events import Outcome
from services.visits.tables import HELPERS, SCHOOLS, STUDENTS, VISITS
from shared.database.scopes import own_rows
from shared.web.pages import PageTurn


class VisitRow(BaseModel):
    """One visit; ``helper`` is who went. Notes are personal and not listed; ``has_notes`` says that there are some."""

    visit_id: UUID
    student_id: UUID
    name: str
    campaign: str | None
    visited_on: date
    outcome: Outcome
    helper: str
    confirmed: list[str]
    repeat_on: date | None
    has_notes: bool
    school_code: str
    school_name: str | None
    division_code: str


class HelperRow(BaseModel):
    """Who helps a student, and since when."""

    student_id: UUID
    name: str
    helper: str
    since: date
    school_code: str
    school_name: str | None
    division_code: str


_V, _H, _S, _N = VISITS.c, HELPERS.c, STUDENTS.c, SCHOOLS.c


def place_of(connection: Connection, student_id: UUID, day: date) -> Place | None:
    """Where the student was registered last, if the viewer may see it."""
    statement = select(_S.division_code, _S.school_code).where(_S.entity == student_id, STUDENTS.holds_on(day))
    row = connection.execute(statement).one_or_none()
    return None if row is None or row.school_code is None else Place(row.division_code, row.school_code)


def visits(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    school: str | None = None,
    student: UUID | None = None,
    campaign: str | None = None,
    outcome: Outcome | None = None,
) -> list[VisitRow]:
    """At most ``turn.fetch`` visits made on or before ``true_on``, by school, day and id."""
    statement = _visits(true_on).where(own_rows(connection, _V))
    for column, value in (
        (_V.school_code, school),
        (_V.student_id, student),
        (_V.campaign, campaign),
        (_V.outcome, outcome),
    ):
        if value is not None:
            statement = statement.where(column == value)
    order = (_V.school_code, _V.visited_on, _V.entity)
    if turn.after is not None:
        statement = statement.where(turn.beyond(*order))
    return [_visit(row) for row in connection.execute(statement.order_by(*order).limit(turn.fetch))]


def helpers(connection: Connection, true_on: date, turn: PageTurn, *, school: str | None = None) -> list[HelperRow]:
    """At most ``turn.fetch`` helpers, by school and stream."""
    tables = HELPERS.table.outerjoin(
        STUDENTS.table, and_(_S.entity == _H.student_id, STUDENTS.holds_on(true_on))
    ).outerjoin(SCHOOLS.table, and_(_N.code == _H.school_code, SCHOOLS.holds_on(true_on)))
    statement = (
        select(*_H, _S.name_masked, _N.name.label("school_name")).select_from(tables).where(HELPERS.holds_on(true_on))
    )
    if school is not None:
        statement = statement.where(_H.school_code == school)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_H.school_code, _H.student_id))
    rows = connection.execute(statement.order_by(_H.school_code, _H.student_id).limit(turn.fetch))
    return [
        HelperRow(
            student_id=row.student_id,
            name=row.name_masked or "",
            helper=row.helper,
            since=row.valid_from,
            school_code=row.school_code,
            school_name=row.school_name,
            division_code=row.division_code,
        )
        for row in rows
    ]


def _visits(day: date) -> Select[Any]:
    tables = VISITS.table.outerjoin(STUDENTS.table, and_(_S.entity == _V.student_id, STUDENTS.holds_on(day))).outerjoin(
        SCHOOLS.table, and_(_N.code == _V.school_code, SCHOOLS.holds_on(day))
    )
    return select(*_V, _S.name_masked, _N.name.label("school_name")).select_from(tables).where(VISITS.holds_on(day))


def _visit(row: Row[Any]) -> VisitRow:
    return VisitRow(
        visit_id=row.entity,
        student_id=row.student_id,
        name=row.name_masked or "",
        campaign=row.campaign,
        visited_on=row.visited_on,
        outcome=row.outcome,
        helper=row.visitor,
        confirmed=row.confirmed,
        repeat_on=row.repeat_on,
        has_notes=row.has_notes,
        school_code=row.school_code,
        school_name=row.school_name,
        division_code=row.division_code,
    )
