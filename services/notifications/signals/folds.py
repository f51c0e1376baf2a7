"""What the watching policy remembers, one small pure function per fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from services.matching.events import EntryUnmatched, EntryWithdrawn, LinkConfirmed, LinkWithdrawn, ReviewOpened
from services.notifications.events import AlertRulesActivated, DayOpened
from services.notifications.signals.attendance_folds import ATTENDANCE_FOLDS, ATTENDANCE_TABLES
from services.notifications.tables import (
    ALWAYS,
    CALENDARS,
    DAYS,
    DECISIONS,
    LISTED,
    RULES,
    SCHOOLING,
)
from services.registry.events import (
    AgencySilent,
    ListEntryAdded,
    ListEntryCorrected,
    SchoolCalendarActivated,
    StudentAcceptedElsewhere,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPersonal,
    StudentPlaced,
    StudentSuspensionExtended,
    StudentTransferredOut,
)
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact
from shared.standards.age import compulsory_period

THE_CLOCK, THE_RULES = UUID(int=0), UUID(int=1)


def _standing(event: Recorded, status: str) -> dict[str, Any]:
    due_back = getattr(event.fact, "due_back", None)
    return {"status": status, "since": event.effective_on, "event_id": event.event_id, "due_back": due_back}


def _compulsory(personal: StudentPersonal | None) -> dict[str, Any]:
    """The years of compulsory schooling, never the birth date itself."""
    if personal is None:
        return {"compulsory_from": None, "compulsory_to": None}
    if personal.birth_date is None:
        return {}
    begins, ends = compulsory_period(personal.birth_date)
    return {"compulsory_from": begins, "compulsory_to": ends}


def _place(fact: StudentEnrolled | StudentPlaced) -> dict[str, Any]:
    return {
        "stage": fact.stage,
        "grade": fact.grade,
        "class_name": fact.class_name,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    values = _standing(event, "enrolled") | _place(event.fact) | _compulsory(event.fact.personal)
    yield Assertion(SCHOOLING, event.stream_id, event.effective_on, values)


def student_placed(event: Recorded) -> Iterable[Assertion]:
    # The school may be another one that took hers over, or its division bear another code.
    yield Assertion(SCHOOLING, event.stream_id, event.effective_on, _place(event.fact))


def student_transferred_out(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(SCHOOLING, event.stream_id, event.effective_on, _standing(event, "transferred_out"))


def student_accepted_elsewhere(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(SCHOOLING, event.stream_id, event.effective_on, _standing(event, "accepted_elsewhere"))


def student_left(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(SCHOOLING, event.stream_id, event.effective_on, _standing(event, event.fact.reason))


def suspension_extended(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(SCHOOLING, event.stream_id, event.effective_on, {"due_back": event.fact.due_back})


def student_corrected(event: Recorded) -> Iterable[Assertion]:
    if values := _compulsory(event.fact.personal):
        yield Assertion(SCHOOLING, event.stream_id, event.effective_on, values)


def _named(event: Recorded) -> dict[str, Any]:
    """The same child as on other lists, also after an erasure; a row about nobody stands for itself."""
    return {"person_id": event.person_id or event.stream_id}


def entry_listed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(LISTED, event.stream_id, ALWAYS, _named(event) | {"listed_by": event.event_id})


def entry_corrected(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(LISTED, event.stream_id, ALWAYS, _named(event))


def _decided(event: Recorded, state: str) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "state": state,
        "school_age": getattr(fact, "school_age", False),
        "list": fact.list,
        "since": event.effective_on,
        "event_id": event.event_id,
        "division_code": getattr(fact, "division_code", None),
        "school_code": getattr(fact, "school_code", None),
    }
    yield Assertion(DECISIONS, fact.entry_id, ALWAYS, values)


def entry_unmatched(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, event.fact.state)


def link_confirmed(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, "linked")


def review_opened(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, "review")


def entry_withdrawn(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, "")


def link_withdrawn(event: Recorded) -> Iterable[Assertion]:
    for assertion in _decided(event, ""):
        yield assertion._replace(values=assertion.values | {"lost_by": event.event_id})


def rules_activated(event: Recorded) -> Iterable[Assertion]:
    values = {"content": event.fact.content, "content_hash": event.fact.content_hash}
    yield Assertion(RULES, THE_RULES, event.effective_on, values)


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


WATCHING_TABLES = (SCHOOLING, LISTED, DECISIONS, RULES, CALENDARS, DAYS, *ATTENDANCE_TABLES)


def agency_silent(event: Recorded) -> Iterable[Assertion]:
    return ()  # nothing to remember: it is told (delivery/agencies.py)


WATCHING_FOLDS: Mapping[type[Fact], Fold] = {
    StudentEnrolled: student_enrolled,
    StudentPlaced: student_placed,
    StudentTransferredOut: student_transferred_out,
    StudentAcceptedElsewhere: student_accepted_elsewhere,
    StudentLeft: student_left,
    StudentSuspensionExtended: suspension_extended,
    StudentDetailsCorrected: student_corrected,
    ListEntryAdded: entry_listed,
    ListEntryCorrected: entry_corrected,
    EntryUnmatched: entry_unmatched,
    LinkConfirmed: link_confirmed,
    LinkWithdrawn: link_withdrawn,
    ReviewOpened: review_opened,
    EntryWithdrawn: entry_withdrawn,
    AlertRulesActivated: rules_activated,
    SchoolCalendarActivated: calendar_activated,
    DayOpened: day_opened,
    AgencySilent: agency_silent,
    **ATTENDANCE_FOLDS,
}
