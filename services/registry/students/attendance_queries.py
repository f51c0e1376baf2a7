"""What was reported of classes and children, and which classes are silent: SELECTs within the viewer's rows."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, and_, exists, func, or_, select

from services.registry.life_tables import ABSENCES, ATTENDANCE
from services.registry.tables import STUDENTS
from shared.web.pages import PageTurn

_A, _B, _S = ATTENDANCE.c, ABSENCES.c, STUDENTS.c
SPAN_ROWS = 800  # more than the school days of two years


class ClassRow(BaseModel):
    """The last report of a class on a day; ``corrected``: there were others before it."""

    report_id: UUID
    day: date
    school_code: str
    stage: str | None
    grade: str
    class_name: str
    members: int
    absent: int
    half_day: int
    late: int
    full: bool
    school_day: bool | None
    reported_by: str
    reported_at: datetime
    corrected: bool


class SilentClass(BaseModel):
    """A class of which nothing was reported on the day; what is not known of its name is empty."""

    school_code: str
    stage: str
    grade: str
    class_name: str
    members: int


class AbsenceRow(BaseModel):
    """``reason`` None: she only came late."""

    day: date
    school_code: str
    grade: str
    class_name: str
    reason: str | None
    half_day: bool
    late: bool
    school_day: bool | None


def reports(connection: Connection, day: date, school: str | None, turn: PageTurn) -> list[ClassRow]:
    """At most ``turn.fetch`` reports of a day, by school and id."""
    statement = select(*_A).where(_A.valid_from == day)
    if school is not None:
        statement = statement.where(_A.school_code == school)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_A.school_code, _A.entity))
    rows = connection.execute(statement.order_by(_A.school_code, _A.entity).limit(turn.fetch))
    plain = ("school_code", "stage", "grade", "class_name", "members", "absent", "half_day", "late", "full")
    return [
        ClassRow(
            report_id=row.entity,
            day=row.valid_from,
            corrected=row.stream_version > 1,
            **{name: getattr(row, name) for name in (*plain, "school_day", "reported_by", "reported_at")},
        )
        for row in rows
    ]


def silent_classes(connection: Connection, day: date, school: str | None, turn: PageTurn) -> list[SilentClass]:
    """At most ``turn.fetch`` classes with children enrolled on the day and no report of it, by school and name."""
    named = [func.coalesce(column, "") for column in (_S.school_code, _S.stage, _S.grade, _S.class_name)]
    reported = [func.coalesce(column, "") for column in (_A.school_code, _A.stage, _A.grade, _A.class_name)]
    at, stage, grade, class_name = named
    statement = select(
        at.label("school_code"),
        stage.label("stage"),
        grade.label("grade"),
        class_name.label("class_name"),
        func.count().label("members"),
    ).where(STUDENTS.holds_on(day), _S.state == "enrolled")
    if school is not None:
        statement = statement.where(_S.school_code == school)
    if turn.after is not None:
        statement = statement.where(turn.beyond(*named))
    same = and_(_A.valid_from == day, *(one == other for one, other in zip(reported, named, strict=True)))
    statement = statement.where(~exists().where(same).correlate(STUDENTS.table))
    rows = connection.execute(statement.group_by(*named).order_by(*named).limit(turn.fetch))
    return [SilentClass(**row._mapping) for row in rows]


def absences(connection: Connection, student_id: UUID, first: date, last: date) -> list[AbsenceRow]:
    """The days on which a child was absent or late, from ``first`` to ``last`` inclusive, newest first; SPAN_ROWS at
    most."""
    rows = connection.execute(
        select(*_B)
        .where(_B.student_id == student_id, _B.valid_from >= first, _B.valid_from <= last)
        .where(or_(_B.reason.is_not(None), _B.late))
        .order_by(_B.valid_from.desc(), _B.entity)
        .limit(SPAN_ROWS)
    )
    return [
        AbsenceRow(
            day=row.valid_from,
            school_code=row.school_code,
            grade=row.grade,
            class_name=row.class_name,
            reason=row.reason,
            half_day=bool(row.half_day),
            late=bool(row.late),
            school_day=row.school_day,
        )
        for row in rows
    ]
