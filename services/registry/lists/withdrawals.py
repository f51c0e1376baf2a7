"""A submission is taken back: each row it spoke of becomes what it would be had the submission never come.

Done in chunks named after the submission, so an interrupted withdrawal is finished by asking again; a row that was put
right already is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, get_args
from uuid import UUID

from sqlalchemy import Connection

from services.registry.domain import Happened, ListEntry, entry_of
from services.registry.errors import SubmissionNotReversible, SubmissionUnknown, SubmissionWithdrawn
from services.registry.events import ListEntryFields, ListEntryRemoved, ListSubmissionWithdrawn, WithdrawalReason
from services.registry.handlers import Registry, covers
from services.registry.lists import standing, statements
from services.registry.lists.sendings import LIST_NAMES, chunks, list_alone
from services.registry.lists.standing import Begun, Stand
from services.registry.lists.statements import Statement, Sweep
from services.registry.lists.withdrawing import Outcome, Said, outcome, put_right, stated, told
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Stored

ENTRIES = 100  # a row may take several facts, one per day on which something changes; a command has at most 1,000


@dataclass(frozen=True)
class Withdrawals:
    """Takes submissions back for a registry."""

    registry: Registry

    def withdraw(
        self, submission_id: UUID, scope: Scope, by: str, reason: WithdrawalReason, on: date, command: Command
    ) -> ListSubmissionWithdrawn:
        """Undo a submission, complete or not; the same answer for the same command again.

        Raises SubmissionUnknown (also outside the scope), SubmissionNotReversible, SubmissionWithdrawn, ListBusy.
        """
        registry = self.registry
        with registry.database.writing() as connection:
            begun = standing.begun_as(driver(connection), submission_id)
        if begun is None or not (scope.agency == begun.agency or covers(scope, registry.division, None)):
            raise SubmissionUnknown(submission_id)
        if begun.list not in LIST_NAMES:
            raise SubmissionNotReversible(submission_id)
        with list_alone(registry, begun.agency, begun.list):
            self._undo(submission_id, begun, command)
            self._note(submission_id, begun, by, reason, on, command)
        with registry.database.writing() as connection:
            facts = [each.fact for each in registry.store.load(connection, submission_id)]
        return next(fact for fact in facts if isinstance(fact, ListSubmissionWithdrawn))

    def _undo(self, submission_id: UUID, begun: Begun, command: Command) -> None:
        registry = self.registry
        with registry.database.writing() as connection:
            entry_ids = statements.entries_of(driver(connection), submission_id)
        for number, chunk in enumerate(chunks(entry_ids, ENTRIES)):
            command_id = registry.keys.part(submission_id, "withdrawal", number)
            made = Command(command.principal, command_id, submission_id.bytes, traceparent=command.traceparent)

            def decide(connection: Connection, chunk: Sequence[UUID] = chunk) -> Sequence[Proposed]:
                return _taken_back(registry, submission_id, begun, chunk, connection)

            registry.store.run(registry.database, made, decide)

    def _note(
        self, submission_id: UUID, begun: Begun, by: str, reason: WithdrawalReason, on: date, command: Command
    ) -> None:
        registry = self.registry

        def decide(connection: Connection) -> Sequence[Proposed]:
            raw = driver(connection)
            stored = registry.store.load(connection, submission_id)
            if any(isinstance(each.fact, ListSubmissionWithdrawn) for each in stored):
                raise SubmissionWithdrawn(submission_id)
            standing.release(raw, submission_id)
            standing.keep_withdrawn(raw, submission_id)
            statements.let_sweep(raw, submission_id, counts=False)
            became = statements.outcomes(raw, submission_id)
            fact = ListSubmissionWithdrawn(
                agency=begun.agency,
                list=next(each for each in LIST_NAMES if each == begun.list),
                division_code=registry.division,
                reason=reason,
                withdrawn_by=by,
                rows=sum(became.values()),
                **{name: became.get(name, 0) for name in get_args(Outcome)},
            )
            return [Proposed(submission_id, len(stored), fact, max(on, begun.effective_on))]

        registry.store.run(registry.database, command, decide)


class _Entry(NamedTuple):
    """What is known of one entry: its events, everything said of it and the snapshots that may have ended it."""

    id: UUID
    stored: list[Stored]
    said: list[Statement]
    sweeps: list[Sweep]


def _taken_back(
    registry: Registry, submission_id: UUID, begun: Begun, entry_ids: Sequence[UUID], connection: Connection
) -> list[Proposed]:
    """The facts that put these entries right; notes what became of each."""
    raw = driver(connection)
    said = statements.of_entries(raw, entry_ids)
    parts = standing.part_of(raw, entry_ids)
    snapshots = [
        each for each in statements.sweeps(raw, begun.agency, begun.list) if each.submission_id != submission_id
    ]
    loaded = registry.store.load_many(connection, entry_ids, personal=True)
    proposed: list[Proposed] = []
    became: dict[UUID, str] = {}
    stands: list[Stand] = []
    for entry_id in entry_ids:
        if all(each.outcome is not None for each in said[entry_id] if each.submission_id == submission_id):
            continue
        ending = [each for each in snapshots if parts[entry_id] in each.parts]
        entry = _Entry(entry_id, loaded[entry_id], said[entry_id], ending)
        facts, became[entry_id], stand = _without(submission_id, entry, begun)
        stands.append(stand)
        version = len(entry.stored)
        proposed += [Proposed(entry_id, version + count, fact, on) for count, (fact, on) in enumerate(facts)]
    statements.take_back(raw, submission_id, became)
    standing.put_back(raw, stands)
    return proposed


def _without(submission_id: UUID, entry: _Entry, begun: Begun) -> tuple[list[Happened], Outcome, Stand]:
    recorded = [Happened(each.fact, each.event.effective_on) for each in entry.stored]
    said = _remaining(submission_id, entry)
    wanted = told([each for _, each in said], begun.agency, begun.list)
    gone = ListEntryRemoved(
        agency=begun.agency,
        list=next(each for each in LIST_NAMES if each == begun.list),
        reason="entered_in_error",
        submission_id=submission_id,
    )
    facts = put_right(recorded, wanted, gone)
    before = entry_of(fact for fact, _ in recorded)
    after = entry_of(fact for fact, _ in (*recorded, *facts))
    own = [each.place for each in entry.said if each.submission_id == submission_id]
    result = outcome(
        before,
        after,
        changed_something=any(getattr(fact, "submission_id", None) == submission_id for fact, _ in recorded),
        spoken_of_later=any(place > max(own) for place, _ in said),
    )
    return facts, result, _stand(entry.id, after, said, wanted)


def _remaining(submission_id: UUID, entry: _Entry) -> list[tuple[int, Said]]:
    """What is said of the entry without this submission, each with its place, in order."""
    facts = [each.fact for each in entry.stored]
    said: list[tuple[int, Said]] = []
    holding = set()
    for each in entry.said:
        if each.outcome is not None or each.submission_id == submission_id:
            continue
        fact = None
        if each.version is not None:
            version = facts[each.version - 1]
            assert isinstance(version, ListEntryFields), "a statement names the event that holds its fields"
            fact = stated(version, each.submission_id, each.row)
            holding.add(each.submission_id)
        said.append((each.place, Said(each.as_of, each.submission_id, fact, each.reason or "missing_from_snapshot")))  # type: ignore[arg-type]
    said += [
        (sweep.place, Said(sweep.as_of, sweep.submission_id, None))
        for sweep in entry.sweeps
        if sweep.submission_id not in holding
    ]
    return sorted(said, key=lambda each: each[0])


def _stand(entry_id: UUID, after: ListEntry, said: Sequence[tuple[int, Said]], wanted: Sequence[Happened]) -> Stand:
    """How the entry stands afterwards: by whom last, and who brought it on the list."""
    brought_by = None
    on_list = False
    for fact, _ in wanted:
        if isinstance(fact, ListEntryFields) and not on_list:
            brought_by = fact.submission_id
        on_list = isinstance(fact, ListEntryFields)
    return Stand(entry_id, after.standing, said[-1][1].submission_id if said else None, brought_by)
