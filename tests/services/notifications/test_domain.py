"""The rules of when an alert should stand; the case it is: cases/test_case_life.py."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.commands import RaiseAlert
from services.notifications.domain import Alert, apply, raise_alert
from services.notifications.errors import BadRules
from services.notifications.events import AlertClosed, AlertEvidenceChanged, AlertRaised
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


def standing_absence(*grounds: int, on: date = DAY) -> RaiseAlert:
    """What the policy says of a child who stays away: the evidence stays, the weeks grow."""
    return RaiseAlert(
        kind="absent_running",
        student_id=UUID(int=1),
        entry_id=None,
        division_code="469001",
        school_code="S1",
        since=DAY,
        evidence=(UUID(int=50),),
        rules_hash="r",
        explanation_code="absent_days_running",
        facts={"days": "3"},
        on=on,
        grounds=tuple(UUID(int=each) for each in grounds),
        restates=True,
    )


def told(alert: Alert, command: RaiseAlert) -> Alert:
    for fact, effective_on in raise_alert(alert, command):
        alert = apply(alert, fact, effective_on)
    return alert


def test_a_late_closing_settles_the_weeks_in_between_and_the_next_week_reopens() -> None:
    alert = told(Alert(), standing_absence(1))
    assert raise_alert(alert, standing_absence(1)) == []
    for weeks in ((1, 2), (1, 2, 3)):
        (decided,) = raise_alert(alert, standing_absence(*weeks))
        assert isinstance(decided.fact, AlertEvidenceChanged)
        alert = apply(alert, *decided)
    alert = apply(alert, AlertClosed(reason="mistaken", evidence="paper 9"), DAY + timedelta(days=20))
    assert raise_alert(alert, standing_absence(1, 2, 3, on=DAY + timedelta(days=21))) == []
    (again,) = raise_alert(alert, standing_absence(1, 2, 3, 4, on=DAY + timedelta(days=23)))
    assert isinstance(again.fact, AlertRaised) and again.fact.times == 2
