"""People propose a mass change, approve or refuse it, and have it undone. The worker (change_work.py) does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import get_args
from uuid import UUID

from sqlalchemy import Connection

from services.registry.change_errors import (
    ChangeImpossible,
    ChangeInAnotherState,
    ChangeUndoTooLate,
    ChangeUnknown,
    PreviewDiffers,
    PreviewOutdated,
)
from services.registry.change_events import (
    BY_STUDENT,
    ChangeSetApproved,
    ChangeSetProposed,
    ChangeSetRefused,
    ChangeSetUndoStarted,
)
from services.registry.changes import change_jobs, change_schools, change_wanted
from services.registry.changes.change_jobs import Counts, Job, State
from services.registry.changes.change_rules import PLACE_FIELDS, WHERE_FIELDS, ChangeSet, value_problem
from services.registry.changes.change_wanted import Wanted
from services.registry.changes.change_work import concerned
from services.registry.events import Stage
from services.registry.handlers import Registry, covers
from services.registry.life_errors import DayInFuture, DayTooLongAgo
from services.registry.lists import standing
from services.registry.lists.known_schools import Schools
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.clock import SHANGHAI
from shared.standards.division import scope as shortest
from shared.standards.separation import CHANGES_APPROVE

EARLIEST = timedelta(days=366)
UNDO_DAYS = 183  # half a school year: later, what rests on the change is too much to be put back as a whole


@dataclass(frozen=True, slots=True)
class ProposeChange:
    """``change`` without its id and without what is looked up (the division of ``into``); ``wanted``: of a kind where
    each student has values of her own."""

    change: ChangeSet
    reason: str
    wanted: Sequence[Wanted] = ()


def propose(registry: Registry, scope: Scope, intent: ProposeChange, command: Command, today: date) -> UUID:
    """The change's id, the same for the same command; its preview is made at once by the worker. Raises DayInFuture,
    DayTooLongAgo, ChangeImpossible."""
    change_id = registry.keys.change(command.principal, command.command_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        change = _checked(registry, connection, scope, replace(intent.change, change_id=change_id), today)
        if change.kind in BY_STUDENT:
            if not intent.wanted:
                raise ChangeImpossible("nothing_differs")
            change_wanted.keep(raw, registry.keyring, change_id, intent.wanted)
        change_jobs.begin(raw, change, intent.reason, command.principal)
        proposed = ChangeSetProposed(
            kind=change.kind,
            day=change.day,
            division_code=change.division_code,
            school_code=change.school_code,
            sources=change.sources,
            into=change.into,
            former_code=change.former_code,
            code=change.code,
            where=dict(change.where),
            values=dict(change.values),
            rows=len(intent.wanted) if change.kind in BY_STUDENT else None,
            reason=intent.reason,
            proposed_by=command.principal,
        )
        return [Proposed(change_id, 0, proposed, change.day)]

    registry.store.run(registry.database, command, decide)
    return change_id


def preview_again(registry: Registry, scope: Scope, change_id: UUID) -> None:
    """Make the preview anew. Raises ChangeUnknown, ChangeInAnotherState."""
    with registry.database.writing() as connection:
        raw = driver(connection)
        job = _in_state(connection, scope, change_id, "ready")
        change_jobs.preview_again(raw, job)


def approve(registry: Registry, scope: Scope, change_id: UUID, preview_hash: str, command: Command) -> Result:
    """Let it be done. Raises ChangeUnknown, ChangeInAnotherState, SecondPersonNeeded, PreviewDiffers,
    PreviewOutdated."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        job = _in_state(connection, scope, change_id, "ready")
        CHANGES_APPROVE.check(job.proposed_by, command.principal)
        if job.digest != preview_hash:
            raise PreviewDiffers(preview_hash)
        if outdated := concerned(registry, connection, job, raw):
            raise PreviewOutdated(change_id, outdated)
        version = len(registry.store.load(connection, change_id))
        approved = ChangeSetApproved(
            preview_hash=preview_hash,
            students=job.students,
            proposed_by=job.proposed_by,
            approved_by=command.principal,
        )
        change_jobs.enter(raw, change_id, "applying", approved_by=command.principal)
        schools = change_schools.changed(registry, connection, job.change)
        return [Proposed(change_id, version, approved, job.day), *schools]

    return registry.store.run(registry.database, command, decide)


def refuse(registry: Registry, scope: Scope, change_id: UUID, reason: str, command: Command, today: date) -> Result:
    """It will not be done. Raises ChangeUnknown, ChangeInAnotherState."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        _in_state(connection, scope, change_id, "ready")
        version = len(registry.store.load(connection, change_id))
        change_jobs.enter(driver(connection), change_id, "refused")
        refused = ChangeSetRefused(refused_by=command.principal, reason=reason)
        return [Proposed(change_id, version, refused, today)]

    return registry.store.run(registry.database, command, decide)


def undo(registry: Registry, scope: Scope, change_id: UUID, command: Command, today: date) -> Result:
    """Begin to put back what it changed; schools at once. Raises ChangeUnknown, ChangeInAnotherState,
    ChangeUndoTooLate."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        job = _in_state(connection, scope, change_id, "applied")
        assert job.finished_at is not None, "an applied change was finished"
        finished_on = job.finished_at.astimezone(SHANGHAI).date()
        if today - finished_on > timedelta(days=UNDO_DAYS):
            raise ChangeUndoTooLate(change_id, finished_on)
        version = len(registry.store.load(connection, change_id))
        change_jobs.enter(raw, change_id, "undoing")
        schools, kept = change_schools.restored(registry, connection, job.change)
        change_jobs.note_kept_schools(raw, change_id, Counts({f"school:{code}": 1 for code in kept}))
        return [Proposed(change_id, version, ChangeSetUndoStarted(undone_by=command.principal), today), *schools]

    return registry.store.run(registry.database, command, decide)


def visible(scope: Scope, job: Job) -> bool:
    """Whether the change is the viewer's to see."""
    return covers(scope, job.division_code, job.school_code)


def _in_state(connection: Connection, scope: Scope, change_id: UUID, state: State) -> Job:
    job = change_jobs.JOBS.one(driver(connection), change_id, lock=True)
    if job is None or not visible(scope, job):
        raise ChangeUnknown(change_id)
    if job.state != state:
        raise ChangeInAnotherState(change_id, job.state)
    return job


def _checked(registry: Registry, connection: Connection, scope: Scope, change: ChangeSet, today: date) -> ChangeSet:
    """The change with the caller's scope and the division of its school."""
    if change.day > today:
        raise DayInFuture(change.day)
    if change.day < today - EARLIEST:
        raise DayTooLongAgo(change.day, today - EARLIEST)
    schools = standing.schools(driver(connection), today)
    scoped = replace(change, division_code=scope.division or "", school_code=None)
    if scope.division is None:
        code = scope.school or ""
        if code not in schools.divisions or change.kind not in ("fields", *BY_STUDENT):
            raise ChangeImpossible("not_yours", code)
        scoped = replace(change, division_code=schools.divisions[code], school_code=code)
    if change.kind == "schools_merged":
        return _checked_merger(scoped, schools, scope)
    if change.kind == "division_changed":
        _check_codes(registry, driver(connection), scoped, scope)
    if change.kind == "fields":
        _check_values(scoped.where, scoped.values)
    return scoped


def _checked_merger(change: ChangeSet, schools: Schools, scope: Scope) -> ChangeSet:
    if not change.sources:
        raise ChangeImpossible("no_source")
    for code in (*change.sources, change.into or ""):
        if code not in schools.divisions:
            raise ChangeImpossible("unknown_school", code)
        if (before := schools.closed.get(code)) is not None and before.merged_into is not None:
            raise ChangeImpossible("merged_already", code)
        if not covers(scope, schools.divisions[code], code):
            raise ChangeImpossible("not_yours", code)
    if change.into in change.sources:
        raise ChangeImpossible("into_itself")
    assert change.into is not None, "an unknown school was refused"
    sources = tuple(sorted(set(change.sources)))
    return replace(change, sources=sources, into_division=schools.divisions[change.into])


def _check_codes(registry: Registry, raw: standing.Raw, change: ChangeSet, scope: Scope) -> None:
    former, code = change.former_code or "", change.code or ""
    if former == code:
        raise ChangeImpossible("same_code")
    if len(former) != len(code):
        raise ChangeImpossible("code_length")
    for each in (former, code):
        own = shortest(registry.division)
        inside = each.startswith(own) and len(each) > len(own)
        if not inside or not covers(scope, each, None):
            raise ChangeImpossible("not_here", each)
    change_schools.concerned(raw, change)


def _check_values(where: Mapping[str, str], values: Mapping[str, str]) -> None:
    if not values:
        raise ChangeImpossible("no_values")
    stages = get_args(Stage)
    wrong = [name for name, value in where.items() if name not in WHERE_FIELDS or value_problem(name, value, stages)]
    wrong += [
        name
        for name, value in values.items()
        if name not in PLACE_FIELDS or (value != "" and value_problem(name, value, stages))
    ]
    if wrong:
        raise ChangeImpossible("bad_value", wrong[0])
