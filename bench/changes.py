"""A mass change of every student of a register: its preview, its application after a second person's approval, its
undoing.

One process, PostgreSQL with fsync (registry_inside.py).
"""

from __future__ import annotations

import resource
import time
import uuid
from uuid import UUID

from bench.registry_inside import DIVISION, Inside, registry_inside
from bench.report import BenchResult, Measure, result
from services.registry.changes import change_jobs, change_orders
from services.registry.changes.change_jobs import Job, State
from services.registry.changes.change_orders import ProposeChange
from services.registry.changes.change_rules import ChangeSet
from services.registry.changes.change_work import Changing
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today

SCOPE = Scope(division=DIVISION)
KIBIBYTES = 1_024  # in a mebibyte, as which the peak is told


def run(events: int = 100_000) -> BenchResult:
    """``events``: students of the register, all of whom change their class. Raises RuntimeError when not each of them
    was previewed, changed and put back."""
    with registry_inside(events) as inside:
        registry, changing = inside.registry, Changing(inside.registry)
        before = inside.processors()
        change = ChangeSet(uuid.UUID(int=0), "fields", today(), DIVISION, values={"class_name": "4班"})
        change_id = change_orders.propose(registry, SCOPE, ProposeChange(change, "bench"), _command("one"), today())
        measures = inside.worked("previewed", changing.change_some)
        job = _stands(inside, change_id, "ready", None)
        began = time.perf_counter()
        change_orders.approve(registry, SCOPE, change_id, job.digest, _command("another"))
        measures.append(Measure("preview approved", 1, time.perf_counter() - began))
        measures += inside.worked("changed", changing.change_some)
        _stands(inside, change_id, "applied", "changed")
        change_orders.undo(registry, SCOPE, change_id, _command("one"), today())
        measures += inside.worked("put back", changing.change_some)
        _stands(inside, change_id, "undone", "restored")
        after = inside.processors()
        return result(
            "changes",
            measures,
            students=events,
            peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIBIBYTES,
            processor_seconds=round(after.own - before.own, 1),
            postgres_processor_seconds=round(after.server - before.server, 1),
        )


def _stands(inside: Inside, change_id: UUID, state: State, outcome: str | None) -> Job:
    with inside.registry.database.writing() as connection:
        job = change_jobs.JOBS.one(driver(connection), change_id)
    assert job is not None, "it was proposed"
    tally = job.undo_tally if state == "undone" else job.tally
    done = job.students if outcome is None else change_jobs.Counts.kept(tally)[outcome]
    if (job.state, done) != (state, inside.students):
        raise RuntimeError(f"{job.state}: {done} of {inside.students} students")
    return job


def _command(principal: str) -> Command:
    return Command(principal, uuid.uuid4(), b"bench")
