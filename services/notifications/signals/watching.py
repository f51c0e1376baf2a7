"""The policy that raises and withdraws alerts, for every child whom a batch of events touches.

It reads only its own memory and the alerts' streams, and appends in the batch's own transaction. One lock orders its
transactions: the registry's and matching's word on one child may arrive on two workers at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.commands import RaiseAlert, WithdrawAlert
from services.notifications.domain import Alert, evolve, raise_alert, withdraw
from services.notifications.events import AlertKind, AlertRulesActivated, DayOpened
from services.notifications.signals.folds import WATCHING_FOLDS, WATCHING_TABLES
from services.notifications.signals.memory import (
    InForce,
    calendars_on,
    children_of,
    missing_children,
    opened_day,
    rows_of,
    rules_on,
    standing,
    students_to_look_at,
)
from services.notifications.signals.rules import ListedChild, Reason, Schooling, listed_reason, student_reasons
from services.notifications.streams import Streams
from services.registry.events import ListEntryAdded, ListEntryCorrected, SchoolCalendarActivated
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.store import EventStore, Proposed
from shared.messaging.policy import policy_command
from shared.standards.division import scope

NAME = "watching"
CHUNK_CHILDREN = 250
STUDENT_KINDS: tuple[AlertKind, ...] = ("left_without_acceptance", "dropped_out")
_LOCK = 0x7761746368
_BY_NAME = {
    "enrolled": "enrolled_again",
    "accepted_elsewhere": "accepted_elsewhere",
    "linked": "found_in_register",
    "review": "being_reviewed",
    "": "left_the_list",
}


Intent = RaiseAlert | WithdrawAlert


class Task(NamedTuple):
    """Students and listed children to look at because of one event; ``ordinal`` numbers the commands of that event."""

    cause: Recorded
    ordinal: int
    students: tuple[UUID, ...] = ()
    children: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Watching:
    """The policy with what it needs. ``division`` is the installation's: who answers for a child without a school."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        return Projection(NAME, WATCHING_TABLES, WATCHING_FOLDS, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Look at everyone these events touch."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        today = opened_day(connection)
        in_force = None if today is None else rules_on(connection, today)
        if today is None or in_force is None:
            return  # the first day opens in a moment, and then everyone is looked at
        for tasks in packed(tasks_of(connection, events, today)):
            students = [student for task in tasks for student in task.students]
            children = [child for task in tasks for child in task.children]
            intents = self._about_students(connection, students, in_force, today)
            intents |= self._about_children(connection, children, in_force, today)
            self._settle(connection, tasks, intents)

    def _settle(
        self, connection: Connection, tasks: Sequence[Task], intents: dict[UUID, list[tuple[UUID, Intent]]]
    ) -> None:
        """Append what these intents change, in one command per task."""
        by_stream = dict(pair for pairs in intents.values() for pair in pairs)
        alerts = self._alerts(connection, list(by_stream))
        endings = [stream for stream, intent in by_stream.items() if isinstance(intent, WithdrawAlert)]
        open_ones = [stream for stream in endings if alerts[stream].open]
        self.streams.lock(connection, open_ones)
        alerts |= self._alerts(connection, open_ones)
        for task in tasks:
            proposed: list[Proposed] = []
            for child in (*task.students, *task.children):
                for stream_id, intent in intents.get(child, ()):
                    proposed += _proposed(stream_id, alerts[stream_id], intent)
            if proposed:
                command = policy_command(NAME, task.cause, task.ordinal, NAME.encode())
                self.store.execute(connection, command, lambda: proposed)  # noqa: B023 (called before the next turn)

    def _alerts(self, connection: Connection, stream_ids: list[UUID]) -> dict[UUID, Alert]:
        if not stream_ids:
            return {}
        loaded = self.store.load_many(connection, stream_ids)
        return {
            stream_id: evolve((stored.fact, stored.event.effective_on) for stored in loaded[stream_id])
            for stream_id in stream_ids
        }

    def _about_students(
        self, connection: Connection, students: Sequence[UUID], in_force: InForce, today: date
    ) -> dict[UUID, list[tuple[UUID, Intent]]]:
        """Student → what should become of each alert's stream about this student."""
        intents: dict[UUID, list[tuple[UUID, Intent]]] = {}
        calendars = calendars_on(connection, today)
        for student, place in standing(connection, students, today).items():
            own = calendars.of(place.division_code or self.division, place.school_code)
            reasons = student_reasons(place, in_force.rules, today, own)
            for kind in STUDENT_KINDS:
                intent: Intent
                if kind in reasons:
                    intent = self._about_student(kind, place, reasons[kind], in_force, today)
                else:
                    reason, awaited = _BY_NAME.get(place.status, place.status), place.status == "transferred_out"
                    stands = place.event_id if awaited else None
                    intent = WithdrawAlert(reason, (place.event_id,), today, unless_raised_on=stands)
                intents.setdefault(student, []).append((self.streams.alert(kind, student), intent))
        return intents

    def _about_children(
        self, connection: Connection, children: Sequence[UUID], in_force: InForce, today: date
    ) -> dict[UUID, list[tuple[UUID, Intent]]]:
        """Listed child → what should become of the alert's stream about this child."""
        intents: dict[UUID, list[tuple[UUID, Intent]]] = {}
        for child, rows in rows_of(connection, children).items():
            if not rows:
                continue
            reason = listed_reason(rows)
            intent: Intent
            if reason is not None:
                intent = self._about_listed(rows, reason, in_force, today)
            else:
                last = max(rows, key=lambda row: str(row.event_id))  # event ids are ordered by time
                intent = WithdrawAlert(_BY_NAME.get(last.state, last.state), (last.event_id,), today)
            intents[child] = [(self.streams.alert("listed_but_unenrolled", child), intent)]
        return intents

    def _about_student(
        self, kind: AlertKind, place: Schooling, reason: Reason, in_force: InForce, today: date
    ) -> RaiseAlert:
        return RaiseAlert(
            kind=kind,
            student_id=place.student_id,
            entry_id=None,
            division_code=self._answerable(place.division_code),
            school_code=place.school_code,
            since=reason.since,
            evidence=reason.evidence,
            rules_hash=in_force.content_hash,
            explanation_code=reason.explanation_code,
            facts=reason.facts,
            on=today,
        )

    def _about_listed(self, rows: Sequence[ListedChild], reason: Reason, in_force: InForce, today: date) -> RaiseAlert:
        first = next(row for row in rows if row.event_id == reason.evidence[0])
        return RaiseAlert(
            kind="listed_but_unenrolled",
            student_id=None,
            entry_id=first.entry_id,
            division_code=self._answerable(first.division_code),
            school_code=first.school_code,
            since=reason.since,
            evidence=reason.evidence,
            rules_hash=in_force.content_hash,
            explanation_code=reason.explanation_code,
            facts=reason.facts,
            on=today,
            grounds=reason.grounds,
        )

    def _answerable(self, division_code: str | None) -> str:
        """A child registered elsewhere, or nobody knows where, is still this county's to find: it is listed here."""
        inside = division_code is not None and division_code.startswith(scope(self.division))
        return division_code if inside and division_code is not None else self.division


def tasks_of(connection: Connection, events: Sequence[Recorded], today: date) -> Iterator[Task]:
    """Whom to look at, in bounded sets: those whom time concerns when a day or rules begin, else who is touched."""
    students: dict[UUID, Recorded] = {}
    entries: dict[UUID, Recorded] = {}
    for event in events:
        if isinstance(event.fact, DayOpened | AlertRulesActivated):
            yield from _everyone(connection, event, today)
        elif isinstance(event.fact, SchoolCalendarActivated):
            continue  # counts from the next day that opens
        elif isinstance(event.fact, ListEntryAdded | ListEntryCorrected):
            entries[event.stream_id] = event
        elif event.service == "matching":
            entries[event.fact.entry_id] = event
        else:
            students[event.stream_id] = event
    for student, event in students.items():
        yield Task(event, 0, students=(student,))
    child_of = children_of(connection, list(entries))
    children = {child_of[entry]: event for entry, event in entries.items() if entry in child_of}
    for child, event in children.items():
        yield Task(event, 0, children=(child,))


def _everyone(connection: Connection, cause: Recorded, today: date) -> Iterable[Task]:
    after: UUID | None = None
    ordinal = 0
    while students := students_to_look_at(connection, today, after, CHUNK_CHILDREN):
        yield Task(cause, ordinal, students=tuple(students))
        after, ordinal = students[-1], ordinal + 1
    after = None
    while children := missing_children(connection, after, CHUNK_CHILDREN):
        yield Task(cause, ordinal, children=tuple(children))
        after, ordinal = children[-1], ordinal + 1


def packed(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """The tasks in sets of about CHUNK_CHILDREN, each child once: everyone is judged by the state after the batch, so
    once is enough."""
    seen: set[UUID] = set()
    pack: list[Task] = []
    count = 0
    for task in tasks:
        students = tuple(student for student in task.students if student not in seen)
        children = tuple(child for child in task.children if child not in seen)
        seen.update(students, children)
        pack.append(task._replace(students=students, children=children))
        count += len(students) + len(children)
        if count >= CHUNK_CHILDREN:
            yield pack
            pack, count = [], 0
    if pack:
        yield pack


def _proposed(stream_id: UUID, alert: Alert, intent: Intent) -> Iterator[Proposed]:
    decided = raise_alert(alert, intent) if isinstance(intent, RaiseAlert) else withdraw(alert, intent)
    for fact, effective_on in decided:
        yield Proposed(stream_id, alert.version, fact, effective_on)
