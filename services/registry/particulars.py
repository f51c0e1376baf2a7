"""Commands that need a student's particulars as they stand: a correction completes them, a return repeats them.

The rules decide without them (domain.py); they are opened here only to be written again, sealed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from services.registry import standing
from services.registry.commands import CorrectStudent, ReturnStudent
from services.registry.domain import Student, come_back, correct, student_of
from services.registry.errors import InvalidRecord, ParticularsErased
from services.registry.events import StudentDetailsCorrected, StudentEnrolled, StudentPersonal
from services.registry.handlers import Registry, in_order, known_student
from services.registry.intake import StudentPlace, enrolment, fatal_problems, student_record
from services.registry.lists import register_row
from services.registry.offers import unknown_school
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.tabular.sheets import Cell

_AS_CELLS = (
    *("name", "former_name", "id_number", "id_kind", "student_number", "sex", "birth_date"),
    *("guardian_name", "guardian_id", "phone", "address"),
)
CheckVersion = Callable[[int], None]  # raises when the caller read another version


def return_student(registry: Registry, scope: Scope, intent: ReturnStudent, command: Command) -> Result:
    """Raises StudentUnknown (also outside the scope), AlreadyEnrolled, BeforeLastChange, UnknownSchool,
    SchoolHasClosed, ParticularsErased."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = registry.store.load(connection, intent.student_id, personal=True)
        state = known_student(stored, scope, intent.student_id)
        in_order(stored, intent.on)
        place = _place(connection, state, intent.school_code)
        standing.check_open(driver(connection), {place.school_code}, intent.on)
        stage, grade, class_name, boarder, left_behind, placement = state.placement
        stated = StudentEnrolled(
            school_code=place.school_code,
            division_code=place.division_code,
            stage=intent.stage or stage,  # type: ignore[arg-type]  # as an earlier fact stated it
            grade=intent.grade or grade,  # type: ignore[arg-type]
            class_name=intent.class_name or class_name,  # type: ignore[arg-type]
            boarder=boarder,  # type: ignore[arg-type]
            left_behind=left_behind,  # type: ignore[arg-type]
            placement=placement,  # type: ignore[arg-type]
            student_number_kind=last_stated(stored).student_number_kind,
            fingerprint=state.fingerprint,
            personal=_personal(stored, intent),
        )
        happened = come_back(intent.student_id, state, stated, intent.on)
        return [Proposed(intent.student_id, state.version, fact, on) for fact, on in happened]

    return registry.store.run(registry.database, command, decide)


def correct_student(
    registry: Registry, scope: Scope, intent: CorrectStudent, command: Command, check_version: CheckVersion
) -> Result:
    """Raises StudentUnknown (also outside the scope), InvalidRecord, RecordKeyTaken, ParticularsErased, and what
    ``check_version`` raises."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = registry.store.load(connection, intent.student_id, personal=True)
        state = known_student(stored, scope, intent.student_id)
        check_version(state.version)
        personal = _personal(stored, intent)
        cells: dict[str, Cell] = {name: _cell(getattr(personal, name)) for name in _AS_CELLS}
        cells |= {name: _cell(value) for name, value in intent.cells.items()}
        row = register_row(1, cells)
        if problems := fatal_problems(row):
            raise InvalidRecord([(each.field, each.code, each.zh, each.en) for each in problems])
        record = student_record(row, StudentPlace(state.school_code or "", state.division_code or ""))
        stated = enrolment(record, intent.student_id, registry.keys)
        corrected = StudentDetailsCorrected(
            student_number_kind=stated.student_number_kind, fingerprint=stated.fingerprint, personal=stated.personal
        )
        key_id = registry.keys.student(record)
        at_key = student_of(each.fact for each in registry.store.load(connection, key_id))
        happened = correct(intent.student_id, state, corrected, key_id, at_key, intent.on)
        versions = {intent.student_id: state.version, key_id: at_key.version}
        return [Proposed(stream, versions[stream], fact, on) for stream, (fact, on) in happened]

    return registry.store.run(registry.database, command, decide)


def _place(connection: Connection, state: Student, school_code: str | None) -> StudentPlace:
    if school_code is None or school_code == state.school_code:
        return StudentPlace(state.school_code or "", state.division_code or "")
    schools = standing.schools(driver(connection))
    if school_code not in schools.divisions:
        raise unknown_school(schools, "", school_code)
    return StudentPlace(school_code, schools.divisions[school_code])


def last_stated(stored: Sequence[Stored]) -> StudentEnrolled | StudentDetailsCorrected:
    """The fact that states the particulars last; every student's stream begins with one."""
    return next(
        each.fact for each in reversed(stored) if isinstance(each.fact, StudentEnrolled | StudentDetailsCorrected)
    )


def _personal(stored: Sequence[Stored], intent: ReturnStudent | CorrectStudent) -> StudentPersonal:
    personal = last_stated(stored).personal
    if personal is None:
        raise ParticularsErased(intent.student_id)
    return personal


def _cell(value: object) -> Cell:
    return "" if value is None else value if isinstance(value, str | int | float) else str(value)
