"""Whom each event of a batch may concern, so that the alerts do not depend on where batches are cut (rounds.py).

More than the policy will look at, never less: a report touches its class and everyone it names, and, when it is of a
day that has ended, the silence of its whole school.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.events import (
    AbsenceDocumented,
    AbsenceDocumentWithdrawn,
    AlertRaised,
    AlertRulesActivated,
    DayOpened,
)
from services.notifications.signals.attendance_memory import ClassKey
from services.notifications.signals.memory import children_of, opened_day
from services.notifications.signals.tasks import class_key
from services.registry.events import (
    ClassAttendanceReported,
    ListEntryAdded,
    ListEntryCorrected,
    SchoolCalendarActivated,
    StudentEnrolled,
    StudentPlaced,
)
from services.visits.events import VisitLogged
from shared.database.arrays import UuidArray
from shared.eventsourcing.projection import Recorded
from shared.eventsourcing.rounds import Everything, Touched

_CLASSES_OF = text("""
SELECT DISTINCT entity, COALESCE(school_code, ''), COALESCE(stage, ''), COALESCE(grade, ''), COALESCE(class_name, '')
FROM schooling WHERE entity = ANY(:students)
""")

# A county tells many calendars at once, and each is a reason to judge everybody anew: once is enough.
_A_CALENDAR, _A_DAY = Everything("calendar"), Everything()


def touched(connection: Connection, events: Sequence[Recorded]) -> list[Touched]:
    """The subjects of each event; read before the batch is written."""
    today = opened_day(connection)
    reports = any(isinstance(event.fact, ClassAttendanceReported) for event in events)
    students = [event.stream_id for event in events if reports and _about_a_student(event)]
    classes = _classes_of(connection, students) if students else {}
    entries = [entry for event in events if (entry := _entry(event)) is not None]
    children = children_of(connection, entries) if entries else {}
    return [_subjects(event, today, classes, children) for event in events]


def _subjects(
    event: Recorded, today: date | None, classes: Mapping[UUID, Sequence[ClassKey]], children: Mapping[UUID, UUID]
) -> Touched:
    found: list[Hashable] = [event.stream_id]
    match event.fact:
        case DayOpened() | AlertRulesActivated():
            return _A_DAY
        case SchoolCalendarActivated():
            return _A_CALENDAR
        case ClassAttendanceReported() as fact:
            found += [class_key(fact), *fact.cleared, *(each for ids in fact.absences.values() for each in ids)]
            if today is not None and event.effective_on < today:
                found.append(fact.school_code)
        case AbsenceDocumented() | AbsenceDocumentWithdrawn() | VisitLogged():
            found.append(event.fact.student_id)
        case AlertRaised():
            found += [each for each in (event.fact.student_id, event.fact.school_code) if each is not None]
        case StudentEnrolled() | StudentPlaced() as fact:
            found.append(ClassKey(fact.school_code, fact.stage or "", fact.grade or "", fact.class_name or ""))
            found += classes.get(event.stream_id, ())
        case ListEntryAdded() | ListEntryCorrected() if event.fact.personal is not None:
            found.append(event.fact.personal.person_id)
        case _:
            found += classes.get(event.stream_id, ())
    entry = _entry(event)
    if entry is not None:
        found += [entry, children.get(entry)]
    return found


def _entry(event: Recorded) -> UUID | None:
    """The list row an event is about."""
    if isinstance(event.fact, ListEntryAdded | ListEntryCorrected):
        return event.stream_id
    return event.fact.entry_id if event.service == "matching" else None


def _about_a_student(event: Recorded) -> bool:
    others = ClassAttendanceReported | ListEntryAdded | ListEntryCorrected | SchoolCalendarActivated
    return event.service == "registry" and not isinstance(event.fact, others)


def _classes_of(connection: Connection, students: Sequence[UUID]) -> dict[UUID, list[ClassKey]]:
    """Student → every class she is known to have been in."""
    found: dict[UUID, list[ClassKey]] = defaultdict(list)
    for student, *key in connection.execute(_CLASSES_OF, {"students": UuidArray(students)}):
        found[student].append(ClassKey(*key))
    return found
