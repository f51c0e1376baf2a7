"""A case as a state machine against a small model of its own; the deadlines of its steps; what a closing needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.notifications.case_commands import (
    NOTHING,
    CloseAlert,
    CloseReason,
    ConfirmDropout,
    Document,
    Evidence,
    FormTeam,
    LogAttempt,
    Member,
    StateMistake,
)
from services.notifications.case_errors import BadCasePlan, EvidenceMissing, TeamIncomplete
from services.notifications.case_events import CaseEscalated, DropoutAskedAbout, TeamFormed
from services.notifications.cases import case_life
from services.notifications.cases.case_plan import LEVELS, CasePlan, StepDays, canonical, deadline, parse
from services.notifications.cases.saved_views import window
from services.notifications.commands import RaiseAlert, SeeAlert, WithdrawAlert
from services.notifications.domain import Alert, Decided, evolve, raise_alert, withdraw
from services.notifications.events import AlertClosed, AlertRaised, AlertWithdrawn
from shared.kernel.refusals import Refusal
from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span

DAY = date(2026, 11, 24)  # a Tuesday
NO_CALENDAR = SchoolCalendar(())
PLAN = CasePlan()
CHILD = UUID(int=1)
TEAM = FormTeam({role: Member(name=f"王{role}", phone="0898-1") for role in case_life.ROLES}, "parent", DAY)
BACK = Evidence(present=(UUID(int=61), UUID(int=62), UUID(int=63)), present_needed=3)
SPRING = Span(date(2027, 2, 22), date(2027, 7, 5), "2027-spring")
CALENDAR = SchoolCalendar((CalendarYear((Span(date(2026, 9, 1), date(2027, 1, 20), "2026-autumn"), SPRING)),))


def raising(evidence: int, on: date = DAY) -> RaiseAlert:
    return RaiseAlert(
        kind="dropped_out",
        student_id=CHILD,
        entry_id=None,
        division_code="469001",
        school_code="S1",
        since=DAY - timedelta(days=9),
        evidence=(UUID(int=evidence),),
        rules_hash="h",
        explanation_code="dropped_out_of_compulsory_school",
        facts={},
        on=on,
    )


class CaseMachine(RuleBasedStateMachine):
    """Any order of acts on days that go on. The model: a state, flags, a level, and nothing of the code's."""

    def __init__(self) -> None:
        super().__init__()
        self.today = DAY
        self.stream: list[tuple[Any, date, str]] = []
        self.state, self.level, self.times = "none", 0, 0
        self.seen = self.team = self.tried = False
        self.mistaken: str | None = None
        self.known: set[int] = set()
        self.exempt: date | None = None

    def act(self, who: str, decide: Callable[[Alert], list[Decided]]) -> bool | str:
        """Whether something happened, or the refusal's code."""
        try:
            decided = decide(evolve(self.stream))
        except Refusal as refused:
            return refused.code
        self.stream += [(fact, on, who) for fact, on in decided]
        return bool(decided)

    @property
    def open(self) -> bool:
        return self.state in ("raised", "seen", "dropped_out")

    def barred(self) -> str | None:
        """Why nobody may act on it now."""
        return "alert_not_open" if not self.open else None if self.seen else "not_seen_yet"

    @rule(days=st.integers(1, 40))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(evidence=st.integers(1, 3))
    def raise_it(self, evidence: int) -> None:
        over = self.exempt is not None and self.today > self.exempt
        expected = not self.open and (self.state != "closed" or evidence not in self.known or over)
        assert self.act("policy", lambda case: raise_alert(case, raising(evidence, self.today))) == expected
        if expected:
            self.state, self.level, self.times = "raised", 0, self.times + 1
            self.seen = self.team = self.tried = False
            self.mistaken = self.exempt = None
            self.known.add(evidence)

    @rule()
    def withdraw_it(self) -> None:
        command = WithdrawAlert("enrolled_again", (), self.today)
        assert self.act("policy", lambda case: withdraw(case, command)) == self.open
        self.state = "withdrawn" if self.open else self.state

    @rule()
    def see_it(self) -> None:
        expected: bool | str = "alert_not_open" if not self.open else not self.seen
        assert self.act("teacher", lambda case: case_life.see(case, SeeAlert(self.today))) == expected
        if self.open:
            self.seen, self.state = True, "seen" if self.state == "raised" else self.state

    @rule()
    def form_a_team(self) -> None:
        told = replace(TEAM, on=self.today)
        assert self.act("clerk", lambda case: case_life.form_team(case, told, CHILD)) == (self.barred() or True)
        self.team = self.team or not self.barred()

    @rule()
    def try_it(self) -> None:
        told = LogAttempt(self.today, "home_visit", ("teacher",), "hesitating", self.today)
        expected = self.barred() or (True if self.team else "no_team_yet")
        assert self.act("teacher", lambda case: case_life.log_attempt(case, told, None)) == expected
        self.tried = self.tried or expected is True

    @rule()
    def confirm_it(self) -> None:
        told = ConfirmDropout("文号 3", self.today)
        expected = self.barred() or (False if self.state == "dropped_out" else True if self.tried else "no_attempt_yet")
        assert self.act("clerk", lambda case: case_life.confirm_dropout(case, told)) == expected
        self.state = "dropped_out" if expected is True else self.state

    @rule(who=st.sampled_from(["teacher", "clerk"]))
    def call_it_a_mistake(self, who: str) -> None:
        told = StateMistake("核实表 4", self.today)
        expected = self.barred() or self.mistaken != who
        assert self.act(who, lambda case: case_life.state_mistake(case, told, who)) == expected
        self.mistaken = who if expected is True else self.mistaken

    @rule(
        reason=st.sampled_from(["attending_again", "accepted_elsewhere", "exempt", "died", "mistaken"]),
        who=st.sampled_from(["teacher", "clerk"]),
        proven=st.booleans(),
    )
    def close_it(self, reason: CloseReason, who: str, proven: bool) -> None:
        until = self.today + timedelta(days=20)
        found = Evidence(BACK.present, 3, UUID(int=9), None, (Document(UUID(int=8), until),)) if proven else NOTHING
        expected: bool | str = True
        if reason == "mistaken":
            expected = True if self.mistaken not in (None, who) else "second_person_needed"
        elif reason != "died" and not proven:
            expected = "evidence_missing"
        expected = self.barred() or expected
        told = CloseAlert(reason, "文号 5", self.today, by=who)
        assert self.act(who, lambda case: case_life.close(case, told, found)) == expected
        if expected is True:
            self.state, self.exempt = "closed", until if reason == "exempt" else None

    @rule()
    def the_day_opens(self) -> None:
        case = evolve(self.stream)
        due = deadline(case, PLAN, NO_CALENDAR) if self.open else None
        expected = due is not None and self.today > due.due_on
        escalate = lambda case: case_life.escalate(case, PLAN, "h", NO_CALENDAR, self.today)  # noqa: E731
        assert self.act("policy", escalate) == expected
        self.level += expected
        assert self.act("policy", escalate) is False, "the same day escalates once"

    @invariant()
    def the_stream_says_what_the_model_says(self) -> None:
        case = evolve(self.stream)
        assert (case.state, case.level, case.times) == (self.state, LEVELS[self.level], self.times)
        assert (case.seen_on is not None, case.team_on is not None) == (self.seen, self.team)

    @invariant()
    def one_case_is_open_at_a_time_and_each_level_is_reached_once(self) -> None:
        opened = 0
        levels: set[str] = set()
        for fact, _, _ in self.stream:
            if isinstance(fact, AlertRaised):
                opened, levels = opened + 1, set()
            elif isinstance(fact, AlertClosed | AlertWithdrawn):
                opened -= 1
            elif isinstance(fact, CaseEscalated):
                assert fact.level not in levels
                levels.add(fact.level)
            assert opened in (0, 1)

    @invariant()
    def time_never_turns_back(self) -> None:
        days = [on for _, on, _ in self.stream]
        assert days == sorted(days)


TestCase = CaseMachine.TestCase


def after(*facts: tuple[Any, date]) -> Alert:
    return evolve([*((each.fact, each.effective_on) for each in raise_alert(Alert(), raising(1))), *facts])


def test_each_step_has_its_working_days_and_its_reason() -> None:
    case = after()
    assert deadline(case, PLAN, NO_CALENDAR) == ("not_acknowledged", date(2026, 11, 26), "township")
    case = replace(case, state="seen", seen_on=date(2026, 11, 26))
    assert deadline(case, PLAN, NO_CALENDAR) == ("no_team", date(2026, 12, 1), "township")  # over a weekend
    case = replace(case, team_on=date(2026, 11, 27))
    assert deadline(case, PLAN, NO_CALENDAR) == ("no_attempt", date(2026, 12, 4), "township")
    case = replace(case, attempted_on=date(2026, 12, 1))
    assert deadline(case, PLAN, NO_CALENDAR) == ("not_returned_in_time", date(2026, 12, 22), "township")
    assert deadline(replace(case, level="city"), PLAN, NO_CALENDAR) is None


def test_the_next_level_counts_from_the_day_it_answers() -> None:
    case = replace(after(), level="township", level_on=date(2026, 12, 7))
    assert deadline(case, PLAN, NO_CALENDAR) == ("not_acknowledged", date(2026, 12, 9), "county")
    tried = replace(
        case, state="seen", seen_on=DAY, team_on=DAY, attempted_on=date(2026, 12, 1), level_on=date(2026, 12, 7)
    )
    found = deadline(tried, PLAN, NO_CALENDAR)
    assert found is not None and found.reason == "no_attempt", "what the school tried does not count for the township"


def test_a_confirmed_dropout_is_asked_about_once_in_each_term() -> None:
    case = replace(after(), state="dropped_out", seen_on=DAY, confirmed_on=DAY)
    assert case_life.ask(case, CALENDAR.term_of(DAY) or SPRING, PLAN, "h", CALENDAR, DAY) == []
    (asked,) = case_life.ask(case, SPRING, PLAN, "h", CALENDAR, SPRING.first)
    assert isinstance(asked.fact, DropoutAskedAbout) and asked.fact.answer_by == date(2027, 3, 8)
    heard = replace(case, asked_on=SPRING.first, answer_by=asked.fact.answer_by)
    assert case_life.ask(heard, SPRING, PLAN, "h", CALENDAR, SPRING.first) == []
    assert deadline(heard, PLAN, CALENDAR) == ("no_attempt", date(2027, 3, 8), "township")


def test_a_refusal_carries_what_is_missing() -> None:
    case = replace(after(), state="seen", seen_on=DAY)
    with pytest.raises(EvidenceMissing) as refused:
        case_life.close(case, CloseAlert("attending_again", "x", DAY), Evidence((UUID(int=61),), 3))
    assert refused.value.facts == {"reason": "attending_again", "needed": 3, "present": 1}
    assert "3个上课日" in refused.value.zh and "目前有1个" in refused.value.zh


def test_names_stand_in_the_sealed_block_and_accounts_outside() -> None:
    members = {**TEAM.members, "teacher": Member(principal="teacher-7", name="不应出现")}
    (formed,) = case_life.form_team(replace(after(), state="seen", seen_on=DAY), replace(TEAM, members=members), CHILD)
    assert isinstance(formed.fact, TeamFormed) and formed.fact.personal is not None
    assert formed.fact.principals == {"teacher": "teacher-7"} and formed.fact.personal.teacher_name is None
    with pytest.raises(TeamIncomplete):
        case_life.form_team(
            replace(after(), state="seen", seen_on=DAY), FormTeam({"lead": Member(name="李")}, "parent", DAY), CHILD
        )


@pytest.mark.parametrize("plan", [CasePlan(answer_days=0), CasePlan(school=StepDays(team=121))])
def test_a_plan_out_of_bounds_is_refused(plan: CasePlan) -> None:
    with pytest.raises(BadCasePlan):
        parse(canonical(plan))
    assert parse(canonical(PLAN)) == PLAN


def test_saved_views_show_the_weeks_that_go_on_or_went_on_last() -> None:
    assert window("spring_8_9", date(2027, 2, 20)) == (date(2027, 1, 10), date(2027, 5, 1))
    assert window("summer_6_7", date(2027, 2, 20)) == (date(2026, 6, 15), date(2026, 10, 16))
