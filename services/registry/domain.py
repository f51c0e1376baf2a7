"""Students, schools and list entries: pure rules. ``decide`` functions give facts, ``apply`` folds them.

No state here holds a personal field: what identifies a person is compared by keyed fingerprint, so an aggregate loads
the same after an erasure (design.md §3, invariant 14).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.registry.errors import AlreadyEnrolled, RecordKeyTaken, StudentNotEnrolled, StudentUnknown
from services.registry.events import (
    DestinationKind,
    LeavingReason,
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryFields,
    ListEntryRemoved,
    RemovalReason,
    SchoolRegistered,
    StudentAcceptedElsewhere,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentRecordAliased,
    StudentTransferredOut,
)
from services.registry.life_errors import DueBackOfNoSuspension, DueBackTooEarly, NotSuspended
from services.registry.life_events import StudentSuspensionExtended
from shared.kernel.facts import Fact


class Happened(NamedTuple):
    """A fact and the day from which it is true."""

    fact: Fact
    on: date


@dataclass(frozen=True, slots=True)
class Student:
    """``placement`` is the last (stage, grade, class, boarder, left_behind, placement); ``alias_of`` sends to the
    student's own stream."""

    version: int = 0
    enrolled: bool = False
    school_code: str | None = None
    division_code: str | None = None
    placement: tuple[object, ...] = ()
    fingerprint: str = ""
    alias_of: UUID | None = None
    awaited: bool = False  # left for another school, which has not accepted yet
    suspended: bool = False
    due_back: date | None = None

    @property
    def exists(self) -> bool:
        return self.version > 0 and self.alias_of is None

    @property
    def classroom(self) -> tuple[str | None, str | None, str | None] | None:
        """Stage, grade and class, None before any was told."""
        stage, grade, name = self.placement[:3] or (None, None, None)
        return None if name is None else (_word(stage), _word(grade), _word(name))


def _word(told: object) -> str | None:
    return told if isinstance(told, str) else None


def _placement(fact: StudentEnrolled | StudentPlaced) -> tuple[object, ...]:
    return (fact.stage, fact.grade, fact.class_name, fact.boarder, fact.left_behind, fact.placement)


def apply_student(state: Student, fact: Fact) -> Student:
    """The state after one more fact of the student's stream."""
    version = state.version + 1
    match fact:
        case StudentEnrolled():
            return Student(
                version=version,
                enrolled=True,
                school_code=fact.school_code,
                division_code=fact.division_code,
                placement=_placement(fact),
                fingerprint=fact.fingerprint or state.fingerprint,
                alias_of=state.alias_of,
            )
        case StudentPlaced():
            placed = replace(state, version=version, placement=_placement(fact))
            return replace(placed, school_code=fact.school_code, division_code=fact.division_code)
        case StudentTransferredOut():
            return replace(state, version=version, enrolled=False, awaited=True)
        case StudentAcceptedElsewhere():
            return replace(state, version=version, awaited=False)
        case StudentLeft():
            gone = replace(state, version=version, enrolled=False, awaited=False)
            return replace(gone, suspended=fact.reason == "suspended", due_back=fact.due_back)
        case StudentSuspensionExtended():
            return replace(state, version=version, due_back=fact.due_back)
        case StudentDetailsCorrected():
            return replace(state, version=version, fingerprint=fact.fingerprint)
        case StudentRecordAliased():
            return replace(state, version=version, alias_of=fact.student_id)
    return replace(state, version=version)


def student_of(facts: Iterable[Fact]) -> Student:
    """The student after all facts of the stream."""
    state = Student()
    for fact in facts:
        state = apply_student(state, fact)
    return state


def enrol(state: Student, stated: StudentEnrolled, as_of: date, began: date | None = None) -> list[Happened]:
    """What a row of the register means for a student: nothing when nothing changed. ``began`` is the first day at this
    school where the row tells it; what changed within a school is true from ``as_of`` on.

    A student found at another school has changed school, even if the former one never said so: then the departure is
    recorded for the same day, so that no child stands in two schools.
    """
    first = began or as_of
    if not state.enrolled:
        return [Happened(stated, first)]
    happened: list[Happened] = []
    if state.school_code != stated.school_code:
        assert state.school_code is not None and state.division_code is not None
        left = StudentTransferredOut(
            school_code=state.school_code,
            division_code=state.division_code,
            destination_kind="in_division",
            destination_school_code=stated.school_code,
        )
        return [Happened(left, first), Happened(stated, first)]
    if state.placement != _placement(stated):
        happened.append(
            Happened(
                StudentPlaced(
                    school_code=stated.school_code,
                    division_code=stated.division_code,
                    stage=stated.stage,
                    grade=stated.grade,
                    class_name=stated.class_name,
                    boarder=stated.boarder,
                    left_behind=stated.left_behind,
                    placement=stated.placement,
                ),
                as_of,
            )
        )
    if state.fingerprint != stated.fingerprint:
        corrected = StudentDetailsCorrected(
            student_number_kind=stated.student_number_kind, fingerprint=stated.fingerprint, personal=stated.personal
        )
        happened.append(Happened(corrected, as_of))
    return happened


def transfer_out(
    student_id: UUID,
    state: Student,
    on: date,
    kind: DestinationKind,
    school_code: str | None,
    division_code: str | None,
) -> list[Happened]:
    """The student leaves for another school. Raises StudentUnknown, StudentNotEnrolled."""
    school, division = _enrolled_at(student_id, state)
    fact = StudentTransferredOut(
        school_code=school,
        division_code=division,
        destination_kind=kind,
        destination_school_code=school_code,
        destination_division_code=division_code,
    )
    return [Happened(fact, on)]


def accept_elsewhere(
    student_id: UUID, state: Student, on: date, division_code: str, school: str | None
) -> list[Happened]:
    """A school elsewhere confirmed. Raises StudentUnknown, StudentNotEnrolled when nobody waits for it."""
    if not state.exists:
        raise StudentUnknown(student_id)
    if not state.awaited:
        raise StudentNotEnrolled(student_id)
    return [Happened(StudentAcceptedElsewhere(destination_division_code=division_code, destination_school=school), on)]


def leave(
    student_id: UUID, state: Student, on: date, reason: LeavingReason, due_back: date | None = None
) -> list[Happened]:
    """The registration ends, or rests until ``due_back``. Raises StudentUnknown, StudentNotEnrolled,
    DueBackOfNoSuspension, DueBackTooEarly."""
    school, division = _enrolled_at(student_id, state)
    if due_back is not None:
        if reason != "suspended":
            raise DueBackOfNoSuspension
        if due_back <= on:
            raise DueBackTooEarly(on)
    return [Happened(StudentLeft(school_code=school, division_code=division, reason=reason, due_back=due_back), on)]


def extend_suspension(student_id: UUID, state: Student, on: date, due_back: date) -> list[Happened]:
    """A suspended student is due back later. Raises StudentUnknown, NotSuspended, DueBackTooEarly."""
    if not state.exists:
        raise StudentUnknown(student_id)
    if not state.suspended or state.school_code is None or state.division_code is None:
        raise NotSuspended(student_id)
    after = on if state.due_back is None else max(on, state.due_back)
    if due_back <= after:
        raise DueBackTooEarly(after)
    extended = StudentSuspensionExtended(
        school_code=state.school_code, division_code=state.division_code, due_back=due_back
    )
    return [Happened(extended, on)]


def come_back(student_id: UUID, state: Student, stated: StudentEnrolled, on: date) -> list[Happened]:
    """A student who left, or was on the way to another school, is enrolled again. Raises StudentUnknown, and
    AlreadyEnrolled when she never was away."""
    if not state.exists:
        raise StudentUnknown(student_id)
    if state.enrolled:
        raise AlreadyEnrolled(student_id)
    return [Happened(stated, on)]


def correct(
    student_id: UUID, state: Student, stated: StudentDetailsCorrected, key_id: UUID, at_key: Student, on: date
) -> list[tuple[UUID, Happened]]:
    """The particulars as they now stand, and an alias where the corrected numbers name another stream ``key_id`` (in
    state ``at_key``), so that the register's next row finds the same student (L→G is a link, not a new person).

    Raises StudentUnknown, and RecordKeyTaken when the numbers are another student's.
    """
    if not state.exists:
        raise StudentUnknown(student_id)
    happened = [] if state.fingerprint == stated.fingerprint else [(student_id, Happened(stated, on))]
    if key_id == student_id or at_key.alias_of == student_id:
        return happened
    if at_key.version:
        raise RecordKeyTaken(student_id)
    return [*happened, (key_id, Happened(StudentRecordAliased(student_id=student_id), on))]


def _enrolled_at(student_id: UUID, state: Student) -> tuple[str, str]:
    if not state.exists:
        raise StudentUnknown(student_id)
    if not state.enrolled or state.school_code is None or state.division_code is None:
        raise StudentNotEnrolled(student_id)
    return state.school_code, state.division_code


@dataclass(frozen=True, slots=True)
class ListEntry:
    """``standing``: on the agency's list now. ``stated``: the version whose fields the entry has."""

    version: int = 0
    standing: bool = False
    fingerprint: str = ""
    stated: int = 0


def apply_entry(state: ListEntry, fact: Fact) -> ListEntry:
    """The state after one more fact of the entry's stream."""
    version = state.version + 1
    if isinstance(fact, ListEntryFields):
        return ListEntry(version, True, fact.fingerprint, version)
    if isinstance(fact, ListEntryRemoved):
        return replace(state, version=version, standing=False)
    return replace(state, version=version)


def entry_of(facts: Iterable[Fact]) -> ListEntry:
    """The entry after all facts of the stream."""
    state = ListEntry()
    for fact in facts:
        state = apply_entry(state, fact)
    return state


def record_entry(state: ListEntry, stated: ListEntryAdded, as_of: date) -> Happened | None:
    """What a row means for an entry: added (again), corrected, or nothing when the same is on record.

    A first listing is true from the paper's own start when that lies in the past; a correction from the day stated.
    """
    if not state.standing:
        first = state.version == 0 and stated.valid_from is not None and stated.valid_from < as_of
        return Happened(stated, stated.valid_from if first and stated.valid_from else as_of)
    if state.fingerprint == stated.fingerprint:
        return None
    fields = {name: getattr(stated, name) for name in stated.__struct_fields__}
    return Happened(ListEntryCorrected(**fields), as_of)


def remove_entry(
    state: ListEntry, agency: str, list_name: str, reason: RemovalReason, submission_id: UUID | None, as_of: date
) -> Happened | None:
    """The row left the list; nothing when it does not stand there."""
    if not state.standing:
        return None
    fact = ListEntryRemoved(agency=agency, list=list_name, reason=reason, submission_id=submission_id)  # type: ignore[arg-type]
    return Happened(fact, as_of)


def school_changes(known: SchoolRegistered | None, stated: SchoolRegistered, as_of: date) -> list[Happened]:
    """A school registers, or its particulars change; nothing when they are the same."""
    return [] if known == stated else [Happened(stated, as_of)]
