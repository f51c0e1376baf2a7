"""Commands that need a student's particulars as they stand: a correction completes them, a return repeats them.

The rules decide without them (domain.py); they are opened here only to be written again, sealed anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import CorrectStudent, ReturnStudent, StudentRecord
from services.registry.domain import Student, come_back, correct, student_of
from services.registry.errors import InvalidRecord, ParticularsErased
from services.registry.events import StudentDetailsCorrected, StudentEnrolled, StudentPersonal
from services.registry.handlers import Registry, in_order, known_student
from services.registry.jobs.on_a_day import Dated
from services.registry.lists import standing
from services.registry.sheets.intake import StudentPlace, enrolment, fatal_problems, student_record, unusable_number
from services.registry.sheets.lists import register_row
from services.registry.sheets.offers import unknown_school
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.tabular.sheets import Cell

AS_CELLS = (
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
        place = _place(connection, state, intent)
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
            personal=_personal(stored, intent.student_id),
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
        return corrections(registry, connection, intent.student_id, stored, intent.cells, intent.on)

    return registry.store.run(registry.database, command, decide)


def corrections(
    registry: Registry,
    connection: Connection,
    student_id: UUID,
    stored: Sequence[Stored],
    changed: Mapping[str, Cell | None],
    on: date,
    *,
    change_id: UUID | None = None,
) -> list[Proposed]:
    """What it takes that these fields say this: the particulars as they then stand, and an alias for a record key that
    changes with them. Raises InvalidRecord, RecordKeyTaken, ParticularsErased."""
    state = student_of(each.fact for each in stored)
    personal = _personal(stored, student_id)
    record = record_with(personal, changed, StudentPlace(state.school_code or "", state.division_code or ""))
    stated = enrolment(record, student_id, registry.keys)
    corrected = StudentDetailsCorrected(
        student_number_kind=stated.student_number_kind,
        fingerprint=stated.fingerprint,
        change_id=change_id,
        personal=stated.personal,
    )
    key_id = registry.keys.student(record)
    at_key = student_of(each.fact for each in registry.store.load(connection, key_id))
    happened = correct(student_id, state, corrected, key_id, at_key, on)
    versions = {student_id: state.version, key_id: at_key.version}
    return [Proposed(stream, versions[stream], fact, day) for stream, (fact, day) in happened]


def record_with(personal: StudentPersonal, changed: Mapping[str, Cell | None], place: StudentPlace) -> StudentRecord:
    """The register's record of these particulars with some fields changed. Raises InvalidRecord."""
    cells: dict[str, Cell] = {name: _cell(getattr(personal, name)) for name in AS_CELLS}
    cells |= {name: _cell(value) for name, value in changed.items()}
    row = register_row(1, cells)
    if problems := fatal_problems(row) or unusable_number(changed.get("id_number")):
        raise InvalidRecord([(each.field, each.code, each.zh, each.en) for each in problems])
    return student_record(row, place)


def key_of(registry: Registry, personal: StudentPersonal, place: StudentPlace) -> UUID:
    """The stream that the register's row of these particulars names at that school."""
    return registry.keys.student(record_with(personal, {}, place))


class FormerDetails(NamedTuple):
    """Particulars to be restored from ``on`` on."""

    stated: StudentEnrolled | StudentDetailsCorrected
    on: date

    def undone(self, change_id: UUID) -> StudentDetailsCorrected:
        """The fact that restores them."""
        return StudentDetailsCorrected(
            student_number_kind=self.stated.student_number_kind,
            fingerprint=self.stated.fingerprint,
            undone_change_id=change_id,
            personal=self.stated.personal,
        )


def stated_before(made_by: Callable[[Dated], bool], history: Sequence[Dated]) -> list[FormerDetails] | None:
    """The particulars before a mass change, for one student, whose facts stand by version: nothing when it did not
    touch them, or when they were erased; None when they were stated again since."""
    by = [number for number, each in enumerate(history) if made_by(each)]
    if not by:
        return []
    if any(isinstance(fact, StudentEnrolled | StudentDetailsCorrected) for fact, _ in history[by[-1] + 1 :]):
        return None
    before = next(
        fact for fact, _ in reversed(history[: by[0]]) if isinstance(fact, StudentEnrolled | StudentDetailsCorrected)
    )
    return [] if before.personal is None else [FormerDetails(before, history[by[0]].on)]


def _place(connection: Connection, state: Student, intent: ReturnStudent) -> StudentPlace:
    schools = standing.schools(driver(connection), intent.on)
    named = intent.school_code or state.school_code or ""
    if named not in schools.divisions:
        raise unknown_school(schools, "", named)
    code = schools.now(named)  # her school may have been merged while she was away
    return StudentPlace(code, schools.divisions[code])


def last_stated(stored: Sequence[Stored]) -> StudentEnrolled | StudentDetailsCorrected:
    """The fact that states the particulars last; every student's stream begins with one."""
    return next(
        each.fact for each in reversed(stored) if isinstance(each.fact, StudentEnrolled | StudentDetailsCorrected)
    )


def _personal(stored: Sequence[Stored], student_id: UUID) -> StudentPersonal:
    personal = last_stated(stored).personal
    if personal is None:
        raise ParticularsErased(student_id)
    return personal


def _cell(value: object) -> Cell:
    return "" if value is None else value if isinstance(value, str | int | float) else str(value)
