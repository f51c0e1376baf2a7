"""Facts of the registry, past tense and frozen; the only module of the registry that others import.

Streams: a school, a student, a household, a list entry, a submission each have one. A student's stream id *is* the
student id, an entry's is the entry id. ``effective_on`` of the event is the day from which it is true in the world.
Personal fields stand in blocks sealed per person and are ``None`` after an erasure (design.md §3, invariant 14).
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from services.registry import change_events as change_events  # declared with these, and reached through this module
from services.registry import household_events as household_events
from services.registry import life_events as life_events
from services.registry import paper_events as paper_events
from services.registry import request_events as request_events
from services.registry.life_events import ClassAttendanceReported as ClassAttendanceReported
from services.registry.life_events import CounsellingNoted as CounsellingNoted
from services.registry.life_events import GuardianshipChanged as GuardianshipChanged
from services.registry.life_events import StudentSuspensionExtended as StudentSuspensionExtended
from services.registry.list_events import AgencyReported as AgencyReported
from services.registry.list_events import AgencySilent as AgencySilent
from services.registry.list_events import FreshnessContractActivated as FreshnessContractActivated
from services.registry.list_events import ListName as ListName
from services.registry.list_events import ListSubmissionConfirmed as ListSubmissionConfirmed
from services.registry.list_events import ListSubmissionHeld as ListSubmissionHeld
from services.registry.list_events import ListSubmissionOpened as ListSubmissionOpened
from services.registry.list_events import ListSubmissionReceived as ListSubmissionReceived
from services.registry.list_events import ListSubmissionWithdrawn as ListSubmissionWithdrawn
from services.registry.list_events import RejectedRowsRead as RejectedRowsRead
from services.registry.list_events import SubmissionMode as SubmissionMode
from services.registry.list_events import WithdrawalReason as WithdrawalReason
from services.registry.reference_events import DivisionCodeAdded as DivisionCodeAdded
from services.registry.reference_events import DivisionCodeWithdrawn as DivisionCodeWithdrawn
from services.registry.reference_events import SchoolCalendarActivated as SchoolCalendarActivated
from services.registry.reference_events import SchoolClosed as SchoolClosed
from services.registry.term_events import TermPlanActivated as TermPlanActivated
from services.registry.term_events import TermTaskDone as TermTaskDone
from services.registry.term_events import TermTaskReopened as TermTaskReopened
from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, Personal, fact

Stage = Literal["preschool", "primary", "junior", "senior", "vocational", "special"]
Sex = Literal["male", "female"]
StudentNumberKind = Literal["G", "J", "L"]
LeavingReason = Literal["graduated", "dropped_out", "abroad", "died", "suspended", "entered_in_error"]
DestinationKind = Literal["in_division", "elsewhere", "unknown"]
RemovalReason = Literal["missing_from_snapshot", "withdrawn_by_agency", "died", "entered_in_error"]


class StudentPersonal(Personal, frozen=True, kw_only=True):
    """What identifies a student. ``id_number`` is a valid 18-character number or None; ``student_number`` has 19
    characters; ``guardian_id`` is kept as written (old people hold 15-digit numbers)."""

    name: str
    former_name: str | None = None
    id_number: str | None = None
    id_kind: str | None = None
    student_number: str | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    guardian_name: str | None = None
    guardian_id: str | None = None
    phone: str | None = None
    address: str | None = None


class EntryPersonal(Personal, frozen=True, kw_only=True):
    """What identifies the person in a list row. ``id_number`` is valid or None; ``id_text`` is what the cell held when
    it was no valid number (kept for the clerk, never matched on), ``suggested_birth_date`` what such a number says."""

    name: str
    former_name: str | None = None
    id_number: str | None = None
    id_text: str | None = None
    student_number: str | None = None
    certificate_number: str | None = None
    sex: Sex | None = None
    birth_date: date | None = None
    suggested_birth_date: date | None = None
    head_name: str | None = None
    head_id: str | None = None
    guardian_name: str | None = None
    guardian_id: str | None = None
    phone: str | None = None
    school: str | None = None
    address: str | None = None


class MemberPersonal(Personal, frozen=True, kw_only=True):
    """What identifies a member of a household."""

    name: str
    id_number: str | None = None


class HouseholdPersonal(Personal, frozen=True, kw_only=True):
    """Where a household lives; sealed under its head's key."""

    address: str


@fact("registry")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: time as input (invariant 10)."""

    day: date


@fact("registry")
class SchoolRegistered(Fact, frozen=True, kw_only=True):
    """A school exists, or its particulars changed: the event carries all of them. ``change_id``: told by that mass
    change; ``undone_change_id``: as it was before that one, which may have closed it."""

    school_code: str
    name: str
    former_names: tuple[str, ...] = ()
    division_code: str
    stages: tuple[Stage, ...] = ()
    change_id: UUID | None = None
    undone_change_id: UUID | None = None


@fact("registry")
class StudentEnrolled(Fact, frozen=True, kw_only=True):
    """A student's school registration (学籍) begins here; also on return after leaving. ``division_code`` is the
    school's, as aid follows the place of registration. ``fingerprint`` is a keyed digest of the personal block;
    ``undone_promotion_id``: the promotion that ended it, and whose end is taken back by this."""

    school_code: str
    division_code: str
    stage: Stage | None = None
    grade: str | None = None
    class_name: str | None = None
    boarder: bool | None = None
    left_behind: bool | None = None
    placement: str | None = None
    student_number_kind: StudentNumberKind | None = None
    fingerprint: str = ""
    undone_promotion_id: UUID | None = None
    personal: StudentPersonal | None = None


@fact("registry")
class StudentPlaced(Fact, frozen=True, kw_only=True):
    """Grade, class, boarding or placement changed without leaving; the event carries all of them. The school is another
    one only when it took the whole school over (撤点并校), the division only when it bears another code: nobody left.
    ``promotion_id``: by that promotion (升级), ``change_id``: by that mass change; ``undone_promotion_id``,
    ``undone_change_id``: as it was before that one."""

    school_code: str
    division_code: str
    stage: Stage | None = None
    grade: str | None = None
    class_name: str | None = None
    boarder: bool | None = None
    left_behind: bool | None = None
    placement: str | None = None
    promotion_id: UUID | None = None
    undone_promotion_id: UUID | None = None
    change_id: UUID | None = None
    undone_change_id: UUID | None = None


@fact("registry")
class StudentTransferredOut(Fact, frozen=True, kw_only=True):
    """A student left ``school_code`` for another school. Until another accepts, nobody has this child:
    ``in_division`` names the school expected to accept, ``elsewhere`` the division if it is known.
    ``promotion_id``: handed over at the end of a stage."""

    school_code: str
    division_code: str
    destination_kind: DestinationKind
    destination_school_code: str | None = None
    destination_division_code: str | None = None
    promotion_id: UUID | None = None


@fact("registry")
class StudentAcceptedElsewhere(Fact, frozen=True, kw_only=True):
    """A school outside this installation's division has confirmed that it took the student in."""

    destination_division_code: str
    destination_school: str | None = None


@fact("registry")
class StudentLeft(Fact, frozen=True, kw_only=True):
    """The registration ended without a transfer. ``due_back``: when a suspended student is expected again;
    ``promotion_id``: graduated in that promotion."""

    school_code: str
    division_code: str
    reason: LeavingReason
    due_back: date | None = None
    promotion_id: UUID | None = None


@fact("registry")
class StudentDetailsCorrected(Fact, frozen=True, kw_only=True):
    """Personal particulars as they now stand (all of them). L→G numbers and corrected identity numbers come so.
    ``change_id``: by that mass change; ``undone_change_id``: as they were before that one."""

    student_number_kind: StudentNumberKind | None = None
    fingerprint: str = ""
    change_id: UUID | None = None
    undone_change_id: UUID | None = None
    personal: StudentPersonal | None = None


@fact("registry")
class StudentRecordAliased(Fact, frozen=True, kw_only=True):
    """First and only event of a stream whose id comes from a *corrected* record key: the student lives in
    ``student_id`` (invariant 4). Nothing else ever stands in such a stream."""

    student_id: UUID


@fact("registry")
class HouseholdRegistered(Fact, frozen=True, kw_only=True):
    """A household; its stream id is the keyed form of list and household number, the ``household_key`` of entries."""

    list: ListName
    division_code: str
    household_type: str | None = None


@fact("registry")
class HouseholdMemberJoined(Fact, frozen=True, kw_only=True):
    """A person belongs to the household. ``student_id`` when the member is a student of the register."""

    member_id: UUID
    division_code: str
    student_id: UUID | None = None
    relation: str | None = None
    head: bool = False
    personal: MemberPersonal | None = None


@fact("registry")
class HouseholdMemberLeft(Fact, frozen=True, kw_only=True):
    """The person no longer belongs to the household."""

    member_id: UUID
    reason: str | None = None


@fact("registry")
class HouseholdHeadChanged(Fact, frozen=True, kw_only=True):
    """Another member heads the household. ``former_head_id`` None: nobody did."""

    member_id: UUID
    former_head_id: UUID | None = None


@fact("registry")
class HouseholdSplit(Fact, frozen=True, kw_only=True):
    """Members left together and are a household of their own (分户). That they left and joined are events of their own,
    HouseholdMemberLeft with reason ``split`` here and HouseholdMemberJoined there, on the same day."""

    new_household_id: UUID
    member_ids: tuple[UUID, ...]


@fact("registry")
class HouseholdMerged(Fact, frozen=True, kw_only=True):
    """The household is no more: its members belong to another one (并户), told like a split's, with reason
    ``merged``."""

    into_household_id: UUID


@fact("registry")
class HouseholdMoved(Fact, frozen=True, kw_only=True):
    """The household, these members, lives in another division or at another address (迁移)."""

    division_code: str
    member_ids: tuple[UUID, ...]
    personal: HouseholdPersonal | None = None


class ListEntryFields(Fact, frozen=True, kw_only=True):
    """What a list row says. ``row`` counts the data rows of the submission from 1; ``fingerprint`` is a keyed digest of
    the content, so that the same row again is recognised without any personal field.

    ``valid_from``/``valid_to``: the paper's own period, half-open (a printed 有效期至 is inclusive: a day is added);
    ``lifted_on`` changes a class and never ends validity. ``household_key`` is a keyed id, equal for rows of one
    household on one list. ``division_code`` is the division responsible for the row (a part of this installation's);
    ``residence_code`` is where the person is registered as resident, as the row tells. ``school_code`` is the school
    the row names, if it is one of ours.
    ``problems`` are codes, ``field:code``; ``number_problem`` says why a number is unusable, ``number_contradicted``
    that two valid ones disagree; such a row is on record all the same (invariant 15). ``school_elsewhere``: the row
    names a school that is none of ours."""

    agency: str
    list: ListName
    submission_id: UUID | None = None
    row: int | None = None
    household_key: UUID | None = None
    relation: str | None = None
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    disability_kind: int | None = None
    disability_grade: int | None = None
    cause: str | None = None
    orphan: bool | None = None
    schooling_state: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    lifted_on: date | None = None
    division_code: str
    residence_code: str | None = None
    school_code: str | None = None
    school_elsewhere: bool = False
    stage: str | None = None
    grade: str | None = None
    number_problem: str | None = None
    number_contradicted: bool = False
    problems: tuple[str, ...] = ()
    fingerprint: str = ""
    personal: EntryPersonal | None = None


@fact("registry")
class ListEntryAdded(ListEntryFields, frozen=True, kw_only=True):
    """A row stands on an agency's list (again). Every data row becomes an entry, also one with ``problems``, so that
    each ends in exactly one state (invariant 15)."""


@fact("registry")
class ListEntryCorrected(ListEntryFields, frozen=True, kw_only=True):
    """The same record as the agency now states it: all fields, as in :class:`ListEntryAdded`."""


@fact("registry")
class ListEntryRemoved(Fact, frozen=True, kw_only=True):
    """The row left the agency's list from ``effective_on`` on (动态退出)."""

    agency: str
    list: ListName
    reason: RemovalReason
    submission_id: UUID | None = None


@fact("registry")
class RegisterExported(Fact, frozen=True, kw_only=True):
    """Somebody took a list away with its personal fields in full, and why (invariant 13); masked ones are not told.
    ``division_code`` and ``school_code`` are the reader's scope, ``filters`` what was asked for (name=value),
    ``fields`` the personal ones that were given. Its stream is the reader's access record."""

    viewer: str
    kind: str
    purpose: str
    rows: int
    fields: tuple[str, ...]
    filters: tuple[str, ...] = ()
    division_code: str | None = None
    school_code: str | None = None
    agency: str | None = None


@fact("registry")
class PersonalDataRead(Fact, frozen=True, kw_only=True):
    """Somebody read a student's full particulars, and why (invariant 13). Its stream is the reader's access record."""

    viewer: str
    student_id: UUID
    purpose: str
    fields: tuple[str, ...]
    division_code: str | None = None
    school_code: str | None = None


@fact("registry")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("registry")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""
