"""Intents, imperative and frozen. Rows and records carry what a sheet or request says, read and normalised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from services.registry.events import (
    DestinationKind,
    LeavingReason,
    ListName,
    RemovalReason,
    Sex,
    Stage,
    StudentNumberKind,
)
from services.registry.household_events import MemberLeaving, RegisterExit
from services.registry.life_events import ParentsWhereabouts
from services.registry.sheets.lists import ListRow


@dataclass(frozen=True, slots=True)
class SchoolRecord:
    """A school as its authority states it."""

    school_code: str
    name: str
    division_code: str
    former_names: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()


class StudentRecord(msgspec.Struct, frozen=True, gc=False):
    """A row of the register. ``school_code`` is resolved; ``id_number`` and ``student_number`` are valid or None. A
    struct, because a register has a hundred thousand of them."""

    name: str
    school_code: str
    division_code: str
    id_number: str | None = None
    student_number: str | None = None
    student_number_kind: StudentNumberKind | None = None
    former_name: str | None = None
    id_kind: str | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    stage: Stage | None = None
    grade: str | None = None
    class_name: str | None = None
    boarder: bool | None = None
    left_behind: bool | None = None
    placement: str | None = None
    guardian_name: str | None = None
    guardian_id: str | None = None
    phone: str | None = None
    address: str | None = None
    enrolled_on: date | None = None


@dataclass(frozen=True, slots=True)
class RegisterSchools:
    schools: tuple[SchoolRecord, ...]
    as_of: date


@dataclass(frozen=True, slots=True)
class EnrolStudents:
    """At most 1,000 records; ``as_of`` is the day they are stated for."""

    records: tuple[StudentRecord, ...]
    as_of: date


@dataclass(frozen=True, slots=True)
class TransferStudentOut:
    student_id: UUID
    on: date
    destination_kind: DestinationKind
    destination_school_code: str | None = None
    destination_division_code: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptElsewhere:
    student_id: UUID
    on: date
    destination_division_code: str
    destination_school: str | None = None


@dataclass(frozen=True, slots=True)
class RecordLeaving:
    """``due_back``: when a suspended student is expected again."""

    student_id: UUID
    on: date
    reason: LeavingReason
    due_back: date | None = None


@dataclass(frozen=True, slots=True)
class ExtendSuspension:
    """Told on ``on``: she is due back later than was said before."""

    student_id: UUID
    on: date
    due_back: date


@dataclass(frozen=True, slots=True)
class ReturnStudent:
    """Back in school; what is None stays as it was before she left."""

    student_id: UUID
    on: date
    school_code: str | None = None
    stage: Stage | None = None
    grade: str | None = None
    class_name: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectStudent:
    """``cells``: the fields of the register that change, as a sheet would hold them; an empty one is taken away."""

    student_id: UUID
    on: date
    cells: Mapping[str, str | float | None]


@dataclass(frozen=True, slots=True)
class ChangeClasses:
    """At most 1,000 (student, class) pairs, true from ``on`` on (分班)."""

    on: date
    rows: tuple[tuple[UUID, str], ...]


@dataclass(frozen=True, slots=True)
class ChangeGuardianship:
    """Who cares for the child from ``on`` on; ``last_contact_on``: when the parents were last in touch."""

    student_id: UUID
    on: date
    carer_name: str
    carer_relation: str
    carer_phone: str | None = None
    parents_whereabouts: ParentsWhereabouts = "unknown"
    last_contact_on: date | None = None


@dataclass(frozen=True, slots=True)
class NoteCounselling:
    student_id: UUID
    on: date
    note: str


@dataclass(frozen=True, slots=True)
class RecordListEntries:
    """At most 1,000 rows of one list, each with its occurrence (1 unless the same record key came before it)."""

    agency: str
    list: ListName
    rows: tuple[tuple[ListRow, int], ...]
    as_of: date
    submission_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RemoveListEntries:
    """At most 1,000 entries of one list."""

    agency: str
    list: ListName
    entry_ids: tuple[UUID, ...]
    as_of: date
    reason: RemovalReason
    submission_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MemberRecord:
    name: str
    id_number: str | None = None
    relation: str | None = None
    head: bool = False


@dataclass(frozen=True, slots=True)
class RegisterHousehold:
    """The household as its agency states it; ``new``: refused where one of that number is on record already."""

    list: ListName
    household_number: str
    division_code: str
    members: tuple[MemberRecord, ...]
    as_of: date
    household_type: str | None = None
    address: str | None = None
    new: bool = False


@dataclass(frozen=True, slots=True)
class ChangeHead:
    household_id: UUID
    member_id: UUID
    on: date


@dataclass(frozen=True, slots=True)
class SplitHousehold:
    """These members become the household ``household_number`` of the same list. ``head_id`` is one of them,
    ``remaining_head_id`` one of those who stay."""

    household_id: UUID
    household_number: str
    member_ids: tuple[UUID, ...]
    on: date
    head_id: UUID | None = None
    remaining_head_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MergeHousehold:
    household_id: UUID
    into_household_id: UUID
    on: date


@dataclass(frozen=True, slots=True)
class MoveHousehold:
    household_id: UUID
    division_code: str
    on: date
    address: str | None = None


@dataclass(frozen=True, slots=True)
class EnterRegister:
    """The household is on the poverty register again from ``on`` on."""

    household_id: UUID
    on: date
    household_type: str | None = None


@dataclass(frozen=True, slots=True)
class LeaveRegister:
    household_id: UUID
    reason: RegisterExit
    on: date


@dataclass(frozen=True, slots=True)
class JoinHousehold:
    """Somebody belongs to the household from ``on`` on: born, married in, taken in."""

    household_id: UUID
    member: MemberRecord
    on: date


@dataclass(frozen=True, slots=True)
class LeaveHousehold:
    """A member belongs to it no longer from ``on`` on. ``head_id``: who of the others heads it from then on."""

    household_id: UUID
    member_id: UUID
    reason: MemberLeaving
    on: date
    head_id: UUID | None = None


HouseholdIntent = (
    ChangeHead
    | SplitHousehold
    | MergeHousehold
    | MoveHousehold
    | EnterRegister
    | LeaveRegister
    | JoinHousehold
    | LeaveHousehold
)
