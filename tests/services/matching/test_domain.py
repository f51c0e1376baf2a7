"""A decision is appended when it differs from the one that stands, and never otherwise."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.commands import DecideRow, RowFacts, StudentPlace
from services.matching.domain import Decided, Standing, after, settle
from services.matching.events import EntryUnmatched, EntryWithdrawn, LinkConfirmed, LinkWithdrawn, ReviewOpened
from services.matching.outcome import Outcome, State

ENTRY, CHILD, TWIN = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2026, 9, 1)
PLACE = StudentPlace("469001101", "S1")


def row(**changed: object) -> RowFacts:
    given: dict[str, object] = {"entry_id": ENTRY, "list": "poverty", "agency": "poverty_office", "standing": True}
    given |= {"removal_reason": None, "effective_on": DAY, "division_code": "469000"} | changed
    return RowFacts(**given)  # type: ignore[arg-type]


def command(outcome: Outcome | None, facts: RowFacts | None = None, place: StudentPlace | None = None) -> DecideRow:
    return DecideRow(facts or row(), outcome, place, False, "ladder-1")


def linked(child: UUID = CHILD) -> DecideRow:
    outcome = Outcome(State.LINKED, "R1", 1.0, "number_and_name_agree", child, (child,))
    return command(outcome, place=PLACE)


REVIEW = command(Outcome(State.REVIEW, "R3", 0.6, "name_differs", CHILD, (CHILD,)))
MISSING = command(Outcome(State.NOT_IN_REGISTER, "", 0.0, "not_found"))
GONE = command(None, row(standing=False, removal_reason="died"))


def settled(*commands: DecideRow) -> tuple[Standing, list[list[Decided]]]:
    standing, appended = Standing(), []
    for each in commands:
        decided = settle(standing, each)
        appended.append(decided)
        if decided:
            standing = after(standing, decided)
    return standing, appended


def kinds(decided: list[Decided]) -> list[type]:
    return [type(each.fact) for each in decided]


def test_a_link_carries_the_evidence_of_the_row_and_the_scope_of_the_student() -> None:
    facts = row(household_type="脱贫户", valid_from=date(2016, 1, 1))
    outcome = Outcome(State.LINKED, "R1", 1.0, "number_and_name_agree", CHILD, (CHILD,))
    (decided,) = settle(Standing(), command(outcome, facts, PLACE))
    assert decided.fact == LinkConfirmed(
        entry_id=ENTRY,
        student_id=CHILD,
        list="poverty",
        agency="poverty_office",
        rule="R1",
        score=1.0,
        reason="number_and_name_agree",
        model="ladder-1",
        household_type="脱贫户",
        valid_from=date(2016, 1, 1),
        division_code="469001101",
        school_code="S1",
    )
    assert decided.effective_on == DAY


@pytest.mark.parametrize("decision", [linked(), REVIEW, MISSING], ids=["linked", "review", "missing"])
def test_the_same_decision_again_appends_nothing(decision: DecideRow) -> None:
    assert settled(decision, decision)[1][1] == []


def test_a_link_to_another_child_withdraws_the_first() -> None:
    standing, appended = settled(linked(), linked(TWIN))
    assert kinds(appended[1]) == [LinkWithdrawn, LinkConfirmed]
    assert (standing.state, standing.student_id, standing.version) == ("linked", TWIN, 3)


def test_a_row_that_leaves_its_list_takes_its_link_along_and_says_why() -> None:
    standing, appended = settled(linked(), GONE)
    assert kinds(appended[1]) == [LinkWithdrawn, EntryWithdrawn]
    withdrawn = appended[1][0].fact
    assert isinstance(withdrawn, LinkWithdrawn) and withdrawn.reason == "died"
    assert (standing.state, standing.student_id) == (None, None)


def test_a_row_that_came_and_went_before_anyone_looked_leaves_no_decision() -> None:
    assert settled(GONE)[1] == [[]]


def test_a_student_who_changes_school_moves_the_link_into_the_new_scope() -> None:
    moved = command(linked().outcome, place=StudentPlace("469002101", "S2"))
    _, appended = settled(linked(), moved)
    (decided,) = appended[1]
    assert isinstance(decided.fact, LinkConfirmed) and decided.fact.school_code == "S2"


def test_a_link_that_turns_doubtful_is_withdrawn_before_the_review() -> None:
    assert kinds(settled(linked(), REVIEW)[1][1]) == [LinkWithdrawn, ReviewOpened]
    assert kinds(settled(linked(), MISSING)[1][1]) == [LinkWithdrawn, EntryUnmatched]


@given(st.lists(st.sampled_from([linked(), linked(TWIN), REVIEW, MISSING, GONE]), max_size=12))
def test_what_stands_is_the_last_decision_and_every_link_but_it_is_withdrawn(commands: list[DecideRow]) -> None:
    standing, appended = settled(*commands)
    facts = [each.fact for decided in appended for each in decided]
    assert standing.version == len(facts)
    open_links = []
    for fact in facts:  # an oracle that only counts links opened and closed
        if isinstance(fact, LinkConfirmed):
            open_links.append(fact.student_id)
        elif isinstance(fact, LinkWithdrawn):
            assert open_links.pop() == fact.student_id
    last = commands[-1].outcome if commands else None
    assert standing.state == (None if last is None else last.state.value)
    assert open_links == ([last.student] if last is not None and last.state is State.LINKED else [])
