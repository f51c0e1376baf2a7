"""How the registry's facts become rows: one small pure function per fact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.registry.events import (
    HouseholdHeadChanged,
    HouseholdMemberJoined,
    HouseholdMemberLeft,
    HouseholdMerged,
    HouseholdMoved,
    HouseholdRegistered,
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryFields,
    ListEntryRemoved,
    ListSubmissionConfirmed,
    ListSubmissionHeld,
    ListSubmissionOpened,
    ListSubmissionReceived,
    ListSubmissionWithdrawn,
    PersonalDataRead,
    StudentAcceptedElsewhere,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPersonal,
    StudentPlaced,
    StudentTransferredOut,
)
from services.registry.household_events import HouseholdEnteredRegister, HouseholdLeftRegister
from services.registry.life_events import StudentSuspensionExtended
from services.registry.life_folds import LIFE_FOLDS
from services.registry.life_tables import ABSENCES, ATTENDANCE
from services.registry.reference_folds import REFERENCE_FOLDS
from services.registry.request_tables import REQUEST_FOLDS, REQUESTS
from services.registry.tables import (
    CALENDARS,
    DIVISIONS,
    ENTRIES,
    HOUSEHOLDS,
    MEMBERS,
    READS,
    SCHOOLS,
    STUDENTS,
    SUBMISSIONS,
)
from services.registry.term_folds import TERM_FOLDS
from services.registry.term_tables import TERM_PLANS, TERM_TASKS
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id

PERSON_COLUMNS = (
    *("name", "former_name", "id_number", "student_number", "sex", "birth_date"),
    *("guardian_name", "guardian_id", "phone", "address"),
)
_PLACE_COLUMNS = (
    *("school_code", "division_code", "stage", "grade", "class_name", "boarder", "left_behind", "placement"),
)


def _row(event: Recorded, table: PeriodTable, values: dict[str, Any]) -> Assertion:
    return Assertion(table, event.stream_id, event.effective_on, values)


def _student(event: Recorded, values: dict[str, Any]) -> Assertion:
    return _row(event, STUDENTS, values | {"stream_version": event.logged.event.version})


def person(personal: StudentPersonal | None) -> dict[str, Any]:
    """The personal columns; after an erasure the one tombstone, all empty."""
    values = {name: None if personal is None else getattr(personal, name) for name in PERSON_COLUMNS}
    return values | {"issued_division": values["id_number"][:6] if values["id_number"] else None}


def place(fact: StudentEnrolled | StudentPlaced) -> dict[str, Any]:
    """The columns that say where a student is."""
    return {name: getattr(fact, name) for name in _PLACE_COLUMNS}


def destination(fact: StudentTransferredOut | StudentAcceptedElsewhere) -> dict[str, Any]:
    """Where a student went, as far as the fact tells."""
    told = fact.destination_division_code
    if told is None and isinstance(fact, StudentTransferredOut) and fact.destination_kind == "in_division":
        told = fact.division_code
    return {"destination_division": told}


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    fact: StudentEnrolled = event.fact
    kind = {"student_number_kind": fact.student_number_kind}
    begun = {"state": "enrolled", "due_back": None, "destination_division": None}
    yield _student(event, place(fact) | person(fact.personal) | kind | begun)


def student_placed(event: Recorded) -> Iterable[Assertion]:
    yield _student(event, place(event.fact))


def student_transferred_out(event: Recorded) -> Iterable[Assertion]:
    yield _student(event, {"state": "transferred_out"} | destination(event.fact))


def student_accepted_elsewhere(event: Recorded) -> Iterable[Assertion]:
    yield _student(event, {"state": "accepted_elsewhere"} | destination(event.fact))


def student_left(event: Recorded) -> Iterable[Assertion]:
    yield _student(event, {"state": event.fact.reason, "due_back": event.fact.due_back})


def suspension_extended(event: Recorded) -> Iterable[Assertion]:
    yield _student(event, {"due_back": event.fact.due_back})


def student_corrected(event: Recorded) -> Iterable[Assertion]:
    fact: StudentDetailsCorrected = event.fact
    yield _student(event, person(fact.personal) | {"student_number_kind": fact.student_number_kind})


def entry_stated(event: Recorded) -> Iterable[Assertion]:
    fact: ListEntryFields = event.fact
    personal = fact.personal
    yield _row(
        event,
        ENTRIES,
        {
            "agency": fact.agency,
            "list": fact.list,
            "standing": True,
            "name": personal.name if personal else None,
            "id_number": personal.id_number if personal else None,
            "id_text": personal.id_text if personal else None,
            "division_code": fact.division_code,
            "listed_school_code": fact.school_code,
            "household_type": fact.household_type,
            "support_type": fact.support_type,
            "area_type": fact.area_type,
            "coverage": fact.coverage,
            "disability_kind": fact.disability_kind,
            "disability_grade": fact.disability_grade,
            "starts_on": fact.valid_from,
            "ends_on": fact.valid_to,
            "submission_id": fact.submission_id,
            "row": fact.row,
            "problems": list(fact.problems),
        },
    )


def entry_removed(event: Recorded) -> Iterable[Assertion]:
    yield _row(event, ENTRIES, {"standing": False})


def submission_opened(event: Recorded) -> Iterable[Assertion]:
    fact: ListSubmissionOpened = event.fact
    none_yet = dict.fromkeys(("rows", "added", "corrected", "unchanged", "removed", "rejected"), 0)
    values = {name: getattr(fact, name) for name in ("agency", "list", "mode", "division_code", "received_by")}
    yield _row(event, SUBMISSIONS, values | none_yet | {"state": "open", "received_at": event.recorded_at})


def submission_received(event: Recorded) -> Iterable[Assertion]:
    fact: ListSubmissionReceived = event.fact
    counts = ("rows", "added", "corrected", "unchanged", "removed", "rejected")
    values = {name: getattr(fact, name) for name in ("agency", "list", "mode", "file_name", "division_code", *counts)}
    yield _row(
        event,
        SUBMISSIONS,
        values | {"state": "received", "received_by": fact.received_by, "received_at": event.recorded_at},
    )


def submission_held(event: Recorded) -> Iterable[Assertion]:
    fact: ListSubmissionHeld = event.fact
    yield _row(event, SUBMISSIONS, {"state": "held", "missing": fact.missing, "standing_before": fact.standing})


def submission_confirmed(event: Recorded) -> Iterable[Assertion]:
    yield _row(event, SUBMISSIONS, {"state": "confirmed", "removed": event.fact.removed})


def submission_withdrawn(event: Recorded) -> Iterable[Assertion]:
    fact: ListSubmissionWithdrawn = event.fact
    # One that was never complete has no receipt: then this is all there is to know of it.
    who = {"agency": fact.agency, "list": fact.list, "division_code": fact.division_code}
    yield _row(event, SUBMISSIONS, who | {"state": "withdrawn", "withdrawn_reason": fact.reason})


def household_registered(event: Recorded) -> Iterable[Assertion]:
    fact: HouseholdRegistered = event.fact
    values = {"list": fact.list, "division_code": fact.division_code, "household_type": fact.household_type}
    yield _row(event, HOUSEHOLDS, values)


def _membership(household_id: UUID, member_id: UUID) -> UUID:
    # Both ids are keyed already; the derivation only has to repeat.
    return keyed_id(b"household membership", str(household_id), str(member_id))


def member_joined(event: Recorded) -> Iterable[Assertion]:
    fact: HouseholdMemberJoined = event.fact
    personal = fact.personal
    values = {
        "household_id": event.stream_id,
        "member_id": fact.member_id,
        "student_id": fact.student_id,
        "division_code": fact.division_code,
        "relation": fact.relation,
        "head": fact.head,
        "belongs": True,
        "name": personal.name if personal else None,
        "id_number": personal.id_number if personal else None,
    }
    yield Assertion(MEMBERS, _membership(event.stream_id, fact.member_id), event.effective_on, values)


def member_left(event: Recorded) -> Iterable[Assertion]:
    entity = _membership(event.stream_id, event.fact.member_id)
    yield Assertion(MEMBERS, entity, event.effective_on, {"belongs": False})


def head_changed(event: Recorded) -> Iterable[Assertion]:
    fact: HouseholdHeadChanged = event.fact
    for member_id, head in ((fact.former_head_id, False), (fact.member_id, True)):
        if member_id is not None:
            entity = _membership(event.stream_id, member_id)
            yield Assertion(MEMBERS, entity, event.effective_on, {"head": head})


def household_merged(event: Recorded) -> Iterable[Assertion]:
    yield _row(event, HOUSEHOLDS, {"merged_into": event.fact.into_household_id})


def household_moved(event: Recorded) -> Iterable[Assertion]:
    fact: HouseholdMoved = event.fact
    place = {"division_code": fact.division_code}
    yield _row(event, HOUSEHOLDS, place | {"address": fact.personal.address if fact.personal else None})
    for member_id in fact.member_ids:
        yield Assertion(MEMBERS, _membership(event.stream_id, member_id), event.effective_on, place)


def household_entered(event: Recorded) -> Iterable[Assertion]:
    kind = {"household_type": event.fact.household_type}
    yield _row(event, HOUSEHOLDS, kind | {"on_register": True, "register_reason": None})


def household_left(event: Recorded) -> Iterable[Assertion]:
    yield _row(event, HOUSEHOLDS, {"on_register": False, "register_reason": event.fact.reason})


def personal_data_read(event: Recorded) -> Iterable[Assertion]:
    fact: PersonalDataRead = event.fact
    values = {
        "viewer": fact.viewer,
        "student_id": fact.student_id,
        "purpose": fact.purpose,
        "fields": list(fact.fields),
        "read_at": event.recorded_at,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(READS, event.event_id, event.effective_on, values)


FOLDS: dict[type[Fact], Any] = {
    **REFERENCE_FOLDS,
    StudentEnrolled: student_enrolled,
    StudentPlaced: student_placed,
    StudentTransferredOut: student_transferred_out,
    StudentAcceptedElsewhere: student_accepted_elsewhere,
    StudentLeft: student_left,
    StudentSuspensionExtended: suspension_extended,
    StudentDetailsCorrected: student_corrected,
    ListEntryAdded: entry_stated,
    ListEntryCorrected: entry_stated,
    ListEntryRemoved: entry_removed,
    ListSubmissionOpened: submission_opened,
    ListSubmissionReceived: submission_received,
    ListSubmissionHeld: submission_held,
    ListSubmissionConfirmed: submission_confirmed,
    ListSubmissionWithdrawn: submission_withdrawn,
    HouseholdRegistered: household_registered,
    HouseholdMemberJoined: member_joined,
    HouseholdMemberLeft: member_left,
    HouseholdHeadChanged: head_changed,
    HouseholdMerged: household_merged,
    HouseholdMoved: household_moved,
    HouseholdEnteredRegister: household_entered,
    HouseholdLeftRegister: household_left,
    PersonalDataRead: personal_data_read,
    **LIFE_FOLDS,
    **TERM_FOLDS,
    **REQUEST_FOLDS,
}

_OF_STUDENTS = (SCHOOLS, STUDENTS, HOUSEHOLDS, MEMBERS, READS, ATTENDANCE, ABSENCES, REQUESTS)
_TABLES = (*_OF_STUDENTS, ENTRIES, SUBMISSIONS, DIVISIONS, CALENDARS, TERM_PLANS, TERM_TASKS)
REGISTER = Projection("register", _TABLES, FOLDS)
