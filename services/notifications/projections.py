"""Folds of notifications that people read, one small pure function per fact; the policy's memory is in signals/."""

from __future__ import annotations

from collections.abc import Iterable

from services.notifications.events import AlertClosed, AlertRaised, AlertSeen, AlertWithdrawn
from services.notifications.tables import ALERTS, CHILDREN, SCHOOLS
from services.registry.events import SchoolRegistered, StudentDetailsCorrected, StudentEnrolled, StudentPlaced
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.masking import mask_name


def alert_raised(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "kind": fact.kind,
        "state": "open",
        "student_id": fact.student_id,
        "entry_id": fact.entry_id,
        "subject": fact.subject,
        "since": fact.since,
        "raised_on": event.effective_on,
        "raised_at": event.recorded_at,
        "explanation_code": fact.explanation_code,
        "facts": fact.facts,
        "evidence": list(fact.evidence),
        "seen_by": None,
        "ended_reason": None,
        "ended_evidence": None,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(ALERTS, event.stream_id, event.effective_on, values)


def alert_seen(event: Recorded) -> Iterable[Assertion]:
    values = {"state": "seen", "seen_by": event.logged.event.principal}
    yield Assertion(ALERTS, event.stream_id, event.effective_on, values)


def alert_withdrawn(event: Recorded) -> Iterable[Assertion]:
    evidence = ",".join(str(each) for each in event.fact.evidence)
    values = {"state": "withdrawn", "ended_reason": event.fact.reason, "ended_evidence": evidence}
    yield Assertion(ALERTS, event.stream_id, event.effective_on, values)


def alert_closed(event: Recorded) -> Iterable[Assertion]:
    values = {"state": "closed", "ended_reason": event.fact.reason, "ended_evidence": event.fact.evidence}
    yield Assertion(ALERTS, event.stream_id, event.effective_on, values)


def child_enrolled(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"division_code": fact.division_code, "school_code": fact.school_code}
    if fact.personal is not None:
        values["name_masked"] = mask_name(fact.personal.name)
    yield Assertion(CHILDREN, event.stream_id, event.effective_on, values)


def child_placed(event: Recorded) -> Iterable[Assertion]:
    values = {"division_code": event.fact.division_code, "school_code": event.fact.school_code}
    yield Assertion(CHILDREN, event.stream_id, event.effective_on, values)


def child_corrected(event: Recorded) -> Iterable[Assertion]:
    if event.fact.personal is not None:
        values = {"name_masked": mask_name(event.fact.personal.name)}
        yield Assertion(CHILDREN, event.stream_id, event.effective_on, values)


def school_registered(event: Recorded) -> Iterable[Assertion]:
    values = {"code": event.fact.school_code, "name": event.fact.name}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


ALERTS_VIEW = Projection(
    "alerts",
    (ALERTS, CHILDREN, SCHOOLS),
    {
        AlertRaised: alert_raised,
        AlertSeen: alert_seen,
        AlertWithdrawn: alert_withdrawn,
        AlertClosed: alert_closed,
        StudentEnrolled: child_enrolled,
        StudentPlaced: child_placed,
        StudentDetailsCorrected: child_corrected,
        SchoolRegistered: school_registered,
    },
)
