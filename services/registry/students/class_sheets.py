"""A school's classes on a day with what was reported of each, and one class child by child: what a registrar fills in.

Who is in a class is the view's; what was reported is read from the report's own stream, so that whoever has just
reported sees it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import get_args
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, and_, case, func, select

from services.registry.events import Stage
from services.registry.handlers import Registry
from services.registry.life_errors import UnknownClass
from services.registry.life_events import ClassAttendanceReported
from services.registry.life_tables import ATTENDANCE
from services.registry.projections import REGISTER
from services.registry.search.search_box import in_figures
from services.registry.search.search_keys import plain_name
from services.registry.students.reporting_classes import SchoolDay
from services.registry.tables import SCHOOLS, STUDENTS
from shared.database.scopes import Scope
from shared.eventsourcing.store import Stored
from shared.kernel.masking import mask_name, mask_number
from shared.standards.pinyin import spellings
from shared.web.pages import PageTurn

_A, _S = ATTENDANCE.c, STUDENTS.c
_STAGES = get_args(Stage)
CLASSES_MOST = 400  # of one school; the largest has fewer than a hundred
_CLASS_OF = tuple(func.coalesce(column, "") for column in (_S.stage, _S.grade, _S.class_name))


class ClassOfDay(BaseModel):
    """A class with children on the day. ``reported``: what follows tells the last report; ``corrected``: there were
    others before it. ``stage``, ``grade`` and ``class_name`` are empty where nothing is known of them."""

    school_code: str
    stage: str
    grade: str
    class_name: str
    members: int
    reported: bool = False
    absent: int = 0
    late: int = 0
    reported_by: str | None = None
    corrected: bool = False


class SchoolDayClasses(BaseModel):
    """``school_day`` None: no calendar says. ``name`` is the school's."""

    school_code: str
    name: str | None
    day: date
    school_day: bool | None
    classes: list[ClassOfDay]


class ChildOfClass(BaseModel):
    """``number_end`` tells children of the same masked name apart. ``reason``, ``half_day`` and ``late`` are the last
    report's."""

    student_id: UUID
    name: str
    number_end: str
    reason: str | None
    half_day: bool
    late: bool


class ClassSheet(BaseModel):
    """One class on a day, its children by the pinyin of their names."""

    school_name: str | None
    school_day: bool | None
    about: ClassOfDay
    children: list[ChildOfClass]


class SchoolReports(BaseModel):
    """How many of a school's classes reported on a day."""

    school_code: str
    school_name: str | None
    classes: int
    reported: int


def classes_of(registry: Registry, scope: Scope, school: str, day: date, school_day: SchoolDay) -> SchoolDayClasses:
    """The school's classes by stage, grade and name; none for a school outside the viewer's rows."""
    with registry.database.reading(scope, REGISTER.name) as connection:
        rows = connection.execute(
            select(*_named(), func.count().label("members"))
            .where(STUDENTS.holds_on(day), _S.state == "enrolled", _S.school_code == school)
            .group_by(*_CLASS_OF)
            .limit(CLASSES_MOST)
        ).all()
        name = _school_name(connection, school, day)
    found = sorted((ClassOfDay(school_code=school, **row._mapping) for row in rows), key=_in_order)
    ids = [_report_id(registry, each, day) for each in found]
    with registry.database.writing() as connection:
        loaded = registry.store.load_many(connection, ids)
    return SchoolDayClasses(
        school_code=school,
        name=name,
        day=day,
        school_day=school_day(school, day),
        classes=[_with_report(each, loaded[report_id]) for each, report_id in zip(found, ids, strict=True)],
    )


def sheet_of(registry: Registry, scope: Scope, about: ClassOfDay, day: date, school_day: SchoolDay) -> ClassSheet:
    """The class that ``about`` names. Raises UnknownClass where the viewer sees nobody in it."""
    named = (about.stage, about.grade, about.class_name)
    with registry.database.reading(scope, REGISTER.name) as connection:
        rows = connection.execute(
            select(_S.entity, _S.name, _S.id_number, _S.student_number)
            .where(STUDENTS.holds_on(day), _S.state == "enrolled", _S.school_code == about.school_code)
            .where(*(column == value for column, value in zip(_CLASS_OF, named, strict=True)))
        ).all()
        name = _school_name(connection, about.school_code, day)
    if not rows:
        raise UnknownClass(day)
    report_id = _report_id(registry, about, day)
    with registry.database.writing() as connection:
        stored = registry.store.load_many(connection, [report_id])[report_id]
    said = _last(stored)
    reasons = {} if said is None else {child: why for why, ids in said.absences.items() for child in ids}
    half, late = (frozenset(), frozenset()) if said is None else (frozenset(said.half_day), frozenset(said.late))
    children = [
        ChildOfClass(
            student_id=row.entity,
            name=mask_name(row.name),
            number_end=mask_number(row.id_number or row.student_number)[-4:],
            reason=reasons.get(row.entity),
            half_day=row.entity in half,
            late=row.entity in late,
        )
        for row in sorted(rows, key=lambda row: (_sound(row.name), row.entity))
    ]
    return ClassSheet(
        school_name=name,
        school_day=school_day(about.school_code, day),
        about=_with_report(about.model_copy(update={"members": len(children)}), stored),
        children=children,
    )


def schools_reported(connection: Connection, day: date, turn: PageTurn) -> list[SchoolReports]:
    """At most ``turn.fetch`` schools with children enrolled on the day, by code."""
    classes = (
        select(_S.school_code, *_named())
        .where(STUDENTS.holds_on(day), _S.state == "enrolled")
        .group_by(_S.school_code, *_CLASS_OF)
        .subquery("classes")
    )
    reported = [func.coalesce(column, "") for column in (_A.stage, _A.grade, _A.class_name)]
    named = (classes.c.stage, classes.c.grade, classes.c.class_name)
    same = [one == other for one, other in zip(reported, named, strict=True)]
    statement = (
        select(
            classes.c.school_code,
            func.count().label("classes"),
            func.sum(case((_A.entity.is_(None), 0), else_=1)).label("reported"),
        )
        .select_from(
            classes.outerjoin(
                ATTENDANCE.table, and_(_A.valid_from == day, _A.school_code == classes.c.school_code, *same)
            )
        )
        .group_by(classes.c.school_code)
        .order_by(classes.c.school_code)
        .limit(turn.fetch)
    )
    if turn.after is not None:
        statement = statement.where(turn.beyond(classes.c.school_code))
    rows = connection.execute(statement).all()
    asked = select(SCHOOLS.c.code, SCHOOLS.c.name).where(
        SCHOOLS.holds_on(day), SCHOOLS.c.code.in_([row.school_code for row in rows])
    )
    names = {row.code: row.name for row in connection.execute(asked)}
    return [SchoolReports(school_name=names.get(row.school_code), **row._mapping) for row in rows]


def _named() -> list:  # type: ignore[type-arg]
    return [column.label(label) for column, label in zip(_CLASS_OF, ("stage", "grade", "class_name"), strict=True)]


def _school_name(connection: Connection, school: str, day: date) -> str | None:
    asked = select(SCHOOLS.c.name).where(SCHOOLS.holds_on(day), SCHOOLS.c.code == school)
    return connection.execute(asked.limit(1)).scalar_one_or_none()


def _report_id(registry: Registry, about: ClassOfDay, day: date) -> UUID:
    return registry.keys.attendance(about.school_code, about.stage, about.grade, about.class_name, day)


def _last(stored: Sequence[Stored]) -> ClassAttendanceReported | None:
    said = stored[-1].fact if stored else None
    assert said is None or isinstance(said, ClassAttendanceReported), "nothing else stands there"
    return said


def _with_report(about: ClassOfDay, stored: Sequence[Stored]) -> ClassOfDay:
    said = _last(stored)
    if said is None:
        return about
    return about.model_copy(
        update={
            "reported": True,
            "absent": sum(len(ids) for ids in said.absences.values()),
            "late": len(said.late),
            "reported_by": said.reported_by,
            "corrected": len(stored) > 1,
        }
    )


def _in_order(each: ClassOfDay) -> tuple[object, ...]:
    stage = _STAGES.index(each.stage) if each.stage in _STAGES else len(_STAGES)
    return stage, in_figures(each.grade), in_figures(each.class_name)


def _sound(name: str | None) -> str:
    plain = plain_name(name or "")
    return next((whole for whole, _ in spellings(plain)), plain)
