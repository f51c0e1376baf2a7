"""Whom to look at because of a batch of events, in bounded sets.

A report names few children, and of these few were absent often enough for a signal: only they are looked at, and those
of the class with an open alert. A late report may also complete the window of a child it does not name, so then every
child ever named by that class within reach is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.events import (
    AbsenceDocumented,
    AbsenceDocumentWithdrawn,
    AlertRaised,
    AlertRulesActivated,
    DayOpened,
)
from services.notifications.signals import to_look_at
from services.notifications.signals.absences import KINDS
from services.notifications.signals.attendance_memory import ClassKey
from services.notifications.signals.memory import children_of, missing_children, students_to_look_at
from services.notifications.signals.rules import AlertRules
from services.registry.events import (
    AgencySilent,
    ClassAttendanceReported,
    ListEntryAdded,
    ListEntryCorrected,
    SchoolCalendarActivated,
)
from services.visits.events import VisitLogged
from shared.eventsourcing.projection import Recorded

CHUNK_CHILDREN = 250
CHUNK_SCHOOLS = 8  # a command holds 1,000 events, a large school 120 classes


class Task(NamedTuple):
    """Students, listed children and schools (for their silent classes) to look at because of one event; ``ordinal``
    numbers the commands of that event."""

    cause: Recorded
    ordinal: int
    students: tuple[UUID, ...] = ()
    children: tuple[UUID, ...] = ()
    schools: tuple[str, ...] = ()


def tasks_of(connection: Connection, events: Sequence[Recorded], today: date, rules: AlertRules) -> Iterator[Task]:
    """Those whom time concerns when a day or rules begin, else who is touched."""
    students: dict[UUID, Recorded] = {}
    entries: dict[UUID, Recorded] = {}
    schools: dict[str, Recorded] = {}
    reports: list[Recorded] = []
    visits: dict[UUID, Recorded] = {}
    calendar: Recorded | None = None
    for event in events:
        match event.fact:
            case DayOpened() | AlertRulesActivated():
                yield from _everyone(connection, event, today, rules)
            case SchoolCalendarActivated():
                calendar = event
            case ClassAttendanceReported():
                reports.append(event)
            case AbsenceDocumented() | AbsenceDocumentWithdrawn():
                students[event.fact.student_id] = event
            case VisitLogged():
                visits[event.fact.student_id] = event
            case AlertRaised():
                # A report that ends it may have come before the log told it back.
                if event.fact.kind in KINDS and event.fact.student_id is not None:
                    students[event.fact.student_id] = event
                elif event.fact.kind == "class_silent" and event.fact.school_code is not None:
                    schools[event.fact.school_code] = event
            case ListEntryAdded() | ListEntryCorrected():
                entries[event.stream_id] = event
            case AgencySilent():
                pass  # concerns no child (delivery/agencies.py)
            case _ if event.service == "matching":
                entries[event.fact.entry_id] = event
            case _ if event.service == "registry":
                students[event.stream_id] = event
    if calendar is not None and calendar.effective_on <= today:
        # Who left counts by another calendar from the next day that opens; days at school are judged anew at once.
        yield from _all_named(connection, calendar, today, rules, 0)
    taught = to_look_at.home_taught(connection, list(visits))
    students |= {student: event for student, event in visits.items() if student in taught}
    yield from (Task(event, 0, students=(student,)) for student, event in students.items())
    child_of = children_of(connection, list(entries))
    children = {child_of[entry]: event for entry, event in entries.items() if entry in child_of}
    yield from (Task(event, 0, children=(child,)) for child, event in children.items())
    yield from (Task(event, 0, schools=(school,)) for school, event in schools.items())
    yield from _reported(connection, reports, today, rules)


def _reported(connection: Connection, reports: Sequence[Recorded], today: date, rules: AlertRules) -> Iterator[Task]:
    reports = [event for event in reports if event.effective_on <= today]  # the rest when their day opens
    if not reports:
        return
    keys = {event.event_id: class_key(event.fact) for event in reports}
    since = min(event.effective_on for event in reports)
    late = to_look_at.with_later_reports(connection, {(keys[each.event_id], each.effective_on) for each in reports})
    known = to_look_at.ever_named(connection, {key for key, _ in late}, since, rules, today)
    named = {each for event in reports for ids in event.fact.absences.values() for each in ids}
    named |= {each for ids in known.values() for each in ids}
    often = to_look_at.named_often(connection, sorted(named), rules, since, today)
    open_in = to_look_at.with_open_alerts(connection, set(keys.values()), KINDS, today)
    silent = to_look_at.schools_with_silence(connection, {key.school_code for key in keys.values()})
    for event in reports:
        key = keys[event.event_id]
        wanted = {each for ids in event.fact.absences.values() for each in ids if each in often}
        if (key, event.effective_on) in late:
            wanted.update(often.intersection(known.get(key, ())))
        wanted.update(open_in.get(key, ()), event.fact.cleared)
        asked = event.effective_on < today or key.school_code in silent
        ordered = sorted(wanted)
        for ordinal, begin in enumerate(range(0, len(ordered), CHUNK_CHILDREN), 1):
            yield Task(event, ordinal, students=tuple(ordered[begin : begin + CHUNK_CHILDREN]))
        if asked:
            yield Task(event, 0, schools=(key.school_code,))


def class_key(fact: ClassAttendanceReported) -> ClassKey:
    """The class a report is about."""
    return ClassKey(fact.school_code, fact.stage or "", fact.grade, fact.class_name)


def _everyone(connection: Connection, cause: Recorded, today: date, rules: AlertRules) -> Iterator[Task]:
    after: UUID | None = None
    ordinal = 0
    while students := students_to_look_at(connection, today, after, CHUNK_CHILDREN):
        yield Task(cause, ordinal, students=tuple(students))
        after, ordinal = students[-1], ordinal + 1
    after = None
    while children := missing_children(connection, after, CHUNK_CHILDREN):
        yield Task(cause, ordinal, children=tuple(children))
        after, ordinal = children[-1], ordinal + 1
    first = isinstance(cause.fact, DayOpened) and cause.logged.event.version == 1
    if first or isinstance(cause.fact, AlertRulesActivated) or to_look_at.measured_anew(connection, today):
        for task in _all_named(connection, cause, today, rules, ordinal):
            yield task
            ordinal = task.ordinal + 1
    after = None
    while students := to_look_at.awaiting(connection, KINDS, today, after, CHUNK_CHILDREN):
        yield Task(cause, ordinal, students=tuple(students))
        after, ordinal = students[-1], ordinal + 1
    schools = to_look_at.reporting_schools(connection, today)
    for begin in range(0, len(schools), CHUNK_SCHOOLS):
        yield Task(cause, ordinal, schools=tuple(schools[begin : begin + CHUNK_SCHOOLS]))
        ordinal += 1


def _all_named(connection: Connection, cause: Recorded, today: date, rules: AlertRules, ordinal: int) -> Iterator[Task]:
    """Everyone named absent often enough: the measure is another one."""
    after: UUID | None = None
    while students := to_look_at.all_named_often(connection, rules, today, after, CHUNK_CHILDREN):
        yield Task(cause, ordinal, students=tuple(students))
        after, ordinal = students[-1], ordinal + 1


def packed(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """The tasks in sets of about CHUNK_CHILDREN, each child and school once: everyone is judged by the state after the
    batch, so once is enough."""
    seen: set[UUID | str] = set()
    pack: list[Task] = []
    count = 0
    for task in tasks:
        students = tuple(student for student in task.students if student not in seen)
        children = tuple(child for child in task.children if child not in seen)
        schools = tuple(school for school in task.schools if school not in seen)
        seen.update(students, children, schools)
        pack.append(task._replace(students=students, children=children, schools=schools))
        count += len(students) + len(children) + len(schools)
        if count >= CHUNK_CHILDREN:
            yield pack
            pack, count = [], 0
    if pack:
        yield pack
