"""Folds of notifications that people read, one small pure function per fact; the policies' memories are in signals/
and cases/."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.notifications.care.contacts import CONTACT_FOLDS, CONTACTS
from services.notifications.case_tables import CASE_PLANS
from services.notifications.cases.case_folds import CASE_FOLDS
from services.notifications.cases.circumstances import CIRCUMSTANCE_FOLDS, CIRCUMSTANCE_TABLES
from services.notifications.events import AbsenceDocumented, AbsenceDocumentWithdrawn
from services.notifications.signals.attendance_folds import absence_documented, document_withdrawn
from services.notifications.signals.folds import calendar_activated
from services.notifications.tables import ALERTS, CALENDARS, CHILDREN, DOCUMENTED, SCHOOLS
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
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.masking import mask_name
from shared.standards.age import compulsory_period

_PLACE = ("division_code", "school_code", "stage", "grade", "class_name", "left_behind")


def _about(personal: StudentPersonal | None) -> dict[str, Any]:
    """What is kept of a child's particulars; of the birth date only the years of compulsory schooling."""
    if personal is None:
        return {}
    begins, ends = compulsory_period(personal.birth_date) if personal.birth_date else (None, None)
    return {
        "name_masked": mask_name(personal.name),
        "person_id": personal.person_id,
        "guardian_id": personal.guardian_id,
        "compulsory_from": begins,
        "compulsory_to": ends,
    }


def _child(event: Recorded, **values: Any) -> Iterable[Assertion]:
    yield Assertion(CHILDREN, event.stream_id, event.effective_on, values)


def child_enrolled(event: Recorded) -> Iterable[Assertion]:
    placed = {name: getattr(event.fact, name) for name in _PLACE}
    return _child(event, status="enrolled", since=event.effective_on, **placed, **_about(event.fact.personal))


def child_placed(event: Recorded) -> Iterable[Assertion]:
    return _child(event, **{name: getattr(event.fact, name) for name in _PLACE})


def child_transferred_out(event: Recorded) -> Iterable[Assertion]:
    return _child(event, status="transferred_out", since=event.effective_on)


def child_accepted_elsewhere(event: Recorded) -> Iterable[Assertion]:
    return _child(event, status="accepted_elsewhere", since=event.effective_on)


def child_left(event: Recorded) -> Iterable[Assertion]:
    return _child(event, status=event.fact.reason, since=event.effective_on)


def child_corrected(event: Recorded) -> Iterable[Assertion]:
    if values := _about(event.fact.personal):
        return _child(event, **values)
    return ()


def school_registered(event: Recorded) -> Iterable[Assertion]:
    values = {"code": event.fact.school_code, "name": event.fact.name, "place": event.fact.division_code}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


ALERTS_VIEW = Projection(
    "alerts",
    (ALERTS, CHILDREN, SCHOOLS, CALENDARS, CASE_PLANS, DOCUMENTED, CONTACTS, *CIRCUMSTANCE_TABLES),
    {
        **CASE_FOLDS,
        **CIRCUMSTANCE_FOLDS,
        **CONTACT_FOLDS,
        StudentEnrolled: child_enrolled,
        StudentPlaced: child_placed,
        StudentTransferredOut: child_transferred_out,
        StudentAcceptedElsewhere: child_accepted_elsewhere,
        StudentLeft: child_left,
        StudentDetailsCorrected: child_corrected,
        SchoolRegistered: school_registered,
        SchoolCalendarActivated: calendar_activated,
        AbsenceDocumented: absence_documented,
        AbsenceDocumentWithdrawn: document_withdrawn,
    },
)
