"""The case plan: how many working days each step may take at each level, and what makes a case urgent. Pure.

The content of a ``CasePlanActivated`` event is the canonical JSON of such a plan. Days are working days of the place's
calendar; the day a step becomes possible does not count.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import NamedTuple, Protocol

import msgspec

from services.notifications.case_errors import BadCasePlan
from services.notifications.case_events import CasePlanActivated, LateReason, Level
from shared.standards.school_calendar import SchoolCalendar

LEVELS: tuple[Level, ...] = ("school", "township", "county", "city")
DAYS_MOST = 120
WEIGHT_MOST = 100
FIRST_PLAN_FROM = date(2019, 9, 1)


class StepDays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Working days until it is seen, until a team stands, until the team tried, until the child is back; the last one
    counts from when the level began to answer for it."""

    acknowledge: int = 2
    team: int = 3
    attempt: int = 5
    returned: int = 20


class Weights(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What each circumstance adds to a case's priority. None of them is a signal by itself (domain.md §9). ``sibling``
    counts for each other child of the household or guardian with an open case, at most three of them."""

    poor: int = 3
    sibling: int = 2
    orphan: int = 3
    disabled: int = 2
    left_behind: int = 2
    reopened: int = 1


class CasePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``answer_days``: working days to answer where a confirmed dropout is, asked at the start of every term."""

    school: StepDays = StepDays()
    township: StepDays = StepDays()
    county: StepDays = StepDays(acknowledge=3, team=5, attempt=5, returned=20)
    answer_days: int = 10
    weights: Weights = Weights()

    def days(self, level: Level) -> StepDays:
        """The days of a level. Raises KeyError for the last one, which nobody answers for above."""
        return {"school": self.school, "township": self.township, "county": self.county}[level]


class Clock(Protocol):
    """The days of a case's steps, as the aggregate or a row of it tells them."""

    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def level(self) -> Level: ...
    @property
    def level_on(self) -> date: ...
    @property
    def seen_on(self) -> date | None: ...
    @property
    def team_on(self) -> date | None: ...
    @property
    def attempted_on(self) -> date | None: ...
    @property
    def asked_on(self) -> date | None: ...
    @property
    def answer_by(self) -> date | None: ...


class Deadline(NamedTuple):
    """What is to be done by ``due_on`` (still that day); after it, ``then`` answers for the case."""

    reason: LateReason
    due_on: date
    then: Level


def canonical(plan: CasePlan) -> str:
    """The one JSON text of a plan."""
    return msgspec.json.encode(plan).decode()


def content_hash(content: str) -> str:
    """Hex SHA-256 of the content's UTF-8."""
    return hashlib.sha256(content.encode()).hexdigest()


def activation(plan: CasePlan) -> CasePlanActivated:
    """The event that puts a plan into force."""
    content = canonical(plan)
    return CasePlanActivated(content=content, content_hash=content_hash(content))


def parse(content: str | bytes) -> CasePlan:
    """The plan in ``content``. Raises BadCasePlan."""
    try:
        plan = msgspec.json.decode(content, type=CasePlan)
    except msgspec.DecodeError as error:
        raise BadCasePlan("格式不正确", f"it cannot be read: {error}") from None
    days = [plan.answer_days, *(getattr(plan.days(level), step) for level in LEVELS[:-1] for step in _STEPS)]
    if not all(1 <= each <= DAYS_MOST for each in days):
        raise BadCasePlan(f"的天数应为1至{DAYS_MOST}", f"its days are 1 to {DAYS_MOST}")
    if not all(0 <= getattr(plan.weights, name) <= WEIGHT_MOST for name in Weights.__struct_fields__):
        raise BadCasePlan(f"的权重应为0至{WEIGHT_MOST}", f"its weights are 0 to {WEIGHT_MOST}")
    return plan


_STEPS = StepDays.__struct_fields__


class WorkingDays:
    """A calendar that counts each stretch of working days once: a hundred thousand cases have few days among them."""

    def __init__(self, calendar: SchoolCalendar) -> None:
        self._calendar = calendar
        self._counted: dict[tuple[date, int], date] = {}

    def nth_working_day_from(self, day: date, n: int) -> date:
        """As SchoolCalendar's."""
        if (day, n) not in self._counted:
            self._counted[day, n] = self._calendar.nth_working_day_from(day, n)
        return self._counted[day, n]


def deadline(case: Clock, plan: CasePlan, calendar: SchoolCalendar | WorkingDays) -> Deadline | None:
    """What an open case waits for next; None at the last level, for a confirmed dropout nobody is asked about, and for
    a silent class that somebody has read of: no team goes to a class, its report ends the alert."""
    if case.level == LEVELS[-1] or (case.kind == "class_silent" and case.seen_on is not None):
        return None
    then, days, begun = LEVELS[LEVELS.index(case.level) + 1], plan.days(case.level), case.level_on

    def after(since: date | None, count: int) -> date:
        return calendar.nth_working_day_from(max(begun, since or begun), count)

    if case.state == "dropped_out":
        asked, answered = case.asked_on, case.attempted_on
        if asked is None or case.answer_by is None or (answered is not None and answered >= asked):
            return None
        return Deadline("no_attempt", max(case.answer_by, after(begun, days.attempt)), then)
    if case.seen_on is None:
        return Deadline("not_acknowledged", after(None, days.acknowledge), then)
    if case.team_on is None:
        return Deadline("no_team", after(case.seen_on, days.team), then)
    back = Deadline("not_returned_in_time", after(None, days.returned), then)
    if case.attempted_on is None or case.attempted_on < begun:
        tried = Deadline("no_attempt", after(case.team_on, days.attempt), then)
        return min(tried, back, key=lambda each: each.due_on)
    return back
