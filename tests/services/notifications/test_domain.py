"""An alert as a state machine; the rules of when one should stand."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.notifications.commands import CloseAlert, RaiseAlert, SeeAlert, WithdrawAlert
from services.notifications.domain import Decided, close, evolve, raise_alert, see, withdraw
from services.notifications.errors import AlertNotOpen, BadRules, NotSeenYet
from services.notifications.events import AlertRaised, AlertSeen
from services.notifications.signals.rules import (
    AlertRules,
    ListedChild,
    Schooling,
    canonical,
    listed_reason,
    parse,
    student_reasons,
)

DAY = date(2026, 11, 24)
RULES = AlertRules()


def raising(evidence: int, on: date = DAY) -> RaiseAlert:
    return RaiseAlert(
        kind="dropped_out",
        student_id=UUID(int=1),
        entry_id=None,
        division_code="469001",
        school_code="S1",
        since=on,
        evidence=(UUID(int=evidence),),
        rules_hash="h",
        explanation_code="dropped_out_of_compulsory_school",
        facts={},
        on=on,
    )


class AlertMachine(RuleBasedStateMachine):
    """Any order of commands on any days; the model is a state, the known evidence and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[Decided] = []
        self.state = "none"
        self.known: set[int] = set()

    @rule(evidence=st.integers(1, 4), day=st.integers(-5, 5))
    def raise_it(self, evidence: int, day: int) -> None:
        decided = raise_alert(evolve(self.stream), raising(evidence, DAY + timedelta(days=day)))
        expected = self.state in ("none", "withdrawn") or (self.state == "closed" and evidence not in self.known)
        assert bool(decided) == expected
        if decided:
            self.state = "raised"
            self.known.add(evidence)
            self.stream += decided

    @rule(day=st.integers(-5, 5))
    def withdraw_it(self, day: int) -> None:
        decided = withdraw(evolve(self.stream), WithdrawAlert("enrolled_again", (), DAY + timedelta(days=day)))
        assert bool(decided) == (self.state in ("raised", "seen"))
        if decided:
            self.state = "withdrawn"
            self.stream += decided

    @rule()
    def see_it(self) -> None:
        try:
            decided = see(evolve(self.stream), SeeAlert(DAY))
        except AlertNotOpen:
            assert self.state not in ("raised", "seen")
        else:
            assert bool(decided) == (self.state == "raised")
            self.state = "seen"
            self.stream += decided

    @rule()
    def close_it(self) -> None:
        try:
            decided = close(evolve(self.stream), CloseAlert("attending_again", "sheet 7", DAY))
        except AlertNotOpen:
            assert self.state not in ("raised", "seen")
        except NotSeenYet:
            assert self.state == "raised"
        else:
            assert self.state == "seen"
            self.state = "closed"
            self.stream += decided

    @invariant()
    def the_stream_says_what_the_model_says(self) -> None:
        assert evolve(self.stream).state == self.state

    @invariant()
    def one_alert_is_open_at_a_time(self) -> None:
        opened = 0
        for fact, _ in self.stream:
            if isinstance(fact, AlertRaised):
                opened += 1
            elif not isinstance(fact, AlertSeen):
                opened -= 1
            assert opened in (0, 1)

    @invariant()
    def time_never_turns_back(self) -> None:
        days = [on for _, on in self.stream]
        assert days == sorted(days)


TestAlert = AlertMachine.TestCase


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
