"""Does what mass changes ask for: previews them, applies the approved ones and undoes them, a thousand students at a
time, by whichever process has the next turn (chunked_work.py)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from services.registry.change_events import ChangeSetApplied, ChangeSetUndone
from services.registry.changes import change_jobs
from services.registry.changes.change_effects import Effect, Effects
from services.registry.changes.change_jobs import Counts, Job, PreviewRow
from services.registry.changes.change_rules import corrected_by_change, placed_by_change
from services.registry.handlers import Registry
from services.registry.jobs.chunked_work import Chunk, Overtaken, Raw, do_chunk, run_until
from services.registry.jobs.formerly import former
from services.registry.jobs.on_a_day import Dated, placed
from services.registry.students.particulars import stated_before
from shared.database.database import driver
from shared.eventsourcing.store import BATCH_LIMIT, Command, Proposed, Stored
from shared.kernel.failpoints import step

CHUNK_STUDENTS = 1_000
PRINCIPAL = "system:change"


@dataclass
class Changing:
    """Any number of processes may run it; each chunk is done by one of them, once."""

    registry: Registry

    def run(self, stop: threading.Event) -> None:
        """Go on with whatever is to be done until ``stop``."""
        run_until(stop, "a mass change", self.change_some)

    def change_some(self) -> bool:
        """One chunk of the oldest change that waits, in one transaction; whether there was one."""
        with self.registry.database.writing() as connection:
            raw = driver(connection)
            job = change_jobs.JOBS.oldest(raw)
            if job is None:
                return False
            if job.state == "previewing":
                self._preview(connection, job.change_id)
                return True
        command_id = self.registry.keys.part(job.change_id, f"{job.state}{job.attempt}", job.chunk)
        do_chunk(
            self.registry,
            Command(PRINCIPAL, command_id, job.change_id.bytes),
            lambda connection: self._chunk(connection, job),
            lambda raw: change_jobs.JOBS.renumber(raw, job),
        )
        return True

    def _preview(self, connection: Connection, change_id: UUID) -> None:
        raw = driver(connection)
        job = change_jobs.JOBS.one(raw, change_id, lock=True)
        if job is None or job.state != "previewing":
            return  # another process made it meanwhile
        effects = Effects(self.registry, connection, job)
        students = effects.concerned_after(job.after, CHUNK_STUDENTS)
        if not students:
            change_jobs.enter(raw, change_id, "ready")
            return
        fields, rows, digest = Counts.kept(job.fields), [], job.digest
        for student_id, effect in effects.of(students).items():
            row = PreviewRow(student_id, effect.school_code, effect.before, effect.after)
            digest = self.registry.keys.digest([digest, str(student_id), effect.mark])
            rows.append(row)
            for name in effect.after:
                fields.note(name)
        step("change.before_preview_commit")
        change_jobs.keep_preview(raw, job, rows, fields, digest, students[-1])

    def _chunk(self, connection: Connection, seen: Job) -> Chunk:
        raw = driver(connection)
        job = change_jobs.JOBS.one(raw, seen.change_id, lock=True)
        if job is None or (job.state, job.chunk) != (seen.state, seen.chunk):
            raise Overtaken
        rows = change_jobs.rows_after(raw, job.change_id, job.after, CHUNK_STUDENTS)
        if not rows:
            return self._finished(connection, job)
        proposed, tally, last = (
            self._applied(connection, job, rows) if job.state == "applying" else self._restored(connection, job, rows)
        )
        step("change.before_commit")
        return Chunk(proposed, lambda raw: change_jobs.JOBS.keep_chunk(raw, job, tally.keep(), last))

    def _applied(
        self, connection: Connection, job: Job, rows: Sequence[PreviewRow]
    ) -> tuple[list[Proposed], Counts, UUID]:
        tally = Counts.kept(job.tally)
        found = Effects(self.registry, connection, job).of([row.student_id for row in rows])
        proposed: list[Proposed] = []
        last = job.after
        for row in rows:
            effect = found.get(row.student_id)
            if effect is None or not _as_shown(effect, row):
                tally.note("changed_since")
            else:
                if len(proposed) + len(effect.proposed) > BATCH_LIMIT:
                    break  # the next chunk begins with this student
                tally.note("changed")
                proposed += effect.proposed
            last = row.student_id
        return proposed, tally, last

    def _restored(
        self, connection: Connection, job: Job, rows: Sequence[PreviewRow]
    ) -> tuple[list[Proposed], Counts, UUID]:
        tally = Counts.kept(job.undo_tally)
        loaded = self.registry.store.load_many(connection, [row.student_id for row in rows], personal=True)
        proposed: list[Proposed] = []
        last = job.after
        for row in rows:
            back = put_back(job.change_id, row.student_id, loaded[row.student_id])
            if back is None:
                tally.note("changed_since")
            elif back:
                if len(proposed) + len(back) > BATCH_LIMIT:
                    break
                tally.note("restored")
                proposed += back
            last = row.student_id
        return proposed, tally, last

    def _finished(self, connection: Connection, job: Job) -> Chunk:
        stored = self.registry.store.load(connection, job.change_id)
        if job.state == "applying":
            tally = Counts.kept(job.tally)
            applied = ChangeSetApplied(
                previewed=job.students, changed=tally["changed"], changed_since=tally["changed_since"]
            )
            done = [Proposed(job.change_id, len(stored), applied, job.day)]
            return Chunk(done, lambda raw: change_jobs.enter(raw, job.change_id, "applied"))
        undone = Counts.kept(job.undo_tally)
        kept = tuple(sorted(name.removeprefix("school:") for name in undone.of if name.startswith("school:")))
        fact = ChangeSetUndone(
            looked_at=undone["restored"] + undone["changed_since"],
            restored=undone["restored"],
            changed_since=undone["changed_since"],
            schools_kept=kept,
        )
        on = stored[-1].event.effective_on
        proposed = [Proposed(job.change_id, len(stored), fact, on)]
        return Chunk(proposed, lambda raw: change_jobs.enter(raw, job.change_id, "undone"))


def put_back(change_id: UUID, student_id: UUID, stored: Sequence[Stored]) -> list[Proposed] | None:
    """What restores one student: nothing when the change did not touch her, None when something else happened to her
    since. Particulars erased meanwhile stay so."""
    history = [Dated(each.fact, each.event.effective_on) for each in stored]
    places = former(partial(placed_by_change, change_id), history)
    details = stated_before(partial(corrected_by_change, change_id), history)
    if places is None or details is None:
        return None
    facts: list[tuple[Any, Any]] = []
    for place, on, _ in places:
        facts.append((placed(place, undone_change_id=change_id), on))
    facts += [(each.undone(change_id), each.on) for each in details]
    return [Proposed(student_id, len(stored), fact, on) for fact, on in facts]


def _as_shown(effect: Effect, row: PreviewRow) -> bool:
    """Whether she would be changed as the preview says."""
    return effect.school_code == row.school_code and (effect.before, effect.after) == (row.before, row.after)


def concerned(registry: Registry, connection: Connection, job: Job, raw: Raw) -> int:
    """How many students would be changed otherwise than the preview says, or were not in it."""
    ids = change_jobs.changed_since(raw, job.since)
    outdated = 0
    for begin in range(0, len(ids), CHUNK_STUDENTS):
        some = ids[begin : begin + CHUNK_STUDENTS]
        found = Effects(registry, connection, job).of(some)
        shown = change_jobs.rows_of(raw, job.change_id, some)
        for student_id in found.keys() | shown.keys():
            effect, row = found.get(student_id), shown.get(student_id)
            if effect is None or row is None or not _as_shown(effect, row):
                outdated += 1
    return outdated
