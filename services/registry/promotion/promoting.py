"""Does the promotions that were ordered, and undoes them: a thousand students at a time by id, each chunk one command.

A chunk's command id follows from the promotion and the chunk's number, and how far the work came is kept in the chunk's
own transaction: whatever kills this process, the next one goes on with the next chunk, and the end is the same.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.domain import student_of
from services.registry.events import StudentDetailsCorrected, StudentEnrolled
from services.registry.handlers import Registry
from services.registry.jobs.chunked_work import Chunk, Overtaken, do_chunk, run_until, students_after
from services.registry.jobs.formerly import Former, former
from services.registry.jobs.on_a_day import Dated
from services.registry.life_events import PromotionFinished, PromotionStarted, PromotionUndoFinished
from services.registry.promotion import promotion_jobs
from services.registry.promotion.promotion import Promotion, promote
from services.registry.promotion.promotion_jobs import Job, Tally, outcomes
from services.registry.promotion.promotion_undo import made_by_promotion, put_back
from shared.database.database import driver
from shared.eventsourcing.store import BATCH_LIMIT, Command, Proposed, Stored
from shared.kernel.failpoints import step

CHUNK_STUDENTS = 1_000
PRINCIPAL = "system:promotion"


class _Done(NamedTuple):
    """A chunk: the counts with it, what it appends, and the last student looked at; None when nobody was left."""

    tally: Tally
    proposed: list[Proposed]
    last: UUID | None


@dataclass
class Promoting:
    """Any number of processes may run it; each chunk is done by one of them, once."""

    registry: Registry
    _orders: dict[UUID, Promotion] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Go on with whatever is ordered until ``stop``."""
        run_until(stop, "a promotion", self.promote_some)

    def promote_some(self) -> bool:
        """One chunk of the oldest order in one transaction; whether there was one to do."""
        with self.registry.database.writing() as connection:
            job = promotion_jobs.JOBS.oldest(driver(connection))
        if job is None:
            return False
        command_id = self.registry.keys.part(job.promotion_id, job.state, job.chunk)
        command = Command(PRINCIPAL, command_id, job.promotion_id.bytes)
        do_chunk(
            self.registry,
            command,
            lambda connection: self._kept(connection, job),
            lambda raw: promotion_jobs.JOBS.renumber(raw, job),
        )
        return True

    def _kept(self, connection: Connection, job: Job) -> Chunk:
        tally, proposed, last = self._chunk(connection, job)
        step("promotion.before_commit")
        if last is None:
            return Chunk(proposed, lambda raw: promotion_jobs.finish(raw, job))
        return Chunk(proposed, lambda raw: promotion_jobs.JOBS.keep_chunk(raw, job, tally.kept(), last))

    def _chunk(self, connection: Connection, seen: Job) -> _Done:
        raw = driver(connection)
        job = promotion_jobs.JOBS.one(raw, seen.promotion_id, lock=True)
        if job is None or (job.state, job.chunk) != (seen.state, seen.chunk):
            raise Overtaken
        students = students_after(raw, job.after, CHUNK_STUDENTS)
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
        made_by = partial(made_by_promotion, job.promotion_id)
        found = {each: former(made_by, _history(loaded[each])) for each in students}
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
