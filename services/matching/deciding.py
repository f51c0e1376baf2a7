"""The worker that decides list rows: takes what waits, locks, reads everything again, appends the difference.

Index rows commit before anyone locks (work.py), and what a decision rests on is read after its row is locked. So when
a student and a list row arrive at the same moment on two workers, whoever decides later sees both. What people ruled is
read under the same locks, and every ruling notes its row as work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from psycopg import sql
from sqlalchemy import Connection

from services.matching.active_model import ActiveModel
from services.matching.beside import untouched
from services.matching.commands import DecideRow, StudentPlace
from services.matching.covering import Batch, cover
from services.matching.domain import Standing, after, settle
from services.matching.erased import erased_rows
from services.matching.households import Households, households_for
from services.matching.index_rows import (
    ListedRow,
    Register,
    keep_decisions,
    listed_rows,
    named_students,
    register_for,
    standing_decisions,
)
from services.matching.ladder import Rules, decide
from services.matching.outcome import Outcome, StudentId
from services.matching.projections import ROSTER_VIEW
from services.matching.records import EntryRecord
from services.matching.ruled_rows import rulings_in_force
from services.matching.rulings import InForce, decide_ruled, entry_evidence, student_evidence
from services.matching.streams import Streams
from services.matching.taking import Taken, take, take_every_row
from services.matching.work import CHANNEL
from shared.database.database import Database, driver
from shared.eventsourcing.store import BATCH_LIMIT, Command, EventStore, Proposed
from shared.kernel.failpoints import step
from shared.kernel.refusals import VersionConflict
from shared.messaging.builds import enter_live
from shared.standards import age

NAME = "deciding"
ENTRIES_AT_ONCE = 500  # two facts each at the most: one command
LOCKS = 1_024
LOCK_CLASS = 0x6D617463  # of the advisory locks that hold list rows
POLL_SECONDS = 1.0
WELL_SECONDS = 30.0  # after so long without a failure the next one counts as the first
PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)


log = structlog.get_logger(__name__)


class Progress(Enum):
    """What one transaction found. After LAST nothing is left but what comes, and that is notified."""

    NOTHING = 0
    LAST = 1
    MORE = 2

    def __bool__(self) -> bool:
        return self is not Progress.NOTHING


class Terms(NamedTuple):
    """What holds for every row of a transaction: the day that has opened, and the rules with the model in force."""

    today: date
    rules: Rules


class RuledPart(NamedTuple):
    """What people ruled about the rows of one part; ``evidence`` and ``places`` of the students they named."""

    force: dict[UUID, InForce]
    evidence: dict[UUID, str]
    places: dict[UUID, StudentPlace]


class Known(NamedTuple):
    """The register beside one part of the rows: the students they may mean, and who shares whose household."""

    register: Register
    households: Households

    def place(self, student: UUID) -> StudentPlace | None:
        """Where she is; None when she is in neither."""
        return self.register.places.get(student) or self.households.places.get(student)


@dataclass(frozen=True)
class Deciding:
    """The policy with what it needs. Any number of workers may run it."""

    database: Database
    store: EventStore
    streams: Streams
    models: ActiveModel

    def run(self, stop: threading.Event) -> None:
        """Decide whenever work waits, until ``stop``; outlives the database."""
        failures = 0
        while not stop.is_set():
            begun = time.monotonic()
            try:
                self._listen(stop)
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, VersionConflict, OSError) as lost:
                log.warning("deciding starts over", error=type(lost).__name__)
                failures = 0 if time.monotonic() - begun > WELL_SECONDS else failures
                stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                failures += 1

    def _listen(self, stop: threading.Event) -> None:
        with psycopg.connect(self.database.worker_conninfo, autocommit=True) as listener:
            listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while not stop.is_set():
                while self.decide_some() is Progress.MORE and not stop.is_set():
                    continue
                for _ in listener.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass

    def decide_some(self) -> Progress:
        """One transaction of work."""
        with self.database.working() as connection:
            raw = driver(connection)
            active = self.models.current(connection)  # stays in force until the transaction ends
            if enter_roster(raw) is None or active is None:
                return Progress.NOTHING  # nothing is decided before the first day has opened and a model is in force
            taken = take(raw) or take_every_row(raw)
            if taken is None:
                return Progress.NOTHING
            self._settle(connection, taken, active.rules)
            step("matching.before_commit")
        step("matching.committed")
        return Progress.MORE if taken.more else Progress.LAST

    def outcomes(
        self, raw: psycopg.Connection[Any], entries: Sequence[UUID], terms: Sequence[Terms]
    ) -> Iterator[tuple[UUID, list[Outcome | None]]]:
        """What these rows would be decided to be under each of the terms (None: off its list). Decides nothing."""
        rows, ruled, known = self._read(raw, entries)
        for row in rows:
            yield row.facts.entry_id, [self._command(row, known, ruled, each).outcome for each in terms]

    def _settle(self, connection: Connection, taken: Taken, rules: Rules) -> None:
        raw = driver(connection)
        hold_rows(raw, taken.entries)
        # While we waited, another worker may have decided these rows on a new day, or by the tables of a new build.
        today = enter_roster(raw)
        assert today is not None, "an opened day is never taken back"
        terms = Terms(today, rules)
        stay = untouched(raw, taken.beside, taken.students, rules, today)
        stay |= erased_rows(raw, taken.entries)
        open_still = [entry for entry in taken.entries if entry not in stay]
        for part, entries in enumerate(_parts(open_still, ENTRIES_AT_ONCE)):
            rows, ruled, known = self._read(raw, entries)
            standing = standing_decisions(raw, entries)
            proposed: list[Proposed] = []
            kept: list[tuple[UUID, Standing]] = []
            for row in rows:
                before = standing.get(row.facts.entry_id, Standing())
                decided = settle(before, self._command(row, known, ruled, terms))
                if not decided:
                    continue
                stream = self.streams.entry(row.facts.entry_id)
                proposed += [Proposed(stream, before.version, fact, effective_on) for fact, effective_on in decided]
                kept.append((row.facts.entry_id, after(before, decided)))
            if proposed:
                self._append(connection, taken, part, proposed)
                keep_decisions(raw, kept)
            batch = Batch(taken.first_work_id, part, taken.cause)
            cover(connection, self.store, self.streams, batch, entries, self._ruled_out(rows, ruled))

    def _read(self, raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> tuple[list[ListedRow], RuledPart, Known]:
        """These rows, what people ruled about them, and whom they may mean."""
        rows = listed_rows(raw, entries)
        ruled = self._ruled(raw, entries)
        households = households_for(raw, (row.record for row in rows if row.record is not None))
        return rows, ruled, Known(register_for(raw, rows, ruled.force), households)

    def _ruled_out(self, rows: Sequence[ListedRow], ruled: RuledPart) -> dict[UUID, frozenset[UUID]]:
        """Row → the students whom it does not cover beside its own state, because a person spoke about them."""
        found: dict[UUID, frozenset[UUID]] = {}
        for row in rows:
            force = ruled.force.get(row.facts.entry_id)
            if force is not None:
                own = None if row.record is None else entry_evidence(self.streams.digest, row.record)
                found[row.facts.entry_id] = force.students_ruled_out(own, ruled.evidence)
        return found

    def _ruled(self, raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> RuledPart:
        """What people ruled about these rows, and the students they named as these are now."""
        force = rulings_in_force(raw, entries)
        register, students = named_students(raw, {student for each in force.values() for student in each.students})
        digest = self.streams.digest
        evidence = {
            each.student_id: student_evidence(digest, each) for each in students if isinstance(each.student_id, UUID)
        }
        return RuledPart(force, evidence, register.places)

    def _command(self, row: ListedRow, known: Known, ruled: RuledPart, terms: Terms) -> DecideRow:
        if row.record is None:
            return DecideRow(row.facts, None, None, False, terms.rules.version)
        force = ruled.force.get(row.facts.entry_id)
        outcome = self._outcome(row, row.record, known, terms, force, ruled)
        student = outcome.student
        place = known.place(student) or ruled.places.get(student) if isinstance(student, UUID) else None
        school_age = row.birth_date is not None and age.of_compulsory_age(row.birth_date, terms.today)
        return DecideRow(row.facts, outcome, place, school_age, terms.rules.version)

    def _outcome(
        self, row: ListedRow, record: EntryRecord, known: Known, terms: Terms, force: InForce | None, ruled: RuledPart
    ) -> Outcome:
        candidates = known.register.candidates(record, row.keys)
        candidates.same_household = known.households.members.get(record.id_number or "", ())

        def ladder(apart: frozenset[StudentId]) -> Outcome:
            kept = candidates.without(apart) if apart else candidates
            return decide(record, kept, terms.rules, terms.today)

        if force is None:
            return ladder(frozenset())
        return decide_ruled(force, entry_evidence(self.streams.digest, record), ruled.evidence, ladder)

    def _append(self, connection: Connection, taken: Taken, part: int, proposed: Sequence[Proposed]) -> None:
        assert len(proposed) <= BATCH_LIMIT
        command = Command(
            principal=f"policy:{NAME}",
            command_id=self.streams.command(taken.first_work_id, taken.cause.event_id, part),
            body=NAME.encode(),
            cause=taken.cause,
            traceparent=taken.cause.traceparent,
        )
        self.store.execute(connection, command, lambda: proposed)


def enter_roster(raw: psycopg.Connection[Any]) -> date | None:
    """Let the transaction see the roster's rows; the day that has opened last. None while either is still to come."""
    if not enter_live(raw, ROSTER_VIEW.name):
        return None
    # Everything here is looked up by an index; while a table fills, the planner still counts it as empty and reads all.
    row = raw.execute("SELECT day, set_config('enable_seqscan', 'off', true) FROM public.opened_day").fetchone()
    return None if row is None else row[0]


def hold_rows(raw: psycopg.Connection[Any], entries: Iterable[UUID]) -> None:
    """Hold these rows until the transaction ends, in the order of their locks."""
    locks = sorted({entry.int % LOCKS for entry in entries})
    raw.execute("SELECT pg_advisory_xact_lock(%s, k) FROM unnest(%s::integer[]) AS k", (LOCK_CLASS, locks))


def _parts(entries: Sequence[UUID], size: int) -> Iterator[list[UUID]]:
    for begin in range(0, len(entries), size):
        yield list(entries[begin : begin + size])
