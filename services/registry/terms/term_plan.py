"""What is due in every term, as configuration: its tasks, whose they are, and rules for their days. Pure.

The content of a ``TermPlanActivated`` event is the canonical JSON of such a plan. A day is counted from the term's
first or last day, its first school day, the due day of a task before it, or is the same day of every year; months and
days are added first, then working days. Working days are the calendar's school days, Monday to Friday between terms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, NamedTuple

import msgspec

from services.registry.term_errors import BadTermPlan
from shared.standards.school_calendar import SchoolCalendar, Span, months_on

Who = Literal["aid_clerk", "school"]
Anchor = Literal["first_day", "first_school_day", "last_day", "task", "fixed"]
TASKS_MOST = 40
NAME_CHARACTERS = 40
OFFSET_MOST = 400  # days or working days; a term and the holidays after it are shorter
MONTHS_MOST = 12
DISCLOSURE = "disclosure"
DISCLOSURE_WORKING_DAYS = 5  # the least that the rules on disclosure allow (domain.md §11)
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


class DayRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A day of a term. ``task``: whose due day it is counted from; ``month`` and ``day``: of a fixed one, the first
    such day that is not before the term."""

    anchor: Anchor
    task: str = ""
    month: int = 0
    day: int = 0
    months: int = 0
    days: int = 0
    working_days: int = 0


class PlannedTask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``working_days_least``: it lasts so many working days at least, whatever the rules of its days say."""

    task: str
    name_zh: str
    name_en: str
    who: Who
    opens: DayRule
    due: DayRule
    working_days_least: int = 0


class TermPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tasks: tuple[PlannedTask, ...]


class TermTask(NamedTuple):
    """A task of one term: it can be worked on from ``opens_on``, done from ``earliest_on``, and is late after
    ``due_on``."""

    planned: PlannedTask
    opens_on: date
    earliest_on: date
    due_on: date

    def state(self, day: date, done: bool) -> Literal["done", "late", "due", "upcoming"]:
        """How it stands on a day."""
        if done:
            return "done"
        return "late" if day > self.due_on else "due" if day >= self.opens_on else "upcoming"


def canonical(plan: TermPlan) -> str:
    """The one JSON text of a plan: the declared order of fields, no blanks, nothing that is left at its default."""
    return msgspec.json.encode(plan).decode()


def content_hash(content: str) -> str:
    """Hex SHA-256 of the content's UTF-8."""
    return hashlib.sha256(content.encode()).hexdigest()


def parse(content: str | bytes) -> TermPlan:
    """The plan in ``content``. Raises BadTermPlan, saying which rule it breaks."""
    try:
        plan = msgspec.json.decode(content, type=TermPlan)
    except msgspec.DecodeError as error:
        raise BadTermPlan("格式不正确", f"it cannot be read: {error}") from None
    if not 1 <= len(plan.tasks) <= TASKS_MOST:
        raise BadTermPlan(f"任务应为1至{TASKS_MOST}项", f"it has 1 to {TASKS_MOST} tasks")
    before: set[str] = set()
    for task in plan.tasks:
        if not _CODE.fullmatch(task.task) or task.task in before:
            raise BadTermPlan(
                f"任务代码“{task.task}”不正确或重复", f"the code {task.task!r} is not one, or stands twice"
            )
        if any(not 1 <= len(name) <= NAME_CHARACTERS for name in (task.name_zh, task.name_en)):
            raise BadTermPlan(f"任务“{task.task}”要有名称", f"{task.task} has no name, or too long a one")
        for rule in (task.opens, task.due):
            _check(task.task, rule, before)
        least = DISCLOSURE_WORKING_DAYS if task.task == DISCLOSURE else 0
        if not least <= task.working_days_least <= OFFSET_MOST:
            raise BadTermPlan(
                f"公示不少于{DISCLOSURE_WORKING_DAYS}个工作日",
                f"a disclosure lasts {DISCLOSURE_WORKING_DAYS} working days at least",
            )
        before.add(task.task)
    return plan


def term_tasks(plan: TermPlan, term: Span, calendar: SchoolCalendar) -> tuple[TermTask, ...]:
    """The tasks of a term with their days, in the order of the plan."""
    due: dict[str, date] = {}
    found = []
    for task in plan.tasks:
        opens = _day(task.opens, term, calendar, due)
        earliest = opens
        if task.working_days_least:
            earliest = calendar.nth_working_day_from(opens - timedelta(days=1), task.working_days_least)
        due[task.task] = max(_day(task.due, term, calendar, due), earliest)
        found.append(TermTask(task, opens, earliest, due[task.task]))
    return tuple(found)


def _day(rule: DayRule, term: Span, calendar: SchoolCalendar, due: Mapping[str, date]) -> date:
    match rule.anchor:
        case "first_day":
            day = term.first
        case "first_school_day":
            day = calendar.first_school_day(term)
        case "last_day":
            day = term.last
        case "task":
            day = due[rule.task]
        case "fixed":
            day = term.first.replace(month=rule.month, day=rule.day)
            day = day if day >= term.first else day.replace(year=day.year + 1)
    day = months_on(day, rule.months) + timedelta(days=rule.days)
    return calendar.nth_working_day_from(day, rule.working_days)


def _check(task: str, rule: DayRule, before: set[str]) -> None:
    if rule.anchor == "task" and rule.task not in before:
        raise BadTermPlan(f"任务“{task}”只能接在它前面的任务之后", f"{task} can only follow a task before it")
    if rule.anchor == "fixed" and not _is_day(rule.month, rule.day):
        raise BadTermPlan(f"任务“{task}”的固定日期不存在", f"the fixed day of {task} does not exist every year")
    if max(abs(rule.days), abs(rule.working_days)) > OFFSET_MOST or not -MONTHS_MOST <= rule.months <= MONTHS_MOST:
        raise BadTermPlan(f"任务“{task}”的天数过大", f"the days of {task} lie too far away")


def _is_day(month: int, day: int) -> bool:
    try:
        date(2001, month, day)  # a common year: 29 February is no day of every year
    except ValueError:
        return False
    return True
