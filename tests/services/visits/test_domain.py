"""What a visit may claim, and who helps a student."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.visits.commands import AssignHelper, LogVisit, Place
from services.visits.domain import CONFIRMABLE, assign, evolve, log_visit
from services.visits.errors import ImpossibleVisitDate, SameHelper, UnmetVisitConfirms
from services.visits.events import HelperAssigned, Outcome
from shared.kernel.refusals import Malformed

TODAY = date(2026, 11, 24)
PLACE = Place("469001", "S1")
STUDENT = UUID(int=1)


def visit(**changes: Any) -> LogVisit:
    given: dict[str, Any] = {
        "student_id": STUDENT,
        "visitor": "teacher",
        "campaign": None,
        "visited_on": TODAY,
        "outcome": "met",
        "confirmed": (),
        "repeat_on": None,
        "notes": None,
        "met_with": None,
    }
    return LogVisit(**given | changes)


@given(st.sampled_from(get_args(Outcome)), st.sets(st.sampled_from(sorted(CONFIRMABLE))))
def test_only_who_met_the_family_confirms_anything(outcome: str, confirmed: set[str]) -> None:
    intent = visit(outcome=outcome, confirmed=tuple(confirmed))
    if confirmed and outcome != "met":
        with pytest.raises(UnmetVisitConfirms):
            log_visit(intent, PLACE, TODAY)
    else:
        assert set(log_visit(intent, PLACE, TODAY).confirmed) == confirmed


def test_a_visit_cannot_lie_in_the_future_nor_its_repeat_before_it() -> None:
    with pytest.raises(ImpossibleVisitDate):
        log_visit(visit(visited_on=TODAY + timedelta(days=1)), PLACE, TODAY)
    with pytest.raises(ImpossibleVisitDate):
        log_visit(visit(outcome="nobody_home", repeat_on=TODAY), PLACE, TODAY)
    spring_festival = date(2027, 2, 6)
    assert log_visit(visit(outcome="nobody_home", repeat_on=spring_festival), PLACE, TODAY).repeat_on == spring_festival


def test_an_unknown_confirmation_is_refused() -> None:
    with pytest.raises(Malformed):
        log_visit(visit(confirmed=("rich",)), PLACE, TODAY)


def test_what_the_family_said_is_the_students_personal_block() -> None:
    fact = log_visit(visit(notes="父母在外务工", met_with="祖母"), PLACE, TODAY)
    assert fact.personal is not None and fact.personal.person_id == STUDENT
    assert log_visit(visit(), PLACE, TODAY).personal is None


def test_a_student_has_one_helper_the_latest() -> None:
    history: list[tuple[HelperAssigned, date]] = []
    for name, day in (("a", TODAY), ("b", TODAY + timedelta(days=9)), ("c", TODAY - timedelta(days=9))):
        intent = AssignHelper(STUDENT, name, day)
        history.append((assign(evolve(history), intent, PLACE), day))
    state = evolve(history)
    assert (state.helper, state.version) == ("b", 3)
    with pytest.raises(SameHelper):
        assign(state, AssignHelper(STUDENT, "b", TODAY), PLACE)
