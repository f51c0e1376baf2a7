"""How good the rules are, over HTTP: their published figures, and other thresholds tried on a past."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.notifications.errors import BadRules, NoRulesYet
from services.notifications.events import AlertKind
from services.notifications.signals.memory import calendars_on, rules_on
from services.notifications.signals.rules import AlertRules, canonical, content_hash, parse
from services.notifications.whatif.figures import RuleFigure, Tally, figures
from services.notifications.whatif.outcomes import RULE_FIGURES
from services.notifications.whatif.pasts import Found, Past, acts_of, children, would_have_been
from services.notifications.whatif.verdicts import Course, measured, verdict
from shared.database.database import Database, driver
from shared.kernel.clock import today
from shared.messaging.builds import enter_live
from shared.standards.rights import Right
from shared.web.viewers import Viewer, require

WATCHING = "watching"
LONGEST_DAYS = 400
Reader = Annotated[Viewer, Depends(require(Right.ALERT_RULES_READ))]
Clerk = Annotated[Viewer, Depends(require(Right.ALERT_RULES_TRY))]


class Part(BaseModel):
    """The alerts of one kind, school and week (its Monday)."""

    kind: AlertKind
    school_code: str
    week: date
    raised: int
    right: int
    wrong: int


class Tries(BaseModel):
    """What would have been (``tried``) beside what the rules in force on ``last`` give on the same past
    (``in_force``)."""

    first: date
    last: date
    children: int
    rules: dict[str, float]
    rules_hash: str
    in_force_hash: str
    tried: list[Tally]
    in_force: list[Tally]
    parts: list[Part]


class Thresholds(BaseModel):
    """Those that may be tried; what is not given is as in force."""

    absent_days_running: int | None = None
    excused_days_running: int | None = None
    absent_share: float | None = None
    share_window: int | None = None
    share_least: int | None = None
    term_start_days: int | None = None
    return_days: int | None = None


def router(database: Database) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/alert-rules/figures")
    def rule_figures(viewer: Reader, true_on: date | None = None) -> list[RuleFigure]:
        """Precision, lead time and whether help followed, per version of the rules and kind."""
        with database.reading(viewer.scope, RULE_FIGURES.name) as connection:
            return figures(connection, true_on or today())

    @routes.get("/alert-rules/what-if")
    def what_if(
        viewer: Clerk,
        asked: Annotated[Thresholds, Depends()],
        first: Annotated[date, Query()],
        last: Annotated[date, Query()],
        school: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Tries:
        """How many alerts about absence other thresholds would have raised in a past period. Touches nothing."""
        if not timedelta(0) <= last - first <= timedelta(days=LONGEST_DAYS):
            raise BadRules("时段最长 400 天,且起日不晚于止日", "the period has at most 400 days, in order")
        return tries(database, Past(first, last, viewer.scope, school), asked)

    return routes


def tries(database: Database, past: Past, asked: Thresholds) -> Tries:
    """Raises BadRules, NoRulesYet, TooManyChildren."""
    with database.working() as working:
        enter_live(driver(working), WATCHING)
        standing = rules_on(working, past.last)
        if standing is None:
            raise NoRulesYet("该日尚无预警规则", "no rules were in force on that day")
        given = {name: value for name, value in asked.model_dump().items() if value is not None}
        content = canonical(msgspec.structs.replace(standing.rules, **given))
        rules = parse(content)
        students = children(working, past)
        with database.reading(past.scope, RULE_FIGURES.name) as reading:
            acts = acts_of(reading, students)
        calendars = calendars_on(working, past.last)
        found = list(would_have_been(working, past, students, rules, calendars, acts))
        as_is = found
        if rules != standing.rules:
            as_is = list(would_have_been(working, past, students, standing.rules, calendars, acts))
    return Tries(
        first=past.first,
        last=past.last,
        children=len(students),
        rules=_named(rules),
        rules_hash=content_hash(content),
        in_force_hash=standing.content_hash,
        tried=_tallies(found, past.last),
        in_force=_tallies(as_is, past.last),
        parts=_parts(found, past.last),
    )


def _named(rules: AlertRules) -> dict[str, float]:
    return {name: getattr(rules, name) for name in Thresholds.model_fields}


def _tallies(found: list[Found], on: date) -> list[Tally]:
    courses: dict[AlertKind, list[Course]] = defaultdict(list)
    for each in found:
        courses[each.kind].append(each.course)
    return [Tally(kind=kind, **measured(courses[kind], on)._asdict()) for kind in sorted(courses)]


def _parts(found: list[Found], on: date) -> list[Part]:
    counts: dict[tuple[date, str, AlertKind], list[str]] = defaultdict(list)
    for each in found:
        day = each.course.raised_on
        counts[day - timedelta(days=day.weekday()), each.school_code, each.kind].append(verdict(each.course, on))
    return [
        Part(
            kind=kind,
            school_code=school,
            week=week,
            raised=len(said),
            right=said.count("right"),
            wrong=said.count("wrong"),
        )
        for (week, school, kind), said in sorted(counts.items())
    ]
