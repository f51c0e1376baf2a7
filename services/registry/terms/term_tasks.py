"""The acts on a term's tasks: its plan is activated, a task is done, or taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from services.registry.events import TermPlanActivated, TermTaskDone, TermTaskReopened
from services.registry.handlers import Registry, covers
from services.registry.projections import REGISTER
from services.registry.reference_errors import CalendarRefused
from services.registry.term_errors import (
    TermTaskAlreadyDone,
    TermTaskChangedLater,
    TermTaskInFuture,
    TermTaskNotDone,
    TermTaskTooEarly,
    TermTaskUnknown,
)
from services.registry.terms.term_plan import TermPlan, TermTask, canonical, content_hash, parse
from services.registry.terms.term_queries import Tasks
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.refusals import Forbidden
from shared.standards.school_calendar import CalendarError


@dataclass(frozen=True, slots=True)
class NamedTask:
    """``school_code`` of a school's own task."""

    school_year: int
    term: str
    task: str
    school_code: str | None = None


@dataclass(frozen=True, slots=True)
class DoTask:
    named: NamedTask
    on: date
    note: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ReopenTask:
    named: NamedTask
    on: date
    note: str


def activate_plan(registry: Registry, scope: Scope, plan: TermPlan, as_of: date, command: Command) -> Result:
    """Raises BadTermPlan, Forbidden outside the scope; nothing for the same content again."""
    content = canonical(plan)
    parse(content)
    if not covers(scope, registry.division, None):
        raise Forbidden("只能由县级资助中心设置", "Only the county's aid centre sets it")
    stream = registry.keys.term_plan()

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = registry.store.load(connection, stream)
        activated = TermPlanActivated(content=content, content_hash=content_hash(content))
        if stored and stored[-1].fact == activated:
            return []
        return [Proposed(stream, len(stored), activated, as_of)]

    return registry.store.run(registry.database, command, decide)


def do_task(registry: Registry, scope: Scope, by: str, intent: DoTask, today: date, command: Command) -> Result:
    """Raises TermTaskUnknown (also outside the scope), TermTaskTooEarly, TermTaskInFuture, TermTaskAlreadyDone,
    TermTaskChangedLater."""
    named = intent.named
    planned, division, plan_hash = _planned(registry, scope, named, today)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if intent.on > today:
            raise TermTaskInFuture
        if intent.on < planned.earliest_on:
            raise TermTaskTooEarly(planned.earliest_on)
        stream = _stream(registry, named)
        stored = registry.store.load(connection, stream)
        if stored and isinstance(stored[-1].fact, TermTaskDone):
            raise TermTaskAlreadyDone
        if stored and intent.on < stored[-1].event.effective_on:
            raise TermTaskChangedLater(stored[-1].event.effective_on)
        done = TermTaskDone(
            school_year=named.school_year,
            term=named.term,
            task=named.task,
            division_code=division,
            school_code=named.school_code,
            done_by=by,
            note=intent.note,
            count=intent.count,
            plan_hash=plan_hash,
        )
        return [Proposed(stream, len(stored), done, intent.on)]

    return registry.store.run(registry.database, command, decide)


def reopen_task(registry: Registry, scope: Scope, by: str, intent: ReopenTask, today: date, command: Command) -> Result:
    """Raises TermTaskUnknown (also outside the scope), TermTaskNotDone, TermTaskInFuture, TermTaskChangedLater."""
    named = intent.named
    _, division, _ = _planned(registry, scope, named, today)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if intent.on > today:
            raise TermTaskInFuture
        stream = _stream(registry, named)
        stored = registry.store.load(connection, stream)
        if not stored or not isinstance(stored[-1].fact, TermTaskDone):
            raise TermTaskNotDone
        if intent.on < stored[-1].event.effective_on:
            raise TermTaskChangedLater(stored[-1].event.effective_on)
        reopened = TermTaskReopened(
            school_year=named.school_year,
            term=named.term,
            task=named.task,
            division_code=division,
            school_code=named.school_code,
            reopened_by=by,
            note=intent.note,
        )
        return [Proposed(stream, len(stored), reopened, intent.on)]

    return registry.store.run(registry.database, command, decide)


def _planned(registry: Registry, scope: Scope, named: NamedTask, day: date) -> tuple[TermTask, str, str]:
    """The task as the plan and the calendar of the day tell it, the division it belongs to, and the plan's hash."""
    with registry.database.reading(scope, REGISTER.name) as connection:
        try:
            tasks = Tasks(connection, registry.keys, registry.division, day, lambda *place: covers(scope, *place))
            term = tasks.named(named.school_year, named.term)
            found = None if term is None else tasks.task(term, named.task, named.school_code)
        except CalendarError as wrong:
            raise CalendarRefused(wrong.message_zh, wrong.message_en) from None
    if found is None:
        raise TermTaskUnknown(named.term, named.task)
    school = next((each for each in tasks.schools if each.code == named.school_code), None)
    return found, registry.division if school is None else school.division, tasks.plan_hash


def _stream(registry: Registry, named: NamedTask) -> UUID:
    return registry.keys.term_task(named.school_year, named.term, named.task, named.school_code)
