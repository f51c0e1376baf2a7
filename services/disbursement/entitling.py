"""The policy that grants and withdraws entitlements, for every student whom a batch of events touches.

It reads only its own memory and the entitlements' streams, and appends in the batch's own transaction, so each event
has its effect exactly once. One lock orders its transactions: a student's registration and a link to a list may arrive
on two workers at the same moment, and whoever comes second must see both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.disbursement.commands import GrantEntitlement
from services.disbursement.domain import Decided, Entitlement, evolve, held_now, qualified, qualified_elsewhere, settle
from services.disbursement.errors import NoRate
from services.disbursement.events import DayOpened, ProgrammeActivated
from services.disbursement.letter_events import ChildAskedAbout, InquiryDecided, InquiryDropped, ReplyRecorded
from services.disbursement.memory import (
    InForce,
    Remembered,
    linked_students,
    opened_day,
    programmes_on,
    remember,
)
from services.disbursement.projections import ENTITLING_FOLDS, ENTITLING_TABLES
from services.disbursement.schedule import Term, amount_fen, term_named, term_of
from services.disbursement.streams import Streams
from services.matching.events import LinkConfirmed, LinkWithdrawn, MemberCovered, MemberCoverWithdrawn
from services.registry.events import SchoolCalendarActivated
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.store import BATCH_LIMIT, EventStore, Proposed
from shared.messaging.policy import policy_command

NAME = "entitling"
CHUNK_STUDENTS = 500
PARTS_MAX = 64  # commands of one chunk: 128 programmes at the most
# How far back a link that was never true is looked for: three school years. Older books are an audit's work.
TERMS_BACK = 6
_LOCK = 0x656E7469746C


class Task(NamedTuple):
    """Students to look at because of one event. ``ordinal`` numbers the commands of that event."""

    cause: Recorded
    ordinal: int
    students: tuple[UUID, ...]


class Case(NamedTuple):
    """One entitlement under review, with what is known of its student. ``fixed``: its term by the programme's rule."""

    student: UUID
    facts: Remembered
    term: Term
    fixed: Term
    open_term: bool

    @property
    def aided_elsewhere(self) -> bool:
        """The place of registration says that it aids the child in this term: never both."""
        asked = self.facts.asked.get(self.term.name)
        return asked is not None and asked.aided is True

    def settled(self, state: Entitlement, claim: GrantEntitlement | None) -> list[Decided]:
        """What brings the entitlement in line with what is due."""
        reason = "aided_elsewhere" if self.aided_elsewhere else "never_true"
        return settle(state, claim, open_term=self.open_term, reason=reason)


@dataclass(frozen=True)
class Entitling:
    """The policy with what it needs: the store it appends to, the names of its streams, and whose school calendar
    counts."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it. It decides about money, so a poison event halts."""
        return Projection(NAME, ENTITLING_TABLES, ENTITLING_FOLDS, halts=True, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Look at everyone these events touch."""
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        today = opened_day(connection)
        if today is None:
            return  # the first day opens in a moment, and then everyone is looked at
        programmes = programmes_on(connection, today, self.division)
        for tasks in packed(tasks_of(connection, events)):
            known = remember(connection, [student for task in tasks for student in task.students])
            changes_of: dict[UUID, list[Proposed]] = {student: [] for student in known}
            for in_force in programmes:
                cases = cases_of(self.streams, in_force, known, today)
                for stream_id, state, decided in self._decide(connection, in_force, cases, today):
                    proposed = [Proposed(stream_id, state.version, fact, on) for fact, on in decided]
                    changes_of[cases[stream_id].student] += proposed
            for task in tasks:
                self._append(connection, task, [each for student in task.students for each in changes_of[student]])

    def _decide(
        self, connection: Connection, in_force: InForce, cases: dict[UUID, Case], today: date
    ) -> Iterator[tuple[UUID, Entitlement, list[Decided]]]:
        """What changes, per stream. One that is granted may be paid by a person at this moment, so it is locked and
        read again before it is taken away."""
        states = self._states(connection, list(cases))
        claims = claims_of(in_force, cases, states, today)
        changing = [s for s, case in cases.items() if case.settled(states[s], claims[s])]
        granted = [stream_id for stream_id in changing if states[stream_id].granted]
        self.streams.lock(connection, granted)
        states |= self._states(connection, granted)
        for stream_id in changing:
            case, state = cases[stream_id], states[stream_id]
            yield stream_id, state, case.settled(state, claims[stream_id])

    def _append(self, connection: Connection, task: Task, proposed: Sequence[Proposed]) -> None:
        for part, begin in enumerate(range(0, len(proposed), BATCH_LIMIT)):
            facts = proposed[begin : begin + BATCH_LIMIT]
            command = policy_command(NAME, task.cause, task.ordinal * PARTS_MAX + part, NAME.encode())
            self.store.execute(connection, command, lambda: facts)  # noqa: B023 (called before the next turn)

    def _states(self, connection: Connection, stream_ids: list[UUID]) -> dict[UUID, Entitlement]:
        if not stream_ids:
            return {}
        loaded = self.store.load_many(connection, stream_ids)
        return {
            stream_id: evolve((stored.fact, stored.event.effective_on) for stored in loaded.get(stream_id, ()))
            for stream_id in stream_ids
        }


def tasks_of(connection: Connection, events: Sequence[Recorded]) -> Iterator[Task]:
    """Whom to look at, in bounded sets: everyone ever linked when a day or a programme begins or terms are told anew,
    else who is touched."""
    touched: dict[UUID, Recorded] = {}
    for event in events:
        if isinstance(event.fact, DayOpened | ProgrammeActivated):
            yield from _everyone(connection, event)
        elif isinstance(event.fact, SchoolCalendarActivated):
            if event.fact.school_code is None:  # one school's own calendar moves no term of aid
                yield from _everyone(connection, event)
        elif isinstance(event.fact, LinkConfirmed | LinkWithdrawn | MemberCovered | MemberCoverWithdrawn):
            touched[event.fact.student_id] = event
        elif isinstance(event.fact, ChildAskedAbout | InquiryDropped | ReplyRecorded | InquiryDecided):
            touched[event.fact.child_id] = event
        else:
            touched[event.stream_id] = event
    for student, event in touched.items():
        yield Task(event, 0, (student,))


def packed(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """The tasks in sets of about CHUNK_STUDENTS, each student once: everyone is judged by the state after the batch, so
    once is enough."""
    seen: set[UUID] = set()
    pack: list[Task] = []
    count = 0
    for task in tasks:
        students = tuple(student for student in task.students if student not in seen)
        seen.update(students)
        pack.append(task._replace(students=students))
        count += len(students)
        if count >= CHUNK_STUDENTS:
            yield pack
            pack, count = [], 0
    if pack:
        yield pack


def _everyone(connection: Connection, cause: Recorded) -> Iterable[Task]:
    after: UUID | None = None
    ordinal = 0
    while students := linked_students(connection, after, CHUNK_STUDENTS):
        yield Task(cause, ordinal, tuple(students))
        after, ordinal = students[-1], ordinal + 1


def cases_of(streams: Streams, in_force: InForce, known: dict[UUID, Remembered], today: date) -> dict[UUID, Case]:
    """The entitlements these students have or may have: of this term, and of the terms before it."""
    cases: dict[UUID, Case] = {}
    programme = in_force.programme
    this_term = term_of(programme, today, in_force.school_begins)
    terms = [(term, term_named(programme, term.name)) for term in _terms_around(in_force, today)]
    for student, facts in known.items():
        if not (facts.asked if programme.registered == "elsewhere" else facts.linked):
            continue  # never had evidence, so never had an entitlement
        for term, fixed in terms:
            stream_id = streams.entitlement(student, programme.programme, term.name)
            cases[stream_id] = Case(student, facts, term, fixed, term == this_term)
    return cases


def claims_of(
    in_force: InForce, cases: dict[UUID, Case], states: dict[UUID, Entitlement], today: date
) -> dict[UUID, GrantEntitlement | None]:
    """What the facts known now say is due, per entitlement; None = nothing.

    What is granted is judged by the term it was granted in, however the calendar moved since; and the days of a term
    that is granted belong to no other one, so that a calendar told later neither takes a grant away nor adds a second.
    """
    granted: dict[UUID, list[Term]] = {}
    for stream_id, case in cases.items():
        if states[stream_id].granted:
            granted.setdefault(case.student, []).append(_recorded(case, states[stream_id]))
    claims: dict[UUID, GrantEntitlement | None] = {}
    for stream_id, case in cases.items():
        state = states[stream_id]
        term = _recorded(case, state) if state.granted else _left_of(case.term, granted.get(case.student, ()))
        claims[stream_id] = None if case.aided_elsewhere else _claim(in_force, term, case.student, case.facts, today)
    return claims


def _recorded(case: Case, state: Entitlement) -> Term:
    """The term as it was when this was granted."""
    if state.grant is None or state.grant.term_begins is None or state.grant.term_ends is None:
        return case.fixed
    return case.term._replace(begins=state.grant.term_begins, ends=state.grant.term_ends)


def _left_of(term: Term, granted: Sequence[Term]) -> Term:
    """The days of a term that belong to no granted one."""
    begins, ends = term.begins, term.ends
    for other in sorted(granted, key=lambda each: each.begins):
        if other.begins <= begins < other.ends:
            begins = min(other.ends, ends)
        elif begins < other.begins < ends:
            ends = other.begins
    return term._replace(begins=begins, ends=ends)


def _claim(in_force: InForce, term: Term, student: UUID, facts: Remembered, today: date) -> GrantEntitlement | None:
    """What the student is due in this term; None without evidence, schooling or a rate."""
    programme = in_force.programme
    elsewhere = programme.registered == "elsewhere"
    if elsewhere:
        found = qualified_elsewhere(programme, term, today, facts.schooling, facts.asked.get(term.name))
    else:
        found = qualified(programme, term, today, facts.schooling, facts.evidence)
    if found is None:
        return None
    place = found.schooling
    holder = place if elsewhere else held_now(place, facts.schooling, today)
    try:
        amount = amount_fen(programme, term, place.stage, place.boarder, place.division_code)
    except NoRate:
        return None  # nothing is promised where no rate is in force; a later programme version looks again
    return GrantEntitlement(
        student_id=student,
        programme=programme.programme,
        term=term.name,
        amount_fen=amount,
        stage=place.stage,
        boarder=place.boarder,
        division_code=holder.division_code,
        school_code=holder.school_code,
        evidence=found.evidence,
        content_hash=in_force.content_hash,
        effective_on=found.on,
        term_begins=term.begins,
        term_ends=term.ends,
    )


def _terms_around(in_force: InForce, today: date) -> Iterator[Term]:
    """This term and those before it; also the next one when by its rule it began already: somebody may have been
    granted it before a calendar said that school begins later."""
    programme, begins = in_force.programme, in_force.school_begins
    term = term_of(programme, today, begins)
    following = term_of(programme, term.ends, begins)
    if following.rates_on <= today:
        yield following
    for _ in range(TERMS_BACK):
        yield term
        term = term_of(programme, term.begins - timedelta(days=1), begins)
