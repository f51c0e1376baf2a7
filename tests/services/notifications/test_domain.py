"""The rules of when an alert should stand; the case it is: cases/test_case_life.py."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.errors import BadRules
from services.notifications.signals.reasons import ListedChild, Schooling, listed_reason, student_reasons
from services.notifications.signals.rules import AlertRules, canonical, parse

DAY = date(2026, 11, 24)
RULES = AlertRules()


def standing(
    status: str, since: date, compulsory: tuple[date, date] | None = None, stage: str = "primary"
) -> Schooling:
    return Schooling(UUID(int=1), status, since, UUID(int=2), stage, "469001", "S1", compulsory)


@given(st.integers(0, 60))
def test_who_left_is_missed_after_the_days_a_school_may_take(days: int) -> None:
    reasons = student_reasons(standing("transferred_out", DAY), RULES, DAY + timedelta(days=days))
    assert ("left_without_acceptance" in reasons) == (days >= RULES.acceptance_days)


@pytest.mark.parametrize("status", ["enrolled", "accepted_elsewhere", "graduated", "abroad", "died", "suspended"])
def test_who_is_somewhere_is_not_missed(status: str) -> None:
    assert student_reasons(standing(status, DAY), RULES, DAY + timedelta(days=400)) == {}


@pytest.mark.parametrize(
    ("compulsory", "stage", "expected"),
    [
        ((date(2022, 9, 1), date(2031, 9, 1)), "primary", True),
        ((date(2012, 9, 1), date(2021, 9, 1)), "senior", False),
        ((date(2017, 9, 1), date(2026, 9, 1)), "junior", False),  # the nine years are over
        (None, "junior", True),
        (None, "senior", False),
    ],
)
def test_dropping_out_counts_during_the_nine_years(
    compulsory: tuple[date, date] | None, stage: str, expected: bool
) -> None:
    reasons = student_reasons(standing("dropped_out", DAY, compulsory, stage), RULES, DAY)
    assert ("dropped_out" in reasons) == expected


def row(number: int, state: str, school_age: bool = True, name: str = "poverty") -> ListedChild:
    return ListedChild(
        UUID(int=number), state, school_age, name, DAY, UUID(int=100 + number), "469001", None, UUID(int=200 + number)
    )


def test_a_listed_child_in_no_register_is_missed_once_for_all_its_rows() -> None:
    reason = listed_reason([row(1, "not_in_register"), row(2, "not_in_register", name="civil")])
    assert reason is not None
    assert reason.facts == {"lists": "civil,poverty"} and len(reason.evidence) == 2


@pytest.mark.parametrize("state", ["review", "registered_elsewhere", "out_of_age", "rejected", "linked", ""])
def test_other_states_of_a_row_raise_nothing(state: str) -> None:
    assert listed_reason([row(1, state)]) is None


def test_one_linked_row_is_enough_to_find_the_child() -> None:
    assert listed_reason([row(1, "not_in_register"), row(2, "linked")]) is None


def test_who_is_not_of_school_age_is_not_missed() -> None:
    assert listed_reason([row(1, "not_in_register", school_age=False)]) is None


@pytest.mark.parametrize("days", [0, -1, 181])
def test_a_wait_out_of_bounds_is_refused(days: int) -> None:
    with pytest.raises(BadRules):
        parse(canonical(AlertRules(acceptance_days=days)))


def test_rules_read_back() -> None:
    assert parse(canonical(AlertRules(acceptance_days=30))).acceptance_days == 30
