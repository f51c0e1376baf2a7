"""How the tasks of a term become rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.registry.events import TermPlanActivated, TermTaskDone, TermTaskReopened
from services.registry.term_tables import TERM_PLANS, TERM_TASKS
from shared.eventsourcing.projection import Assertion, Recorded
from shared.kernel.facts import Fact


def plan_activated(event: Recorded) -> Iterable[Assertion]:
    fact: TermPlanActivated = event.fact
    values = {"content": fact.content, "content_hash": fact.content_hash}
    yield Assertion(TERM_PLANS, event.stream_id, event.effective_on, values)


def task_done(event: Recorded) -> Iterable[Assertion]:
    fact: TermTaskDone = event.fact
    values = {
        "done": True,
        "done_on": event.effective_on,
        "told_by": fact.done_by,
        "note": fact.note,
        "count": fact.count,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(TERM_TASKS, event.stream_id, event.effective_on, values)


def task_reopened(event: Recorded) -> Iterable[Assertion]:
    fact: TermTaskReopened = event.fact
    values = {"done": False, "done_on": None, "told_by": fact.reopened_by, "note": fact.note, "count": None}
    yield Assertion(TERM_TASKS, event.stream_id, event.effective_on, values)


TERM_FOLDS: dict[type[Fact], Any] = {
    TermPlanActivated: plan_activated,
    TermTaskDone: task_done,
    TermTaskReopened: task_reopened,
}
