"""Who is still enrolled at a school that is no more (撤点并校): nobody moves by the school's end alone."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, and_, select

from services.registry.queries import StudentRow, student_rows
from services.registry.tables import SCHOOLS, STUDENTS
from shared.web.pages import PageTurn

_S = STUDENTS.c


class ClosedSchoolStudent(StudentRow):
    """A student with the school that took hers over, where one did; masked."""

    merged_into: str | None
    merged_into_name: str | None


def students(connection: Connection, day: date, school: str | None, turn: PageTurn) -> list[ClosedSchoolStudent]:
    """At most ``turn.fetch`` students enrolled at schools closed by the day, by school and id, within the viewer's
    rows."""
    rows = connection.execute(
        select(SCHOOLS.c.code, SCHOOLS.c.name, SCHOOLS.c.closed, SCHOOLS.c.merged_into).where(SCHOOLS.holds_on(day))
    ).all()
    names = {row.code: row.name for row in rows}
    closed = {row.code: row.merged_into for row in rows if row.closed and school in (None, row.code)}
    condition = and_(_S.state == "enrolled", _S.school_code.in_(sorted(closed)))
    return [
        ClosedSchoolStudent(
            **shown,
            merged_into=closed[row.school_code],
            merged_into_name=names.get(closed[row.school_code]),
        )
        for shown, row in student_rows(connection, day, turn, condition)
    ]
