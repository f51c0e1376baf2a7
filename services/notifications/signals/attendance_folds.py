"""What the watching policy remembers of days at school: classes that reported, children named, documents, visits.

A class and day is one stream, so the last report of it stands here whatever else came between. A child is named by a
class: should two classes name her on one day, which of them is hers is asked when she is judged, not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from services.notifications.events import AlertClosed, AlertRaised, AlertWithdrawn
from services.notifications.signal_events import AbsenceDocumented, AbsenceDocumentWithdrawn
from services.notifications.tables import ABSENCES, ALWAYS, CLASS_DAYS, DOCUMENTED, STANDING_ALERTS, VISITED
from services.registry.events import ClassAttendanceReported
from services.visits.events import VisitLogged
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact

_HALF = 1 << 64


def absence_id(class_day: UUID, student_id: UUID) -> UUID:
    """The row of a child in the reports of one class and day. Both ids are keyed or random already: their sum only has
    to repeat, and a digest for each of the day's absences would cost more than the rest of the fold."""
    return UUID(int=(class_day.int + student_id.int * 3) % (_HALF * _HALF))


def attendance_reported(event: Recorded) -> Iterable[Assertion]:
    fact: ClassAttendanceReported = event.fact
    day, stream = event.effective_on, event.stream_id
    yield Assertion(
        CLASS_DAYS,
        stream,
        ALWAYS,
        {
            "school_code": fact.school_code,
            "division_code": fact.division_code,
            "stage": fact.stage,
            "grade": fact.grade,
            "class_name": fact.class_name,
            "day": day,
            "members": fact.members,
            "absent": sum(len(ids) for ids in fact.absences.values()),
            "school_day": fact.school_day,
            "event_id": event.event_id,
            "reported_at": event.recorded_at,
        },
    )
    half_day = frozenset(fact.half_day)
    said: dict[UUID, str | None] = dict.fromkeys(fact.cleared)
    for reason, children in fact.absences.items():
        said |= dict.fromkeys(children, reason)
    for child, why in said.items():
        values = {
            "student_id": child,
            "day": day,
            "class_day": stream,
            "division_code": fact.division_code,
            "school_code": fact.school_code,
            "reason": why,
            "half_day": why is not None and child in half_day,
            "event_id": event.event_id,
        }
        yield Assertion(ABSENCES, absence_id(stream, child), ALWAYS, values)


def absence_documented(event: Recorded) -> Iterable[Assertion]:
    fact: AbsenceDocumented = event.fact
    names = ("student_id", "division_code", "school_code", "kind", "first_day", "last_day", "reference")
    values = {name: getattr(fact, name) for name in names} | {"event_id": event.event_id, "withdrawn": False}
    yield Assertion(DOCUMENTED, event.stream_id, ALWAYS, values)


def document_withdrawn(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(DOCUMENTED, event.stream_id, ALWAYS, {"withdrawn": True})


def visit_logged(event: Recorded) -> Iterable[Assertion]:
    fact: VisitLogged = event.fact
    if fact.outcome == "met":
        values = {"student_id": fact.student_id, "visited_on": fact.visited_on}
        yield Assertion(VISITED, event.stream_id, ALWAYS, values)


def alert_raised(event: Recorded) -> Iterable[Assertion]:
    fact: AlertRaised = event.fact
    names = ("kind", "student_id", "school_code", "subject", "since")
    values = {name: getattr(fact, name) for name in names} | {"open": True}
    yield Assertion(STANDING_ALERTS, event.stream_id, ALWAYS, values)


def alert_ended(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STANDING_ALERTS, event.stream_id, ALWAYS, {"open": False})


ATTENDANCE_TABLES = (CLASS_DAYS, ABSENCES, DOCUMENTED, VISITED, STANDING_ALERTS)
ATTENDANCE_FOLDS: Mapping[type[Fact], Fold] = {
    ClassAttendanceReported: attendance_reported,
    AbsenceDocumented: absence_documented,
    AbsenceDocumentWithdrawn: document_withdrawn,
    VisitLogged: visit_logged,
    AlertRaised: alert_raised,
    AlertWithdrawn: alert_ended,
    AlertClosed: alert_ended,
}
