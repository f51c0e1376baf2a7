"""Does the promotions that were ordered, and undoes them: a thousand students at a time by id, each chunk one command.

A chunk's command id follows from the promotion and the chunk's number, and how far the work came is kept in the chunk's
own transaction: whatever kills this process, the next one goes on with the next chunk, and the end is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from sqlalchemy import Connection

from services.registry import promotion_jobs
from services.registry.domain import student_of
from services.registry.events import StudentDetailsCorrected, StudentEnrolled
from services.registry.handlers import Registry
from services.registry.life_events import PromotionFinished, PromotionStarted, PromotionUndoFinished
from services.registry.on_a_day import Dated
from services.registry.promotion import Promotion, promote
from services.registry.promotion_jobs import Job, Tally, outcomes
from services.registry.promotion_undo import Former, former, put_back
from shared.database.database import driver
from shared.eventsourcing.store import BATCH_LIMIT, Command, PersonErased, Proposed, Result, Stored
from shared.kernel.failpoints import step
from shared.kernel.refusals import VersionConflict

CHUNK_STUDENTS = 1_000
PRINCIPAL = "system:promotion"
LOOK_SECONDS = 1.0
REST_SECONDS = 0.005  # between two chunks, so that requests of the same process come first
PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)

log = structlog.get_logger(__name__)


class _Done(NamedTuple):
    """A chunk: the counts with it, what it appends, and the last student looked at; None when nobody was left."""

    tally: Tally
    proposed: list[Proposed]
    last: UUID | None


class Overtaken(Exception):
    """Another process did this chunk meanwhile."""


@dataclass
class Promoting:
    """Any number of processes may run it; each chunk is done by one of them, once."""

    registry: Registry
    _orders: dict[UUID, Promotion] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Go on with whatever is ordered until ``stop``; outlives the database, and whatever else goes wrong."""
        failures = 0
        while not stop.is_set():
            try:
                stop.wait(REST_SECONDS if self.promote_some() else LOOK_SECONDS)
                failures = 0
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError, VersionConflict) as lost:
                log.warning("a promotion waits", error=type(lost).__name__)
                failures = self._pause(stop, failures)
            except Exception:
                log.exception("a promotion does not get on")
                failures = self._pause(stop, failures)

    def promote_some(self) -> bool:
        """One chunk of the oldest order in one transaction; whether there was one to do."""
        with self.registry.database.writing() as connection:
            job = promotion_jobs.oldest(driver(connection))
        if job is None:
            return False
        command = Command(
            PRINCIPAL, self.registry.keys.part(job.promotion_id, job.state, job.chunk), job.promotion_id.bytes
        )
        done: list[_Done] = []

        def decide(connection: Connection) -> Sequence[Proposed]:
            done[:] = [self._chunk(connection, job)]
            step("promotion.before_commit")
            return done[0].proposed

        def keep(connection: Connection, _: Result) -> None:
            (chunk,) = done
            if chunk.last is None:
                promotion_jobs.finish(driver(connection), job)
            else:
                promotion_jobs.keep_chunk(driver(connection), job, chunk.tally, chunk.last)

        try:
            self.registry.store.run(self.registry.database, command, decide, keep)
        except Overtaken:
            log.info("a chunk was done by another process", promotion_id=str(job.promotion_id), chunk=job.chunk)
        except PersonErased:
            # Erased between reading and writing. The refusal stays with this command id for ever: take another one.
            with self.registry.database.writing() as connection:
                promotion_jobs.renumber(driver(connection), job)
        return True

    def _pause(self, stop: threading.Event, failures: int) -> int:
        stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
        return failures + 1

    def _chunk(self, connection: Connection, seen: Job) -> _Done:
        raw = driver(connection)
        job = promotion_jobs.one(raw, seen.promotion_id, lock=True)
        if job is None or (job.state, job.chunk) != (seen.state, seen.chunk):
            raise Overtaken
        students = promotion_jobs.students_after(raw, job.after, CHUNK_STUDENTS)
        if not students:
            return _Done(Tally(), [self._finished(connection, job)], None)
        loaded = self.registry.store.load_many(connection, students)
        if job.state == "running":
            return self._promoted(connection, job, students, loaded)
        return self._restored(connection, job, students, loaded)

    def _promoted(
        self, connection: Connection, job: Job, students: Sequence[UUID], loaded: dict[UUID, list[Stored]]
    ) -> _Done:
        promotion, tally = self._ordered(connection, job.promotion_id), Tally.of(job.tally)
        proposed: list[Proposed] = []
        last = job.after
        for student_id in students:
            stored = loaded[student_id]
            looked = promote(promotion, student_id, _history(stored))
            if looked is not None:
                if len(proposed) + len(looked.happened) > BATCH_LIMIT:
                    break  # the next chunk begins with this student
                tally.note_looked(looked)
                proposed += [Proposed(student_id, len(stored), fact, on) for fact, on in looked.happened]
            last = student_id
        return _Done(tally, proposed, last)

    def _restored(
        self, connection: Connection, job: Job, students: Sequence[UUID], loaded: dict[UUID, list[Stored]]
    ) -> _Done:
        tally = Tally.of(job.undo_tally)
        found = {each: former(job.promotion_id, _history(loaded[each])) for each in students}
        departed = [each for each, was in found.items() if was and any(place.departed for place in was)]
        opened = self.registry.store.load_many(connection, departed, personal=True)
        proposed: list[Proposed] = []
        last = job.after
        for student_id in students:
            was = found[student_id]
            if was is None:
                tally.note(_school(loaded[student_id]), "changed_since")
            elif was:
                stored = opened.get(student_id) or loaded[student_id]
                back = _back(job.promotion_id, student_id, was, stored)
                if len(proposed) + len(back) > BATCH_LIMIT:
                    break
                tally.note(was[0].place.school_code, "restored")
                proposed += back
            last = student_id
        return _Done(tally, proposed, last)

    def _ordered(self, connection: Connection, promotion_id: UUID) -> Promotion:
        """What was ordered; read once, for it never changes."""
        known = self._orders.get(promotion_id)
        if known is None:
            started = self.registry.store.load(connection, promotion_id)[0].fact
            assert isinstance(started, PromotionStarted), "every promotion's stream begins with its start"
            known = Promotion(
                promotion_id,
                started.day,
                started.division_code,
                started.school_code,
                started.stage,
                started.ladder,
                frozenset(started.repeaters),
            )
            self._orders[promotion_id] = known
        return known

    def _finished(self, connection: Connection, job: Job) -> Proposed:
        stored = self.registry.store.load(connection, job.promotion_id)
        self._orders.pop(job.promotion_id, None)
        if job.state == "undoing":
            undone = Tally.of(job.undo_tally).total()
            done = PromotionUndoFinished(
                looked_at=undone.total(), restored=undone["restored"], changed_since=undone["changed_since"]
            )
            return Proposed(job.promotion_id, len(stored), done, _last_day(stored))
        total = Tally.of(job.tally).total()
        counts, skipped = outcomes(total)
        finished = PromotionFinished(looked_at=total.total(), **counts, skipped=skipped)
        return Proposed(job.promotion_id, len(stored), finished, job.day)


def _history(stored: Sequence[Stored]) -> list[Dated]:
    return [Dated(each.fact, each.event.effective_on) for each in stored]


def _back(promotion_id: UUID, student_id: UUID, was: Sequence[Former], stored: Sequence[Stored]) -> list[Proposed]:
    facts = [each.fact for each in stored]
    last = next(fact for fact in reversed(facts) if isinstance(fact, StudentEnrolled | StudentDetailsCorrected))
    fingerprint = student_of(facts).fingerprint
    back = [put_back(promotion_id, each, last, fingerprint) for each in was]
    return [Proposed(student_id, len(stored), fact, on) for fact, on in back]


def _school(stored: Sequence[Stored]) -> str:
    return student_of(each.fact for each in stored).school_code or ""


def _last_day(stored: Sequence[Stored]) -> date:
    return stored[-1].event.effective_on
