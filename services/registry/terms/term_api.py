"""The tasks of the terms over HTTP: what is due, what was done, for the county and for each school."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry.handlers import Registry, covers
from services.registry.projections import REGISTER
from services.registry.purposes import check_note
from services.registry.reference.reference_queries import ReferenceHappened, happened
from services.registry.reference_errors import CalendarRefused
from services.registry.terms import term_tasks
from services.registry.terms.term_plan import TermPlan, canonical, parse
from services.registry.terms.term_queries import DueTask, Tasks, TaskState, TermRow, TermTaskRow
from services.registry.terms.term_tasks import DoTask, NamedTask, ReopenTask
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.standards.school_calendar import CalendarError
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Reader = Annotated[Viewer, Depends(require(Right.TERMS_READ))]
Doer = Annotated[Viewer, Depends(require(Right.TERMS_DO))]
Clerk = Annotated[Viewer, Depends(require(Right.TERMS_PLAN))]
Code = Annotated[str | None, Query(max_length=64)]
COUNT_MOST = 10_000_000


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    school_year: int = Field(ge=1950, le=2200)
    term: str = Field(min_length=1, max_length=40)
    task: str = Field(min_length=1, max_length=40)
    school_code: str | None = Field(default=None, min_length=1, max_length=40)
    on: date | None = None

    def named(self) -> NamedTask:
        return NamedTask(self.school_year, self.term, self.task, self.school_code)


class Done(_Named):
    """``on``: the day it was done, today unless told. ``note`` holds no number of anybody."""

    note: str = Field(default="", max_length=200)
    count: int | None = Field(default=None, ge=0, le=COUNT_MOST)


class Reopened(_Named):
    """``note``: why it is to be done again."""

    note: str = Field(min_length=2, max_length=200)


class Recorded(BaseModel):
    """The same answer however often the command is repeated; no event when nothing changed."""

    event_ids: tuple[UUID, ...]


class PlanInForce(BaseModel):
    content: dict[str, Any]
    content_hash: str


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _acting(routes, registry)
    _planning(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/terms")
    def terms(viewer: Reader, true_on: date | None = None) -> Page[TermRow]:
        """The terms of the county's calendar, the newest first, each with how its tasks stand."""
        with _tasks(registry, viewer, true_on) as tasks:
            return Page(items=[tasks.counted(term, viewer.language) for term in reversed(tasks.terms)])

    @routes.get("/term-tasks")
    def of_term(
        viewer: Reader,
        turn: Turn,
        school_year: int | None = None,
        term: Code = None,
        task: Code = None,
        state: TaskState | None = None,
        school: Code = None,
        true_on: date | None = None,
    ) -> Page[TermTaskRow]:
        """The tasks of one term in the order of the plan, a school's own by school; of the term that began last unless
        another is named."""
        with _tasks(registry, viewer, true_on) as tasks:
            wanted = {"task": task, "state": state, "school_code": school}
            chosen = [
                each
                for each in (tasks.begun() or tasks.terms)
                if term in (None, each.span.name) and school_year in (None, each.school_year)
            ] or [each for each in tasks.terms if (each.school_year, each.span.name) == (school_year, term)]
            rows = list(tasks.of_term(chosen[0], viewer.language)) if chosen else []
        order = {planned.task: place for place, planned in enumerate(tasks.plan.tasks if tasks.plan else ())}
        keyed = [((order[row.task], row.school_code or ""), row) for row in rows]
        if turn.after is not None and [type(part) for part in turn.after] != [int, str]:
            turn.beyond()  # refuses another list's cursor
        kept = [
            row
            for key, row in keyed
            if all(value is None or getattr(row, name) == value for name, value in wanted.items())
            and (turn.after is None or key > turn.after)
        ]
        return page_of(kept[: turn.fetch], turn, key=lambda row: (order[row.task], row.school_code or ""))

    @routes.get("/term-tasks/due")
    def due(viewer: Reader, true_on: date | None = None) -> list[DueTask]:
        """What is to be worked on by the viewer or the schools in her scope, by the day it is due."""
        with _tasks(registry, viewer, true_on) as tasks:
            return tasks.due(viewer.language)


def _acting(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/term-tasks/done")
    def done(body: Done, request: Request, viewer: Doer) -> Recorded:
        """A school records its own tasks; the clerk the county's, and a school's when it reports by other ways."""
        check_note(body.note)
        intent = DoTask(body.named(), body.on or today(), body.note, body.count)
        command = command_from(request, viewer, body)
        result = term_tasks.do_task(registry, viewer.scope, viewer.principal, intent, today(), command)
        return Recorded(event_ids=result.event_ids)

    @routes.post("/term-tasks/reopen")
    def reopen(body: Reopened, request: Request, viewer: Doer) -> Recorded:
        """It is to be done again."""
        check_note(body.note)
        intent = ReopenTask(body.named(), body.on or today(), body.note)
        command = command_from(request, viewer, body)
        result = term_tasks.reopen_task(registry, viewer.scope, viewer.principal, intent, today(), command)
        return Recorded(event_ids=result.event_ids)


def _planning(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/term-plan")
    def plan(viewer: Reader, true_on: date | None = None) -> PlanInForce | None:
        """The plan in force on a day."""
        with _tasks(registry, viewer, true_on) as tasks:
            if tasks.plan is None:
                return None
            return PlanInForce(content=_told(tasks.plan), content_hash=tasks.plan_hash)

    @routes.get("/term-plan/history")
    def history(viewer: Reader) -> list[ReferenceHappened]:
        """Every plan that was put into force, the newest first."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            return happened(connection, registry.keys.term_plan(), viewer.language)

    @routes.post("/term-plan", status_code=201)
    def activate(body: dict[str, Any], request: Request, viewer: Clerk, as_of: date | None = None) -> Recorded:
        """Another plan from ``as_of`` (default today) on, whole, in the form that GET tells."""
        activated = parse(msgspec.json.encode(body))
        command = command_from(request, viewer, msgspec.json.encode(body))
        result = term_tasks.activate_plan(registry, viewer.scope, activated, as_of or today(), command)
        return Recorded(event_ids=result.event_ids)


@contextmanager
def _tasks(registry: Registry, viewer: Viewer, true_on: date | None) -> Iterator[Tasks]:
    """Raises CalendarRefused."""
    day = true_on or today()
    with registry.database.reading(viewer.scope, REGISTER.name) as connection:
        try:
            yield Tasks(connection, registry.keys, registry.division, day, lambda *place: covers(viewer.scope, *place))
        except CalendarError as wrong:
            raise CalendarRefused(wrong.message_zh, wrong.message_en) from None


def _told(plan: TermPlan) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(canonical(plan))
    return told
