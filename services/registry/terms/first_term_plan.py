"""The plan every installation starts with; a local variation is a later version of the event.

Days are local configuration, but for two: a disclosure lasts five working days at least, and aid is paid within two
months of the term's start (domain.md §6, §11).
"""

from __future__ import annotations

from datetime import date

from services.registry.term_events import TermPlanActivated
from services.registry.terms.term_plan import (
    DISCLOSURE,
    DISCLOSURE_WORKING_DAYS,
    DayRule,
    PlannedTask,
    TermPlan,
    canonical,
    content_hash,
)

FIRST_PLAN_FROM = date(2019, 9, 1)


def _after(task: str, working_days: int) -> DayRule:
    return DayRule(anchor="task", task=task, working_days=working_days)


_FIRST = DayRule(anchor="first_day")
_FIRST_SCHOOL_DAY = DayRule(anchor="first_school_day")

FIRST_PLAN = TermPlan(
    tasks=(
        PlannedTask(
            task="opening_check",
            name_zh="开学核查",
            name_en="Opening check",
            who="school",
            opens=_FIRST_SCHOOL_DAY,
            due=_FIRST_SCHOOL_DAY,
        ),
        PlannedTask(
            task="reference_date",
            name_zh="认定基准日",
            name_en="Reference date",
            who="aid_clerk",
            opens=_FIRST,
            due=DayRule(anchor="first_day", days=14),
        ),
        PlannedTask(
            task="list_cut_off",
            name_zh="名单截止",
            name_en="Lists closed",
            who="aid_clerk",
            opens=_FIRST,
            due=_after("reference_date", 3),
        ),
        PlannedTask(
            task="review_finished",
            name_zh="核对完成",
            name_en="Review finished",
            who="aid_clerk",
            opens=_FIRST,
            due=_after("list_cut_off", 7),
        ),
        PlannedTask(
            task=DISCLOSURE,
            name_zh="公示",
            name_en="Disclosure",
            who="aid_clerk",
            opens=_after("review_finished", 1),
            due=_after("review_finished", DISCLOSURE_WORKING_DAYS),
            working_days_least=DISCLOSURE_WORKING_DAYS,
        ),
        PlannedTask(
            task="payment",
            name_zh="发放",
            name_en="Payment",
            who="aid_clerk",
            opens=_after(DISCLOSURE, 1),
            due=DayRule(anchor="first_day", months=2, days=-1),
        ),
        PlannedTask(
            task="close",
            name_zh="结账",
            name_en="Close",
            who="aid_clerk",
            opens=_after("payment", 1),
            due=DayRule(anchor="last_day"),
        ),
    )
)


def activation(plan: TermPlan = FIRST_PLAN) -> TermPlanActivated:
    """The event that puts a plan into force."""
    content = canonical(plan)
    return TermPlanActivated(content=content, content_hash=content_hash(content))
