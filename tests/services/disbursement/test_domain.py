"""An entitlement as a state machine, and the rule of who has one, against an oracle that looks at every single day."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.disbursement.commands import DisburseAid, GrantEntitlement, WithdrawEntitlement
from services.disbursement.domain import (
    Decided,
    Evidence,
    Schooling,
    disburse,
    evolve,
    grant,
    qualified,
    withdraw,
)
from services.disbursement.errors import AlreadyDisbursed, NothingGranted, PaidBeforeGranted
from services.disbursement.events import AidDisbursed, EntitlementGranted, EntitlementWithdrawn
from services.disbursement.living_subsidy import LIVING_SUBSIDY
from services.disbursement.schedule import term_of
from shared.eventsourcing.periods import FOREVER

TERM = term_of(LIVING_SUBSIDY, date(2026, 10, 1))
STUDENT = UUID(int=1)


def granting(on: date, evidence: int = 1) -> GrantEntitlement:
    return GrantEntitlement(
        student_id=STUDENT,
        programme="living_subsidy",
        term=TERM.name,
        amount_fen=62_500,
        stage="primary",
        boarder=True,
        division_code="469001",
        school_code="S1",
        evidence=(UUID(int=evidence),),
        content_hash="h",
        effective_on=on,
    )


class EntitlementMachine(RuleBasedStateMachine):
    """Any order of commands: the model is three plain variables, the stream is the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.stream: list[Decided] = []
        self.granted = False
        self.paid = False

    def happen(self, decided: list[Decided]) -> None:
        self.stream += decided

    @rule(day=st.integers(0, 120), evidence=st.integers(1, 5))
    def grant(self, day: int, evidence: int) -> None:
        decided = grant(evolve(self.stream), granting(TERM.begins + timedelta(days=day), evidence))
        assert bool(decided) == (not self.granted)
        self.granted = True
        self.happen(decided)

    @rule()
    def withdraw(self) -> None:
        decided = withdraw(evolve(self.stream), WithdrawEntitlement("evidence_never_true", ()))
        assert bool(decided) == self.granted
        for fact, _ in decided:
            assert isinstance(fact, EntitlementWithdrawn) and fact.paid == self.paid
        self.granted = False
        self.happen(decided)

    @rule(day=st.integers(-10, 200))
    def disburse(self, day: int) -> None:
        state = evolve(self.stream)
        paid_on = TERM.begins + timedelta(days=day)
        try:
            decided = disburse(state, DisburseAid(paid_on, "B-1"))
        except AlreadyDisbursed:
            assert self.paid
        except NothingGranted:
            assert not self.granted and not self.paid
        except PaidBeforeGranted:
            assert self.granted and not self.paid
            assert state.granted_on is not None and paid_on < state.granted_on
        else:
            assert self.granted and not self.paid and len(decided) == 1
            self.paid = True
            self.happen(decided)

    @invariant()
    def paid_at_most_once(self) -> None:
        payments = [fact for fact, _ in self.stream if isinstance(fact, AidDisbursed)]
        assert len(payments) == int(self.paid)

    @invariant()
    def the_stream_says_what_the_model_says(self) -> None:
        state = evolve(self.stream)
        assert (state.granted, state.paid, state.version) == (self.granted, self.paid, len(self.stream))

    @invariant()
    def grants_and_withdrawals_alternate_and_never_go_back_in_time(self) -> None:
        kinds = [isinstance(f, EntitlementGranted) for f, _ in self.stream if not isinstance(f, AidDisbursed)]
        assert all(kind == (number % 2 == 0) for number, kind in enumerate(kinds))
        days = [on for f, on in self.stream if not isinstance(f, AidDisbursed)]
        assert days == sorted(days)


TestEntitlement = EntitlementMachine.TestCase


SPANS = st.tuples(st.integers(-60, 240), st.integers(1, 200) | st.none())


def day_of(offset: int) -> date:
    return TERM.begins + timedelta(days=offset)


def ending(start: int, length: int | None) -> date:
    return FOREVER if length is None else day_of(start + length)


@given(
    schooling=st.lists(st.tuples(SPANS, st.booleans(), st.sampled_from(["primary", "senior"])), max_size=3),
    evidence=st.lists(st.tuples(SPANS, st.sampled_from(["registered_poor", "subsistence_urban"])), max_size=4),
    today=st.integers(0, 300),
)
def test_the_first_qualifying_day_is_the_first_one_a_day_by_day_search_finds(
    schooling: list[tuple[tuple[int, int | None], bool, str]],
    evidence: list[tuple[tuple[int, int | None], str]],
    today: int,
) -> None:
    places, reached = [], -400
    for (start, length), enrolled, stage in sorted(schooling, key=lambda s: s[0][0]):
        begin = max(start, reached)  # periods of one student do not overlap
        end = ending(begin, length)
        places.append(Schooling(day_of(begin), end, enrolled, stage, True, "469001", "S1"))
        if length is None:
            break
        reached = begin + length
    links = [
        Evidence(day_of(start), ending(start, length), category, UUID(int=number))
        for number, ((start, length), category) in enumerate(evidence, 1)
    ]

    expected = None
    day = TERM.begins
    while day <= day_of(today) and day < TERM.ends and expected is None:
        here = [p for p in places if p.valid_from <= day < p.valid_to and p.enrolled and p.stage == "primary"]
        proof = [e for e in links if e.valid_from <= day < e.valid_to and e.category == "registered_poor"]
        if here and proof:
            expected = (day, {e.event_id for e in proof})
        day += timedelta(days=1)

    found = qualified(LIVING_SUBSIDY, TERM, day_of(today), places, links)
    assert (None if found is None else (found.on, set(found.evidence))) == expected


def test_a_later_exit_does_not_undo_the_term() -> None:
    place = Schooling(date(2020, 9, 1), FOREVER, True, "primary", False, "469001", "S1")
    left_in_october = Evidence(date(2020, 1, 1), date(2026, 10, 1), "registered_poor", UUID(int=1))
    found = qualified(LIVING_SUBSIDY, TERM, date(2026, 12, 1), [place], [left_in_october])
    assert found is not None and found.on == TERM.begins


@pytest.mark.parametrize("paid_on", [date(2026, 9, 1), date(2026, 12, 1)])
def test_nothing_is_paid_on_a_withdrawn_entitlement(paid_on: date) -> None:
    stream = grant(evolve([]), granting(TERM.begins))
    stream += withdraw(evolve(stream), WithdrawEntitlement("evidence_never_true", ()))
    with pytest.raises(NothingGranted):
        disburse(evolve(stream), DisburseAid(paid_on, "B-1"))
