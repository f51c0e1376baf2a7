"""The days of a term's tasks: working days, a disclosure that is never too short, months that end early."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.term_errors import BadTermPlan
from services.registry.terms.first_term_plan import FIRST_PLAN, activation
from services.registry.terms.term_plan import DayRule, PlannedTask, TermPlan, canonical, content_hash, parse, term_tasks
from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span

AUTUMN = Span(date(2026, 8, 30), date(2027, 1, 20), "2026-autumn")  # a Sunday: boarders come in
NATIONAL_DAYS = Span(date(2026, 10, 1), date(2026, 10, 7), "国庆节")
CALENDAR = SchoolCalendar((CalendarYear((AUTUMN,), holidays=(NATIONAL_DAYS,), made_up=(date(2026, 9, 20),)),))
FIRST = DayRule(anchor="first_day")


def planned(name: str, opens: DayRule, due: DayRule, **more: Any) -> PlannedTask:
    return PlannedTask(task=name, name_zh="甲", name_en="A", who="aid_clerk", opens=opens, due=due, **more)


def dated(*tasks: PlannedTask, term: Span = AUTUMN) -> list[tuple[date, date]]:
    return [(each.opens_on, each.due_on) for each in term_tasks(TermPlan(tasks=tasks), term, CALENDAR)]


def test_the_first_plan_follows_a_term_in_order() -> None:
    days = {each.planned.task: (each.opens_on, each.due_on) for each in term_tasks(FIRST_PLAN, AUTUMN, CALENDAR)}
    assert days == {
        "opening_check": (date(2026, 8, 31), date(2026, 8, 31)),
        "reference_date": (date(2026, 8, 30), date(2026, 9, 13)),
        "list_cut_off": (date(2026, 8, 30), date(2026, 9, 16)),
        "review_finished": (date(2026, 8, 30), date(2026, 9, 24)),  # the made-up Sunday is a working day
        "disclosure": (date(2026, 9, 25), date(2026, 10, 8)),  # the national days are none
        "payment": (date(2026, 10, 9), date(2026, 10, 29)),
        "close": (date(2026, 10, 30), date(2027, 1, 20)),
    }


@given(first=st.dates(date(2020, 1, 1), date(2035, 1, 1)), away=st.integers(0, 30), holiday=st.integers(0, 12))
def test_a_disclosure_lasts_five_working_days_whatever_was_planned(first: date, away: int, holiday: int) -> None:
    term = Span(first, first + timedelta(days=140), "t")
    free = Span(first + timedelta(days=away), first + timedelta(days=away + holiday), "假")
    calendar = SchoolCalendar((CalendarYear((term,), holidays=(free,)),))
    opens = DayRule(anchor="first_day", days=away)
    task = planned("disclosure", opens, opens, working_days_least=5)
    (found,) = term_tasks(TermPlan(tasks=(task,)), term, calendar)
    shown = [found.opens_on + timedelta(days=n) for n in range((found.due_on - found.opens_on).days + 1)]
    assert sum(calendar.is_working_day(day) for day in shown) == 5 and calendar.is_working_day(found.due_on)
    assert found.earliest_on == found.due_on


def test_days_are_counted_from_every_kind_of_day() -> None:
    assert dated(planned("a", FIRST, DayRule(anchor="first_day", months=6))) == [(AUTUMN.first, date(2027, 2, 28))]
    assert dated(planned("a", FIRST, DayRule(anchor="last_day", working_days=-1)))[0][1] == date(2027, 1, 19)
    assert dated(planned("a", FIRST, DayRule(anchor="fixed", month=10, day=15)))[0][1] == date(2026, 10, 15)
    assert dated(planned("a", FIRST, DayRule(anchor="fixed", month=2, day=1)))[0][1] == date(2027, 2, 1)
    after = DayRule(anchor="task", task="a", working_days=1)
    assert dated(planned("a", FIRST, DayRule(anchor="last_day")), planned("b", after, after))[1] == (
        date(2027, 1, 21),  # after the term a Thursday is a working day
        date(2027, 1, 21),
    )
    late = DayRule(anchor="last_day")
    assert dated(planned("a", late, FIRST)) == [(AUTUMN.last, AUTUMN.last)]  # never due before it opens


def test_how_a_task_stands_on_a_day() -> None:
    check = term_tasks(FIRST_PLAN, AUTUMN, CALENDAR)[5]
    states = [check.state(date(2026, *day), False) for day in ((10, 8), (10, 9), (10, 29), (10, 30))]
    assert states == ["upcoming", "due", "due", "late"]
    assert check.state(date(2026, 11, 30), True) == "done"


def test_the_activation_carries_what_it_hashes() -> None:
    fact = activation()
    assert parse(fact.content) == FIRST_PLAN and canonical(parse(fact.content)) == fact.content
    assert fact.content_hash == content_hash(fact.content)


SHORT = msgspec.structs.replace(FIRST_PLAN.tasks[4], working_days_least=4)
AHEAD = DayRule(anchor="task", task="b")


@pytest.mark.parametrize(
    "tasks",
    [
        (),
        (planned("a", FIRST, FIRST), planned("a", FIRST, FIRST)),
        (planned("Nein", FIRST, FIRST),),
        (planned("a", AHEAD, FIRST), planned("b", FIRST, FIRST)),
        (planned("a", FIRST, DayRule(anchor="fixed", month=2, day=29)),),
        (planned("a", FIRST, DayRule(anchor="first_day", days=4_000)),),
        (planned("a", FIRST, DayRule(anchor="first_day", months=13)),),
        (*FIRST_PLAN.tasks[:4], SHORT),
        (msgspec.structs.replace(FIRST_PLAN.tasks[0], name_zh=""),),
    ],
)
def test_a_plan_that_does_not_hold_together_is_refused(tasks: tuple[PlannedTask, ...]) -> None:
    with pytest.raises(BadTermPlan):
        parse(canonical(TermPlan(tasks=tasks)))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(BadTermPlan):
        parse('{"tasks":[],"more":1}')
