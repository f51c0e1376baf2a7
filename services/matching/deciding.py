"""The worker that decides list rows: takes what waits, locks, reads everything again, appends the difference.

Index rows commit before anyone locks (work.py), and what a decision rests on is read after its row is locked. So when
a student and a list row arrive at the same moment on two workers, whoever decides later sees both. What people ruled is
read under the same locks, and every ruling notes its row as work.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from psycopg import sql
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection

from services.matching.active_model import ActiveModel
from services.matching.block_keys import number_key
from services.matching.commands import DecideRow, StudentPlace
from services.matching.covering import Batch, cover
from services.matching.domain import Standing, after, settle
from services.matching.households import Households, HouseholdWork, households_for, touched_by_households
from services.matching.index_rows import (
    ListedRow,
    Register,
    keep_decisions,
    listed_rows,
    named_students,
    page,
    register_for,
    standing_decisions,
    touched,
)
from services.matching.ladder import Rules, decide
from services.matching.outcome import Outcome, StudentId
from services.matching.projections import ROSTER_VIEW
from services.matching.records import EntryRecord
from services.matching.ruled_rows import ruled_about, rulings_in_force
from services.matching.rulings import InForce, decide_ruled, entry_evidence, student_evidence
from services.matching.streams import Streams
from services.matching.work import CHANNEL
from shared.database.database import Database, driver
from shared.eventsourcing.store import BATCH_LIMIT, Cause, Command, EventStore, Proposed
from shared.kernel.failpoints import step
from shared.kernel.refusals import VersionConflict
from shared.messaging.builds import live_build
from shared.standards import age

NAME = "deciding"
WORK_ROWS = 1_000
DAY_ROWS = 2_000
ENTRIES_AT_ONCE = 500  # two facts each at the most: one command
LOCKS = 1_024
OWN_NUMBER = number_key("")
LOCK_CLASS = 0x6D617463  # of the advisory locks that hold list rows
POLL_SECONDS = 1.0
PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)

_SETTINGS = """
SELECT set_config('search_path', quote_ident(%s) || ', public', true), set_config('enable_seqscan', 'off', true)
"""

log = structlog.get_logger(__name__)


class Taken(NamedTuple):
    """Work taken: the rows to decide, the latest cause, and the work rows it settles."""

    entries: list[UUID]
    cause: Cause
    first_work_id: int


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
            try:
                self._listen(stop)
                failures = 0
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, VersionConflict, OSError) as lost:
                log.warning("deciding starts over", error=type(lost).__name__)
                stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                failures += 1

    def _listen(self, stop: threading.Event) -> None:
        with psycopg.connect(self.database.worker_conninfo, autocommit=True) as listener:
            listener.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while not stop.is_set():
                while self.decide_some() and not stop.is_set():
                    continue
                for _ in listener.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass

    def decide_some(self) -> bool:
        """One transaction of work; whether there was any."""
        with self.database.working() as connection:
            raw = driver(connection)
            active = self.models.current(connection)  # stays in force until the transaction ends
            if opened_day(raw) is None or active is None or not enter_roster(raw):
                return False  # nothing is decided before the first day has opened and a model is in force
            taken = _take(raw) or _take_every_row(raw)
            if taken is None:
                return False
            self._settle(connection, taken, active.rules)
            step("matching.before_commit")
        step("matching.committed")
        return True

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
        today = opened_day(raw)
        assert today is not None, "an opened day is never taken back"
        enter_roster(raw)
        terms = Terms(today, rules)
        for part, entries in enumerate(_parts(taken.entries, ENTRIES_AT_ONCE)):
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


def enter_roster(raw: psycopg.Connection[Any]) -> bool:
    """Let the transaction see the roster's rows; whether there is a roster yet."""
    build = live_build(raw, ROSTER_VIEW.name)
    if build is None:
        return False
    # Everything here is looked up by an index; while a table fills, the planner still counts it as empty and reads all.
    raw.execute(_SETTINGS, (build.schema,))
    return True


def opened_day(raw: psycopg.Connection[Any]) -> date | None:
    """The day that has opened last."""
    row = raw.execute("SELECT day FROM public.opened_day").fetchone()
    return None if row is None else row[0]


def _take(raw: psycopg.Connection[Any]) -> Taken | None:
    """Take the oldest work that nobody else holds, and find the list rows it touches."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        work: list[Any] = cursor.execute(
            "DELETE FROM matching_work WHERE id IN (SELECT id FROM matching_work WHERE kind NOT IN ('day', 'model')"
            " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING id, kind, entity, numbers, keys, households, cause_id, cause_recorded_at, traceparent",
            (WORK_ROWS,),
        ).fetchall()
    if not work:
        return None
    numbers = {number for row in work for number in row.numbers}
    keys = {key for row in work for key in row.keys}
    households = {household for row in work for household in row.households}
    students = {row.entity for row in work if row.kind == "student"}
    entries = {row.entity for row in work if row.kind == "entry"} | touched(raw, students, keys, numbers, households)
    entries |= ruled_about(raw, students)
    entries |= touched_by_households(raw, _household_work(work, numbers, keys))
    latest = max(work, key=lambda row: (row.cause_recorded_at, row.id))
    return Taken(sorted(entries), _cause(latest), min(row.id for row in work))


def _household_work(work: Sequence[Any], numbers: set[str], keys: set[str]) -> HouseholdWork:
    """A student is a member of a household by her id or by her number: of those she had, the keys tell."""
    of_kind = {kind: [row.entity for row in work if row.kind == kind] for kind in ("student", "household", "entry")}
    own = {key.removeprefix(OWN_NUMBER) for key in keys if key.startswith(OWN_NUMBER)}
    return HouseholdWork(of_kind["student"], of_kind["household"], of_kind["entry"], numbers | own)


def _take_every_row(raw: psycopg.Connection[Any]) -> Taken | None:
    """A new day or a new model: decide every list row again, a page at a time; the work row remembers how far."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        work: Any = cursor.execute(
            "SELECT id, entity, cause_id, cause_recorded_at, traceparent FROM matching_work"
            " WHERE kind IN ('day', 'model') ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        ).fetchone()
    if work is None:
        return None
    entries = page(raw, work.entity, DAY_ROWS)
    if len(entries) < DAY_ROWS:
        raw.execute("DELETE FROM matching_work WHERE id = %s", (work.id,))
    else:
        raw.execute("UPDATE matching_work SET entity = %s WHERE id = %s", (entries[-1], work.id))
    # The page's last row makes the command of each page another one.
    ordinal = work.id if not entries else work.id * (1 << 32) + entries[-1].int % (1 << 31)
    return Taken(entries, _cause(work), ordinal)


def _cause(row: Any) -> Cause:
    event_id: UUID = row.cause_id
    recorded_at: datetime = row.cause_recorded_at
    return Cause(event_id, recorded_at, row.traceparent)


def hold_rows(raw: psycopg.Connection[Any], entries: Iterable[UUID]) -> None:
    """Hold these rows until the transaction ends, in the order of their locks."""
    locks = sorted({entry.int % LOCKS for entry in entries})
    raw.execute("SELECT pg_advisory_xact_lock(%s, k) FROM unnest(%s::integer[]) AS k", (LOCK_CLASS, locks))


def _parts(entries: Sequence[UUID], size: int) -> Iterator[list[UUID]]:
    for begin in range(0, len(entries), size):
        yield list(entries[begin : begin + size])
