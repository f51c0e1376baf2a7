"""One function per command: load, decide, append. Bulk commands load their streams in one go.

Every function takes the caller's :class:`~shared.eventsourcing.store.Command`; the same command again gives the same
answer. Refusals are in errors.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from services.registry.commands import (
    AcceptElsewhere,
    EnrolStudents,
    ExtendSuspension,
    RecordLeaving,
    RecordListEntries,
    RegisterSchools,
    RemoveListEntries,
    StudentRecord,
    TransferStudentOut,
)
from services.registry.domain import (
    Happened,
    ListEntry,
    Student,
    accept_elsewhere,
    apply_entry,
    apply_student,
    enrol,
    entry_of,
    extend_suspension,
    leave,
    record_entry,
    remove_entry,
    student_of,
    transfer_out,
)
from services.registry.errors import BeforeLastChange, StudentUnknown
from services.registry.events import (
    PersonalDataRead,
    RegisterExported,
    RejectedRowsRead,
    SchoolRegistered,
    StudentAcceptedElsewhere,
    StudentEnrolled,
    StudentLeft,
    StudentRecordAliased,
    StudentTransferredOut,
)
from services.registry.keys import Keys, entry_record_key
from services.registry.life_events import StudentSuspensionExtended
from services.registry.lists import standing, statements
from services.registry.lists.parts import row_part
from services.registry.lists.statements import SaidRow
from services.registry.paper_events import PaperScanRead
from services.registry.sheets.intake import enrolment, listing
from services.registry.students import provisional
from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result, Stored
from shared.kernel.clock import today
from shared.keys.keyring import KeyRing

_CHANGES = (
    StudentEnrolled,
    StudentTransferredOut,
    StudentAcceptedElsewhere,
    StudentLeft,
    StudentSuspensionExtended,
)


_NOBODY = Student()  # most rows of a new register name a student who has no event yet


@dataclass(frozen=True)
class Registry:
    """What every handler needs. ``division`` is this installation's own."""

    database: Database
    store: EventStore
    keyring: KeyRing
    keys: Keys
    division: str


def covers(scope: Scope, division_code: str | None, school_code: str | None) -> bool:
    """The rule of row-level security, for a stream that is not read through it and is in no class."""
    return scope.covers(division_code, school_code)


def register_schools(registry: Registry, intent: RegisterSchools, command: Command) -> Result:
    """Record schools, at most 1,000; one that stands as stated already is left alone."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        standing.keep_schools(driver(connection), intent.schools)
        return schools_stated(registry, intent, connection)

    return registry.store.run(registry.database, command, decide)


def schools_stated(registry: Registry, intent: RegisterSchools, connection: Connection) -> list[Proposed]:
    """What the records change. Appends nothing."""
    ids = [registry.keys.school(school.school_code) for school in intent.schools]
    loaded = registry.store.load_many(connection, ids)
    proposed = []
    for school, school_id in zip(intent.schools, ids, strict=True):
        stated = SchoolRegistered(
            school_code=school.school_code,
            name=school.name,
            former_names=school.former_names,
            division_code=school.division_code,
            stages=school.stages,
        )
        stored = loaded.get(school_id, [])
        told = [each.fact for each in stored if isinstance(each.fact, SchoolRegistered)]  # it may have closed since
        before = replace(told[-1], change_id=None, undone_change_id=None) if told else None
        if before != stated:
            proposed.append(Proposed(school_id, len(stored), stated, intent.as_of))
    return proposed


def enrol_students(registry: Registry, intent: EnrolStudents, command: Command) -> Result:
    """Bring students to what the register states: enrolled, moved, placed or corrected; nothing for the same again.
    Raises SchoolHasClosed: nobody is stated to be at a school that is no more on that day."""
    return registry.store.run(
        registry.database, command, lambda connection: students_enrolled(registry, intent, connection)
    )


def students_enrolled(registry: Registry, intent: EnrolStudents, connection: Connection) -> list[Proposed]:
    """What the records change; notes in the same transaction who has no number."""
    proposed = students_stated(registry, intent, connection)
    provisional.note(driver(connection), registry.keys, proposed)
    return proposed


def students_stated(registry: Registry, intent: EnrolStudents, connection: Connection) -> list[Proposed]:
    """What the records change. Appends nothing. A child enrolled without a number is the same child when it comes.
    Raises SchoolHasClosed."""
    standing.check_open(driver(connection), {record.school_code for record in intent.records}, intent.as_of)
    named = [registry.keys.student(record) for record in intent.records]
    states = _students(registry, connection, named)
    aliases = {student: state.alias_of for student, state in states.items() if state.alias_of is not None}
    new = {place: record for place, record in enumerate(intent.records) if not states[named[place]].version}
    meant = provisional.children_meant(registry.store, registry.keys, connection, new).meant
    aliases |= {named[place]: child for place, child in meant.items()}
    states |= _students(registry, connection, [alias for alias in aliases.values() if alias not in states])
    proposed = [
        Proposed(named[place], 0, StudentRecordAliased(student_id=child), intent.as_of)
        for place, child in meant.items()
    ]
    for record, name in zip(intent.records, named, strict=True):
        student_id = aliases.get(name, name) if aliases else name
        stated, state = enrolment(record, student_id, registry.keys), states[student_id]
        happened = enrol(state, stated, intent.as_of, record.enrolled_on)
        states[student_id] = _propose_student(student_id, state, happened, proposed)
    return proposed


def students_named(registry: Registry, records: Sequence[StudentRecord]) -> list[UUID]:
    """The student each record means now, aliases followed."""
    named = [registry.keys.student(record) for record in records]
    with registry.database.writing() as connection:
        states = _students(registry, connection, named)
    return [states[name].alias_of or name for name in named]


def transfer_student_out(registry: Registry, scope: Scope, intent: TransferStudentOut, command: Command) -> Result:
    """Raises StudentUnknown (also outside the scope), StudentNotEnrolled, BeforeLastChange."""
    return _change(
        registry,
        scope,
        intent,
        command,
        lambda state: transfer_out(
            intent.student_id,
            state,
            intent.on,
            intent.destination_kind,
            intent.destination_school_code,
            intent.destination_division_code,
        ),
    )


def accept_student_elsewhere(registry: Registry, scope: Scope, intent: AcceptElsewhere, command: Command) -> Result:
    """Raises StudentUnknown (also outside the scope), BeforeLastChange, StudentNotEnrolled when nobody is awaited."""
    return _change(
        registry,
        scope,
        intent,
        command,
        lambda state: accept_elsewhere(
            intent.student_id, state, intent.on, intent.destination_division_code, intent.destination_school
        ),
    )


def record_leaving(registry: Registry, scope: Scope, intent: RecordLeaving, command: Command) -> Result:
    """Raises StudentUnknown (also outside the scope), StudentNotEnrolled, BeforeLastChange, DueBackOfNoSuspension,
    DueBackTooEarly."""
    return _change(
        registry,
        scope,
        intent,
        command,
        lambda state: leave(intent.student_id, state, intent.on, intent.reason, intent.due_back),
    )


def extend(registry: Registry, scope: Scope, intent: ExtendSuspension, command: Command) -> Result:
    """Raises StudentUnknown (also outside the scope), NotSuspended, BeforeLastChange, DueBackTooEarly."""
    return _change(
        registry,
        scope,
        intent,
        command,
        lambda state: extend_suspension(intent.student_id, state, intent.on, intent.due_back),
    )


def record_list_entries(registry: Registry, intent: RecordListEntries, part: str, command: Command) -> Result:
    """Bring rows of one list to what they state: added, corrected, or left alone. ``part`` is that of rows which do not
    name theirs."""

    return registry.store.run(
        registry.database, command, lambda connection: list_entries_recorded(registry, intent, part, connection)
    )


def list_entries_recorded(
    registry: Registry, intent: RecordListEntries, part: str, connection: Connection
) -> list[Proposed]:
    """What the rows change; notes what they say in the same transaction."""
    proposed, said = entries_stated(registry, intent, part, connection)
    statements.keep_said(driver(connection), intent, said)
    return proposed


def entries_stated(
    registry: Registry, intent: RecordListEntries, part: str, connection: Connection
) -> tuple[list[Proposed], list[SaidRow]]:
    """What the rows change, and what they say. Changes nothing."""
    ids = entries_named(registry.keys, intent, part)
    return stated(registry, intent, part, ids, entries(registry, connection, ids))


def entries_named(keys: Keys, intent: RecordListEntries, part: str) -> list[UUID]:
    """The entry of each row."""
    return [
        keys.entry(intent.agency, intent.list, row_part(row, part), entry_record_key(row), count)
        for row, count in intent.rows
    ]


def stated(
    registry: Registry, intent: RecordListEntries, part: str, ids: Sequence[UUID], states: dict[UUID, ListEntry]
) -> tuple[list[Proposed], list[SaidRow]]:
    """What the rows of these entries change, and what they say; ``states`` goes on with them."""
    proposed: list[Proposed] = []
    said: list[SaidRow] = []
    for (row, _), entry_id in zip(intent.rows, ids, strict=True):
        state = states[entry_id]
        told = listing(row, entry_id, intent.agency, intent.submission_id, registry.keys, registry.division)
        happened = record_entry(state, told, intent.as_of)
        if happened is not None:
            proposed.append(Proposed(entry_id, state.version, happened.fact, happened.on))
            states[entry_id] = apply_entry(state, happened.fact)
        said.append(SaidRow(entry_id, row.row, states[entry_id].stated, row_part(row, part)))
    return proposed, said


def remove_list_entries(registry: Registry, intent: RemoveListEntries, command: Command) -> Result:
    """Take entries off their list; those that do not stand there are left alone."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        states = entries(registry, connection, intent.entry_ids)
        proposed = []
        for entry_id in intent.entry_ids:
            state = states[entry_id]
            removed = remove_entry(state, intent.agency, intent.list, intent.reason, intent.submission_id, intent.as_of)
            if removed is not None:
                proposed.append(Proposed(entry_id, state.version, removed.fact, removed.on))
        raw = driver(connection)
        standing.keep_standing(
            raw,
            standing.part_of(raw, [each.stream_id for each in proposed]),
            agency=intent.agency,
            list_name=intent.list,
            standing=False,
            submission_id=intent.submission_id,
        )
        gone = [(each.stream_id, None, None) for each in proposed]
        statements.keep(raw, gone, intent.submission_id, intent.as_of, intent.reason)
        return proposed

    return registry.store.run(registry.database, command, decide)


def note_read(
    registry: Registry, read: PersonalDataRead | RegisterExported | RejectedRowsRead | PaperScanRead, command: Command
) -> Result:
    """Record that somebody reads particulars in full, before anything is shown."""
    day = today()
    reader = registry.keys.reader(read.viewer, day)

    def decide(connection: Connection) -> Sequence[Proposed]:
        version = len(registry.store.load(connection, reader))
        return [Proposed(reader, version, read, day)]

    return registry.store.run(registry.database, command, decide)


def _change(
    registry: Registry,
    scope: Scope,
    intent: TransferStudentOut | AcceptElsewhere | RecordLeaving | ExtendSuspension,
    command: Command,
    decide_on: Callable[[Student], list[Happened]],
) -> Result:
    student_id = intent.student_id

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = registry.store.load(connection, student_id)
        state = known_student(stored, scope, student_id)
        in_order(stored, intent.on)
        proposed: list[Proposed] = []
        _propose_student(student_id, state, decide_on(state), proposed)
        return proposed

    return registry.store.run(registry.database, command, decide)


def known_student(stored: Sequence[Stored], scope: Scope, student_id: UUID) -> Student:
    """The student these events are about. Raises StudentUnknown, also outside the scope."""
    state = student_of(each.fact for each in stored)
    if not state.exists or not scope.covers(state.division_code, state.school_code, classroom=state.classroom):
        raise StudentUnknown(student_id)
    return state


def in_order(stored: Sequence[Stored], on: date) -> None:
    """Raises BeforeLastChange when the enrolment began or ended after ``on`` already."""
    last = max((each.event.effective_on for each in stored if isinstance(each.fact, _CHANGES)), default=on)
    if on < last:
        raise BeforeLastChange(last)


def _propose_student(
    student_id: UUID, state: Student, happened: Iterable[Happened], proposed: list[Proposed]
) -> Student:
    for fact, on in happened:
        proposed.append(Proposed(student_id, state.version, fact, on))
        state = apply_student(state, fact)
    return state


def _students(registry: Registry, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Student]:
    loaded = registry.store.load_many(connection, list(set(ids)))
    return {
        student: student_of(each.fact for each in stored) if stored else _NOBODY for student, stored in loaded.items()
    }


def entries(registry: Registry, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, ListEntry]:
    """These entries as they stand; each asked one is there."""
    loaded = registry.store.load_many(connection, list(set(ids)))
    return {entry: entry_of(stored.fact for stored in loaded.get(entry, ())) for entry in ids}
