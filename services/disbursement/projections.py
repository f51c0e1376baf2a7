"""Folds of disbursement, one small pure function per fact. The policy's memory is in entitling.py's projection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from services.disbursement.events import (
    AidDisbursed,
    DayOpened,
    EntitlementGranted,
    EntitlementWithdrawn,
    ProgrammeActivated,
)
from services.disbursement.letter_events import ChildAskedAbout, InquiryDecided, InquiryDropped, ReplyRecorded
from services.disbursement.letters.letter_folds import LETTER_FOLDS
from services.disbursement.letters.letter_tables import LETTER_TABLES
from services.disbursement.proving import category_of
from services.disbursement.schedule import pay_by
from services.disbursement.tables import (
    ALWAYS,
    ASKED,
    CALENDARS,
    COVERS,
    DAYS,
    ENTITLEMENTS,
    LINK_ENDS,
    LINKS,
    PAYEES,
    PAYMENTS,
    PROGRAMMES,
    SCHOOLS,
    STUDENTS,
)
from services.matching.events import LinkConfirmed, LinkWithdrawn, MemberCovered, MemberCoverWithdrawn
from services.registry.events import (
    SchoolCalendarActivated,
    SchoolRegistered,
    StudentAcceptedElsewhere,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPersonal,
    StudentPlaced,
    StudentTransferredOut,
)
from shared.eventsourcing.periods import FOREVER
from shared.eventsourcing.projection import Assertion, Fold, Projection, Recorded
from shared.kernel.clock import SHANGHAI
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id
from shared.kernel.masking import mask_name, mask_number

THE_CLOCK = UUID(int=0)

# Why a link ends without ever having been wrong: the row left its list, or the student left the ages of aid. Every
# other reason means that it was never true of this student.
TOO_OLD = "age"
EXITS = frozenset({"missing_from_snapshot", "withdrawn_by_agency", "died", "entry_removed", TOO_OLD})


def student_placed(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "enrolled": True,
        "stage": fact.stage,
        # Unknown counts as not boarding: the lower rate, until somebody says otherwise.
        "boarder": bool(fact.boarder),
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, values)


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    for assertion in student_placed(event):
        yield assertion._replace(values=assertion.values | {"enrolment": event.event_id})


def student_gone(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, {"enrolled": False})


def link_confirmed(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "entry_id": fact.entry_id,
        "student_id": fact.student_id,
        "category": category_of(fact),
        "holds_from": fact.valid_from or event.effective_on,
        "holds_to": fact.valid_to or FOREVER,
    }
    yield Assertion(LINKS, event.event_id, ALWAYS, values)
    # A row stated anew replaces what it said before, from the day it says so.
    replaced = {"entry_id": fact.entry_id, "student_id": fact.student_id, "ended_on": event.effective_on}
    yield Assertion(LINK_ENDS, event.event_id, ALWAYS, replaced | {"never_true": False})


def link_withdrawn(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "entry_id": fact.entry_id,
        "student_id": fact.student_id,
        # Who grew too old did so by the day it was noticed; the event is dated by the row, which stands unchanged.
        "ended_on": event.recorded_at.astimezone(SHANGHAI).date() if fact.reason == TOO_OLD else event.effective_on,
        "never_true": fact.reason not in EXITS,
    }
    yield Assertion(LINK_ENDS, event.event_id, ALWAYS, values)


def _cover(fact: MemberCovered | MemberCoverWithdrawn) -> UUID:
    # The ids are keyed already; the derivation only has to repeat.
    day = fact.covered_from.isoformat()
    return keyed_id(b"member cover", str(fact.entry_id), str(fact.student_id), day)


def member_covered(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "student_id": fact.student_id,
        "category": category_of(fact),
        "holds_from": max(fact.covered_from, fact.valid_from or fact.covered_from),
        "holds_to": min(fact.covered_to or FOREVER, fact.valid_to or FOREVER),
        "stands": True,
        "event_id": event.event_id,
    }
    yield Assertion(COVERS, _cover(fact), ALWAYS, values)


def member_cover_withdrawn(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(COVERS, _cover(event.fact), ALWAYS, {"stands": False})


def programme_activated(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"programme": fact.programme, "content": fact.content, "content_hash": fact.content_hash}
    yield Assertion(PROGRAMMES, event.stream_id, event.effective_on, values)


def calendar_activated(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolCalendarActivated = event.fact
    values = {
        "place": fact.division_code,
        "school": fact.school_code,
        "school_year": fact.school_year,
        "content": fact.content,
    }
    yield Assertion(CALENDARS, event.stream_id, event.effective_on, values)


def day_opened(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(DAYS, THE_CLOCK, ALWAYS, {"day": event.fact.day})


def child_asked_about(event: Recorded) -> Iterable[Assertion]:
    fact: ChildAskedAbout = event.fact
    values = {name: getattr(fact, name) for name in ("child_id", "term", "category", "stage", "division_code")}
    values |= {"evidence": list(fact.evidence), "aided": None, "answered_on": None, "event_id": None}
    yield Assertion(ASKED, event.stream_id, ALWAYS, values)


def inquiry_dropped(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(ASKED, event.stream_id, ALWAYS, {"aided": None, "answered_on": None, "event_id": None})


def answered_elsewhere(event: Recorded) -> Iterable[Assertion]:
    fact: ReplyRecorded | InquiryDecided = event.fact
    values: dict[str, Any] = {"aided": fact.aided, "answered_on": event.effective_on, "event_id": event.event_id}
    if isinstance(fact, ReplyRecorded) and fact.stage is not None:
        values["stage"] = fact.stage
    yield Assertion(ASKED, event.stream_id, ALWAYS, values)


ENTITLING_TABLES = (STUDENTS, LINKS, LINK_ENDS, COVERS, ASKED, PROGRAMMES, CALENDARS, DAYS)
ENTITLING_FOLDS: Mapping[type[Fact], Fold] = {
    StudentEnrolled: student_enrolled,
    StudentPlaced: student_placed,
    StudentTransferredOut: student_gone,
    StudentLeft: student_gone,
    LinkConfirmed: link_confirmed,
    LinkWithdrawn: link_withdrawn,
    MemberCovered: member_covered,
    MemberCoverWithdrawn: member_cover_withdrawn,
    ProgrammeActivated: programme_activated,
    SchoolCalendarActivated: calendar_activated,
    ChildAskedAbout: child_asked_about,
    InquiryDropped: inquiry_dropped,
    ReplyRecorded: answered_elsewhere,
    InquiryDecided: answered_elsewhere,
    DayOpened: day_opened,
}


def entitlement_granted(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "student_id": fact.student_id,
        "programme": fact.programme,
        "term": fact.term,
        "amount_fen": fact.amount_fen,
        "stage": fact.stage,
        "boarder": fact.boarder,
        "granted": True,
        "withdrawn_reason": None,
        "evidence": list(fact.evidence),
        "pay_by": None if fact.term_begins is None else pay_by(fact.term_begins),
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(ENTITLEMENTS, event.stream_id, event.effective_on, values)


def entitlement_withdrawn(event: Recorded) -> Iterable[Assertion]:
    values = {"granted": False, "withdrawn_reason": event.fact.reason}
    yield Assertion(ENTITLEMENTS, event.stream_id, event.effective_on, values)


def aid_disbursed(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "student_id": fact.student_id,
        "programme": fact.programme,
        "term": fact.term,
        "amount_fen": fact.amount_fen,
        "paid_on": fact.paid_on,
        "reference": fact.reference,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(PAYMENTS, event.stream_id, event.effective_on, values)


_PLACE = ("stage", "grade", "class_name", "division_code", "school_code")


def _named(personal: StudentPersonal | None) -> dict[str, Any]:
    """Nothing after an erasure."""
    if personal is None:
        return dict.fromkeys(("name", "id_number", "name_masked", "number_masked"))
    masked = {"name_masked": mask_name(personal.name), "number_masked": mask_number(personal.id_number)}
    return masked | {"name": personal.name, "id_number": personal.id_number}


def payee_enrolled(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {name: getattr(fact, name) for name in _PLACE} | _named(fact.personal)
    yield Assertion(PAYEES, event.stream_id, event.effective_on, values | _HERE | {"person_id": event.person_id})


def payee_placed(event: Recorded) -> Iterable[Assertion]:
    """The school may be another one that took hers over, or its division bear another code."""
    values = {name: getattr(event.fact, name) for name in _PLACE}
    yield Assertion(PAYEES, event.stream_id, event.effective_on, values)


_HERE: dict[str, Any] = {"elsewhere": False, "destination": None, "destination_school": None}


def payee_transferred(event: Recorded) -> Iterable[Assertion]:
    fact: StudentTransferredOut = event.fact
    if fact.destination_kind == "in_division":
        yield Assertion(PAYEES, event.stream_id, event.effective_on, _HERE)
        return
    values = {"elsewhere": True, "destination": fact.destination_division_code, "destination_school": None}
    yield Assertion(PAYEES, event.stream_id, event.effective_on, values)


def payee_accepted(event: Recorded) -> Iterable[Assertion]:
    fact: StudentAcceptedElsewhere = event.fact
    place = {"destination": fact.destination_division_code, "destination_school": fact.destination_school}
    values = {"elsewhere": True} | place
    yield Assertion(PAYEES, event.stream_id, event.effective_on, values)


def payee_left(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(PAYEES, event.stream_id, event.effective_on, _HERE)


def payee_corrected(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(PAYEES, event.stream_id, event.effective_on, _named(event.fact.personal))


def school_registered(event: Recorded) -> Iterable[Assertion]:
    values = {"code": event.fact.school_code, "name": event.fact.name}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


PAYMENTS_VIEW = Projection(
    "payments",
    (ENTITLEMENTS, PAYMENTS, PAYEES, SCHOOLS, *LETTER_TABLES),
    {
        **LETTER_FOLDS,
        EntitlementGranted: entitlement_granted,
        EntitlementWithdrawn: entitlement_withdrawn,
        AidDisbursed: aid_disbursed,
        StudentEnrolled: payee_enrolled,
        StudentPlaced: payee_placed,
        StudentDetailsCorrected: payee_corrected,
        StudentTransferredOut: payee_transferred,
        StudentAcceptedElsewhere: payee_accepted,
        StudentLeft: payee_left,
        SchoolRegistered: school_registered,
    },
    halts=True,
)
