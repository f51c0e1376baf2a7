"""A school of one test's own with students in known grades, and what became of them, worked out apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select

from services.registry.changes.change_work import Changing
from services.registry.commands import EnrolStudents, RegisterSchools, SchoolRecord, StudentRecord
from services.registry.events import Stage
from services.registry.handlers import Registry, enrol_students, register_schools, students_named
from services.registry.projections import REGISTER
from services.registry.promotion.promoting import Promoting
from services.registry.tables import STUDENTS
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from tests.services.installation import DIVISION


def long_ago() -> date:
    """Before any day a test speaks of."""
    return today() - timedelta(days=400)


ONE_UP = {"一年级": "二年级", "二年级": "三年级", "三年级": "四年级", "四年级": "五年级", "五年级": "六年级"}
Seat = tuple[str | None, str | None, str | None]  # state, grade, class


def found_school(registry: Registry, code: str, name: str, division: str = "469001") -> str:
    """Put a school on record; its code."""
    record = SchoolRecord(code, name, division, stages=("primary",))
    register_schools(registry, RegisterSchools((record,), long_ago()), Command("test", uuid4(), code.encode()))
    return code


def seat(
    registry: Registry,
    school: str,
    numbers: Mapping[str, str] | Sequence[tuple[str, str]],
    stage: Stage = "primary",
    class_name: str = "1班",
    division: str = "469001",
) -> list[UUID]:
    """Enrol children there long ago: pairs of (identity number, grade); their ids in order."""
    pairs = list(numbers.items()) if isinstance(numbers, Mapping) else list(numbers)
    records = [
        StudentRecord(
            f"张{place:04d}", school, division, id_number=number, stage=stage, grade=grade, class_name=class_name
        )
        for place, (number, grade) in enumerate(pairs)
    ]
    for begin in range(0, len(records), 500):
        part = tuple(records[begin : begin + 500])
        enrol_students(registry, EnrolStudents(part, long_ago()), Command("test", uuid4(), b"seat"))
    return students_named(registry, records)


def work_off(registry: Registry) -> int:
    """Let the worker do all that is ordered; chunks done."""
    promoting, chunks = Promoting(registry), 0
    while promoting.promote_some():
        chunks += 1
    return chunks


def change_all(registry: Registry) -> int:
    """Let the worker do all that waits of mass changes; chunks done."""
    changing, chunks = Changing(registry), 0
    while changing.change_some():
        chunks += 1
    return chunks


def seats(registry: Registry, students: Sequence[UUID]) -> dict[UUID, Seat]:
    """Where the register's view shows each student today."""
    c = STUDENTS.c
    with registry.database.reading(Scope(division=DIVISION[:2]), REGISTER.name) as connection:
        rows = connection.execute(
            select(c.entity, c.state, c.grade, c.class_name).where(STUDENTS.holds_on(today()), c.entity.in_(students))
        )
        return {row.entity: (row.state, row.grade, row.class_name) for row in rows}
