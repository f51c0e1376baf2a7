"""The policy that raises and withdraws alerts, for every child whom a batch of events touches.

It reads only its own memory and the alerts' streams, and appends in the batch's own transaction. One lock orders its
transactions: the registry's and matching's word on one child may arrive on two workers at the same moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.commands import CloseReturned, RaiseAlert, WithdrawAlert
from services.notifications.delivery.agencies import tell_of_silences
from services.notifications.domain import Alert, close_returned, evolve, raise_alert, withdraw
from services.notifications.events import AlertKind
from services.notifications.signals.absences import KINDS, Intent, absence_intents
from services.notifications.signals.folds import WATCHING_FOLDS, WATCHING_TABLES
from services.notifications.signals.memory import (
    Calendars,
    InForce,
    calendars_on,
    opened_day,
    rows_of,
    rules_on,
    standing,
)
from services.notifications.signals.reasons import Reason, Schooling, listed_reason, student_reasons
from services.notifications.signals.silence import ended_silence, open_silences, silent_classes
from services.notifications.signals.tasks import Task, packed, tasks_of
from services.notifications.signals.touching import touched
from services.notifications.streams import Streams
from services.registry.events import ClassAttendanceReported
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.store import EventStore, Proposed
from shared.messaging.policy import policy_command
from shared.standards.division import scope

NAME = "watching"
STUDENT_KINDS: tuple[AlertKind, ...] = ("left_without_acceptance", "dropped_out")
_LOCK = 0x7761746368
_BY_NAME = {
    "enrolled": "enrolled_again",
    "accepted_elsewhere": "accepted_elsewhere",
    "linked": "found_in_register",
    "review": "being_reviewed",
    "": "left_the_list",
}


Who = UUID | str
Intents = dict[Who, list[tuple[UUID, Intent]]]


@dataclass(frozen=True)
class Watching:
    """The policy with what it needs. ``division`` is the installation's: who answers for a child without a school."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        return Projection(NAME, WATCHING_TABLES, WATCHING_FOLDS, after=self.react, touched=touched)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Look at everyone these events touch, and tell of agencies that are silent."""
        tell_of_silences(connection, self.streams, self.division, events)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        today = opened_day(connection)
        in_force = None if today is None else rules_on(connection, today)
        if today is None or in_force is None:
            return  # the first day opens in a moment, and then everyone is looked at
        calendars = calendars_on(connection, today)
        for tasks in packed(tasks_of(connection, events, today, in_force.rules)):
            students = [student for task in tasks for student in task.students]
            children = [child for task in tasks for child in task.children]
            schools = [school for task in tasks for school in task.schools]
            intents = self._about_students(connection, students, in_force, calendars, today, _cleared(tasks))
            intents |= self._about_children(connection, children, in_force, today)
            intents |= self._about_classes(connection, schools, in_force, calendars, today)
            self._settle(connection, tasks, intents)

    def _settle(self, connection: Connection, tasks: Sequence[Task], intents: Intents) -> None:
        """Append what these intents change, in one command per task."""
        by_stream = dict(pair for pairs in intents.values() for pair in pairs)
        alerts = self._alerts(connection, list(by_stream))
        changing = [s for s, each in by_stream.items() if not isinstance(each, RaiseAlert) or each.restates]
        open_ones = [stream for stream in changing if alerts[stream].open]
        self.streams.lock(connection, open_ones)
        alerts |= self._alerts(connection, open_ones)
        for task in tasks:
            proposed: list[Proposed] = []
            touched: tuple[UUID | str, ...] = (*task.students, *task.children, *task.schools)
            for who in touched:
                for stream_id, intent in intents.get(who, ()):
                    proposed += _proposed(stream_id, alerts[stream_id], intent, task.cause)
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

    def _open_of(self, connection: Connection, students: Sequence[UUID]) -> dict[UUID, dict[AlertKind, UUID]]:
        """Student → kind → the stream of an open alert about her absence, by the streams themselves."""
        streams = {(student, kind): self.streams.alert(kind, student) for student in students for kind in KINDS}
        alerts = self._alerts(connection, list(streams.values()))
        found: dict[UUID, dict[AlertKind, UUID]] = {}
        for (student, kind), stream in streams.items():
            if alerts[stream].open:
                found.setdefault(student, {})[kind] = stream
        return found

    def _about_students(
        self,
        connection: Connection,
        students: Sequence[UUID],
        in_force: InForce,
        calendars: Calendars,
        today: date,
        cleared: Sequence[UUID],
    ) -> Intents:
        """Student → what should become of each alert's stream about this student."""

        def raising(kind: AlertKind, place: Schooling, reason: Reason) -> RaiseAlert:
            return self._raise(
                kind,
                reason,
                in_force,
                today,
                division_code=place.division_code,
                school_code=place.school_code,
                student_id=place.student_id,
            )

        intents: Intents = {}
        known = standing(connection, students, today) if students else {}
        for student, place in known.items():
            own = calendars.of(place.division_code or self.division, place.school_code)
            reasons = student_reasons(place, in_force.rules, today, own)
            for kind in STUDENT_KINDS:
                intent: Intent
                if kind in reasons:
                    intent = raising(kind, place, reasons[kind])
                else:
                    reason, awaited = _BY_NAME.get(place.status, place.status), place.status == "transferred_out"
                    stands = place.event_id if awaited else None
                    intent = WithdrawAlert(reason, (place.event_id,), today, unless_raised_on=stands)
                intents.setdefault(student, []).append((self.streams.alert(kind, student), intent))

        untold = self._open_of(connection, [student for student in cleared if student in known])
        for student, found in absence_intents(connection, known, in_force, calendars, today, raising, untold).items():
            pairs = [(self.streams.alert(kind, student), intent) for kind, intent in found]
            intents.setdefault(student, []).extend(pairs)
        return intents

    def _about_classes(
        self, connection: Connection, schools: Sequence[str], in_force: InForce, calendars: Calendars, today: date
    ) -> Intents:
        """School → what should become of the alerts about its classes."""
        if not schools:
            return {}
        intents: Intents = {school: [] for school in schools}
        silent = silent_classes(connection, in_force, calendars, today, schools)
        standing_on = set()
        for key, each in silent.items():
            stream = self.streams.silent_class(key.school_code, key.subject)
            standing_on.add(stream)
            alert = self._raise(
                "class_silent",
                each.reason,
                in_force,
                today,
                division_code=each.division_code,
                school_code=key.school_code,
                subject=key.subject,
            )
            intents[key.school_code].append((stream, alert))
        for open_one in open_silences(connection, schools):
            if open_one.alert_id not in standing_on:
                ending = ended_silence(connection, open_one, today)
                intents[open_one.school_code].append((open_one.alert_id, ending))
        return intents

    def _about_children(
        self, connection: Connection, children: Sequence[UUID], in_force: InForce, today: date
    ) -> Intents:
        """Listed child → what should become of the alert's stream about this child."""
        intents: Intents = {}
        for child, rows in rows_of(connection, children).items():
            if not rows:
                continue
            reason = listed_reason(rows)
            intent: Intent
            if reason is not None:
                first = next(row for row in rows if row.event_id == reason.evidence[0])
                intent = self._raise(
                    "listed_but_unenrolled",
                    reason,
                    in_force,
                    today,
                    division_code=first.division_code,
                    school_code=first.school_code,
                    entry_id=first.entry_id,
                )
            else:
                last = max(rows, key=lambda row: str(row.event_id))  # event ids are ordered by time
                intent = WithdrawAlert(_BY_NAME.get(last.state, last.state), (last.event_id,), today)
            intents[child] = [(self.streams.alert("listed_but_unenrolled", child), intent)]
        return intents

    def _raise(
        self,
        kind: AlertKind,
        reason: Reason,
        in_force: InForce,
        today: date,
        *,
        division_code: str | None,
        school_code: str | None,
        student_id: UUID | None = None,
        entry_id: UUID | None = None,
        subject: str | None = None,
    ) -> RaiseAlert:
        """The alert of ``kind`` for ``reason``, answered for in ``division_code``."""
        return RaiseAlert(
            kind=kind,
            student_id=student_id,
            entry_id=entry_id,
            subject=subject,
            division_code=self._answerable(division_code),
            school_code=school_code,
            since=reason.since,
            evidence=reason.evidence,
            rules_hash=in_force.content_hash,
            explanation_code=reason.explanation_code,
            facts=reason.facts,
            on=today,
            grounds=reason.grounds,
            latest=reason.latest,
            restates=reason.restates,
        )

    def _answerable(self, division_code: str | None) -> str:
        """A child registered elsewhere, or nobody knows where, is still this county's to find: it is listed here."""
        inside = division_code is not None and division_code.startswith(scope(self.division))
        return division_code if inside and division_code is not None else self.division


def _cleared(tasks: Sequence[Task]) -> list[UUID]:
    """Whom a corrected report no longer names: what its first wording raised may not have been told back yet."""
    reports = {task.cause.event_id: task.cause.fact for task in tasks}.values()
    return sorted({child for fact in reports if isinstance(fact, ClassAttendanceReported) for child in fact.cleared})


def _proposed(stream_id: UUID, alert: Alert, intent: Intent, cause: Recorded) -> Iterator[Proposed]:
    match intent:
        case RaiseAlert():
            decided = raise_alert(alert, intent)
        # What the policy has no other word for (days told by a class that is not hers any more, a reason that fell
        # away) is named by the event that made it look.
        case CloseReturned():
            decided = close_returned(alert, replace(intent, evidence=intent.evidence or (cause.event_id,)))
        case WithdrawAlert():
            decided = withdraw(alert, replace(intent, evidence=intent.evidence or (cause.event_id,)))
    for fact, effective_on in decided:
        yield Proposed(stream_id, alert.version, fact, effective_on)
