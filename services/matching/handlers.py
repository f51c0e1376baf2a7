"""What a person says about a list row: one function per command. Load, decide, append; the work that follows from it is
noted in the same transaction (ruled_rows.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from services.matching import ruled_rows, rulings
from services.matching.commands import RuleRow
from services.matching.errors import CandidateUnknown, EvidenceChanged, NotUnderReview, RowUnknown
from services.matching.events import ReviewRead, RowRuled
from services.matching.index_rows import listed_rows, named_students
from services.matching.outcome import State
from services.matching.projections import ROSTER_VIEW
from services.matching.queries import standing_decision
from services.matching.rulings import Ruled, entry_evidence, evolve, student_evidence
from services.matching.streams import Streams
from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.clock import today
from shared.kernel.facts import Fact
from shared.kernel.refusals import NotFound

CheckVersion = Callable[[int], None]  # raises when the caller read another version


@dataclass(frozen=True)
class Desk:
    """What every handler needs."""

    database: Database
    store: EventStore
    streams: Streams


@dataclass(frozen=True)
class Shown:
    """What the caller may know of a row now: its state, and the digests of the row and of the students it may mean."""

    state: str
    division_code: str | None
    row: str
    students: dict[UUID, str]
    candidates: tuple[UUID, ...]


def shown_digest(streams: Streams, row: str, candidates: dict[UUID, str]) -> str:
    """The digest of everything a person is shown of a row and its candidates."""
    return streams.digest("shown", row, sorted(candidates.items()))


def shown(desk: Desk, scope: Scope, entry_id: UUID, named: Sequence[UUID] = ()) -> Shown:
    """The row, its candidates and the students ``named``. Raises RowUnknown, CandidateUnknown."""
    with desk.database.reading(scope, ROSTER_VIEW.name) as connection:
        decision = standing_decision(connection, today(), entry_id)
        raw = driver(connection)
        listed = listed_rows(raw, [entry_id])
        if decision is None or not listed or listed[0].record is None:
            raise RowUnknown(entry_id)
        candidates = {*decision.candidates, *((decision.student_id,) if decision.student_id else ())}
        _, records = named_students(raw, {*candidates, *named})
    digest = desk.streams.digest
    students = {
        each.student_id: student_evidence(digest, each) for each in records if isinstance(each.student_id, UUID)
    }
    for student in named:
        if student not in students:
            raise CandidateUnknown(student)
    return Shown(
        decision.state,
        listed[0].facts.division_code,
        entry_evidence(digest, listed[0].record),
        students,
        tuple(sorted(candidates & students.keys())),
    )


def rule_row(desk: Desk, scope: Scope, intent: RuleRow, command: Command, check_version: CheckVersion) -> Result:
    """Raises RowUnknown, CandidateUnknown (also outside the scope), EvidenceChanged, SecondPersonNeeded, and what
    ``check_version`` raises."""

    def decide(state: Ruled, seen: Shown) -> list[Fact]:
        check_version(state.version)
        current = shown_digest(desk.streams, seen.row, {each: seen.students[each] for each in seen.candidates})
        if intent.seen is not None and intent.seen != current:
            raise EvidenceChanged(intent.entry_id)
        students = intent.students if intent.verdict != "nobody" else seen.candidates
        ruling = RowRuled(
            entry_id=intent.entry_id,
            verdict=intent.verdict,
            students=students,
            row_evidence=seen.row,
            evidence=tuple(seen.students[student] for student in students),
            ruled_by=intent.by,
            division_code=seen.division_code,
        )
        return rulings.rule(state, ruling)

    return _run(desk, scope, intent.entry_id, intent.students, command, decide)


def withdraw_ruling(
    desk: Desk, scope: Scope, entry_id: UUID, by: str, command: Command, check_version: CheckVersion
) -> Result:
    """Undo the last ruling. Raises RowUnknown, NothingToWithdraw, and what ``check_version`` raises."""

    def decide(state: Ruled, seen: Shown) -> list[Fact]:
        check_version(state.version)
        return rulings.withdraw(state, entry_id, by)

    return _run(desk, scope, entry_id, (), command, decide)


def ask_second_opinion(
    desk: Desk, scope: Scope, entry_id: UUID, by: str, command: Command, check_version: CheckVersion
) -> Result:
    """Leave a row under review to somebody else. Raises RowUnknown, NotUnderReview, and what ``check_version``
    raises."""

    def decide(state: Ruled, seen: Shown) -> list[Fact]:
        check_version(state.version)
        if seen.state != State.REVIEW.value:
            raise NotUnderReview(entry_id)
        return rulings.ask(state, entry_id, by)

    return _run(desk, scope, entry_id, (), command, decide)


def note_read(desk: Desk, read: ReviewRead, day: date, command: Command) -> Result:
    """Record that somebody reads a row and its candidates in full, before anything is shown."""
    reader = desk.streams.reader(read.viewer, day)

    def decide(connection: Connection) -> Sequence[Proposed]:
        return [Proposed(reader, len(desk.store.load(connection, reader)), read, day)]

    return desk.store.run(desk.database, command, decide)


def _run(
    desk: Desk,
    scope: Scope,
    entry_id: UUID,
    named: Sequence[UUID],
    command: Command,
    decide_on: Callable[[Ruled, Shown], list[Fact]],
) -> Result:
    stream = desk.streams.rulings(entry_id)
    # Looked at before the transaction, on a connection of its own; told only when the command is not a repetition.
    seen: Shown | NotFound
    try:
        seen = shown(desk, scope, entry_id, named)
    except NotFound as unknown:
        seen = unknown
    settled: list[Ruled] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        if isinstance(seen, NotFound):
            raise seen
        state = evolve(each.fact for each in desk.store.load(connection, stream))
        facts = decide_on(state, seen)
        after = state
        for fact in facts:
            after = rulings.apply(after, fact)
        settled[:] = [after]
        return [Proposed(stream, state.version, fact, today()) for fact in facts]

    def then(connection: Connection, result: Result) -> None:
        if result.event_ids:
            raw: Any = driver(connection)
            ruled_rows.keep(raw, entry_id, settled[0])
            ruled_rows.enqueue(raw, entry_id, result.event_ids[-1], command.traceparent)

    return desk.store.run(desk.database, command, decide, then)
