"""What a person ruled decides while its evidence stays, and sends the row back to a person when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.errors import NothingToWithdraw
from services.matching.events import LinkWithdrawn, RowRuled, RulingWithdrawn, SecondOpinionAsked, Verdict
from services.matching.outcome import Outcome, State, StudentId
from services.matching.rulings import Ruled, ask, decide_ruled, evolve, in_force, rule, withdraw
from shared.kernel.facts import Fact
from shared.standards.separation import SecondPersonNeeded

ROW, ANNA, BO, CHEN = (UUID(int=number) for number in (1, 2, 3, 4))
EVIDENCE = {ANNA: "anna", BO: "bo", CHEN: "chen"}
MISSING = Outcome(State.NOT_IN_REGISTER, "", 0.0, "not_found")


def ruled(verdict: Verdict, *students: UUID, by: str = "clerk", row: str = "row", **changed: str) -> RowRuled:
    known = EVIDENCE | {UUID(int=int(key[1:])): value for key, value in changed.items()}
    evidence = tuple(known[student] for student in students)
    return RowRuled(entry_id=ROW, verdict=verdict, students=students, row_evidence=row, evidence=evidence, ruled_by=by)


def found(*students: UUID, links: bool = False) -> Any:
    """A ladder that reviews these students, or links the only one it has left."""

    def ladder(apart: frozenset[StudentId]) -> Outcome:
        left = tuple(student for student in students if student not in apart)
        if not left:
            return MISSING
        if links and len(left) == 1:
            return Outcome(State.LINKED, "R1", 1.0, "number_and_name_agree", left[0], left)
        return Outcome(State.REVIEW, "R3", 0.6, "name_differs", left[0] if len(left) == 1 else None, left)

    return ladder


def outcome(facts: Sequence[Fact], ladder: Any, row: str = "row", evidence: dict[UUID, str] = EVIDENCE) -> Outcome:
    return decide_ruled(in_force(evolve(facts).rulings), row, evidence, ladder)


def test_a_confirmed_student_is_linked_whatever_the_ladder_says() -> None:
    for ladder in (found(), found(BO, links=True), found(ANNA, BO)):
        told = outcome([ruled("must_link", ANNA)], ladder)
        assert (told.state, told.student, told.rule, told.reason) == (State.LINKED, ANNA, "R0", "ruled_same")


def test_a_student_ruled_out_leaves_the_others_to_the_ladder() -> None:
    told = outcome([ruled("cannot_link", ANNA)], found(ANNA, BO, links=True))
    assert (told.state, told.student, told.rule) == (State.LINKED, BO, "R1")
    told = outcome([ruled("cannot_link", ANNA)], found(ANNA))
    assert (told.state, told.rule, told.reason) == (State.NOT_IN_REGISTER, "R0", "ruled_different")


def test_a_row_ruled_to_be_nobody_is_not_in_the_register() -> None:
    told = outcome([ruled("nobody", ANNA, BO)], found(ANNA, BO))
    assert (told.state, told.rule, told.reason) == (State.NOT_IN_REGISTER, "R0", "ruled_nobody")


@pytest.mark.parametrize("verdict", ["must_link", "cannot_link", "nobody"])
@pytest.mark.parametrize(
    ("row", "evidence"),
    [("another", EVIDENCE), ("row", EVIDENCE | {ANNA: "renamed"}), ("row", {BO: "bo"})],
    ids=["the row changed", "the student changed", "the student is gone from the register"],
)
def test_changed_evidence_sends_the_row_back_to_a_person(verdict: Verdict, row: str, evidence: dict[UUID, str]) -> None:
    told = outcome([ruled(verdict, ANNA)], found(ANNA), row, evidence)
    assert (told.state, told.rule, told.reason) == (State.REVIEW, "R0", "ruling_outdated")
    assert told.candidates == (ANNA,) and "重新核对" in told.zh and "again" in told.en


def test_a_student_who_comes_after_the_row_was_ruled_to_be_nobody_is_shown_to_a_person() -> None:
    told = outcome([ruled("nobody", ANNA)], found(ANNA, BO, links=True))
    assert (told.state, told.reason, told.candidates) == (State.REVIEW, "ruling_outdated", (BO,))


def test_nobody_is_asked_again_when_the_ladder_by_itself_comes_to_what_was_ruled() -> None:
    told = outcome([ruled("must_link", ANNA)], found(ANNA, links=True), row="corrected")
    assert (told.state, told.student, told.rule) == (State.LINKED, ANNA, "R1")
    assert outcome([ruled("cannot_link", ANNA)], found(BO), row="corrected").candidates == (BO,)
    assert outcome([ruled("nobody", ANNA)], found(), row="corrected") == MISSING


@pytest.mark.parametrize("state", [State.OUT_OF_AGE, State.REGISTERED_ELSEWHERE])
def test_nobody_leaves_the_reason_why_a_row_is_of_no_student_here(state: State) -> None:
    why = Outcome(state, "", 0.0, "age" if state is State.OUT_OF_AGE else "school_elsewhere")
    assert outcome([ruled("nobody", ANNA)], lambda apart: why) == why


def test_a_later_ruling_takes_the_place_of_those_it_contradicts() -> None:
    both = [ruled("cannot_link", ANNA), ruled("must_link", ANNA)]
    assert outcome(both, found(ANNA)).student == ANNA
    assert outcome(both[::-1], found(ANNA)).state is State.NOT_IN_REGISTER
    assert outcome([ruled("must_link", ANNA), ruled("must_link", BO)], found(ANNA)).student == BO
    assert outcome([ruled("must_link", ANNA), ruled("nobody", ANNA)], found(ANNA)).reason == "ruled_nobody"
    assert outcome([ruled("nobody", ANNA), ruled("must_link", ANNA)], found(ANNA)).student == ANNA


def test_undoing_a_ruling_brings_back_the_one_before() -> None:
    facts: list[Fact] = [ruled("must_link", ANNA), ruled("must_link", BO)]
    facts += withdraw(evolve(facts), ROW, "clerk")
    assert outcome(facts, found(ANNA, BO)).student == ANNA
    facts += withdraw(evolve(facts), ROW, "clerk")
    assert outcome(facts, found(ANNA, BO)) == found(ANNA, BO)(frozenset())
    with pytest.raises(NothingToWithdraw):
        withdraw(evolve(facts), ROW, "clerk")


def test_saying_the_same_again_changes_nothing() -> None:
    first = ruled("must_link", ANNA)
    assert rule(evolve([first]), ruled("must_link", ANNA, by="another")) == []
    assert rule(evolve([first]), ruled("must_link", ANNA, row="changed")) != []


def test_who_asked_for_a_second_opinion_cannot_give_it() -> None:
    facts: list[Fact] = ask(Ruled(), ROW, "first")
    assert ask(evolve(facts), ROW, "first") == []
    with pytest.raises(SecondPersonNeeded):
        rule(evolve(facts), ruled("must_link", ANNA, by="first"))
    (answer,) = rule(evolve(facts), ruled("must_link", ANNA, by="second"))
    assert isinstance(answer, RowRuled) and answer.answers == ("first",)
    facts.append(answer)
    assert evolve(facts).asked_by == ()
    facts += withdraw(evolve(facts), ROW, "second")
    assert evolve(facts).asked_by == ("first",), "the question is open again"


PEOPLE = st.sampled_from([ANNA, BO, CHEN])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("must_link"), PEOPLE.map(lambda one: (one,))),
        st.tuples(st.just("cannot_link"), st.lists(PEOPLE, min_size=1, unique=True).map(tuple)),
        st.tuples(st.just("nobody"), st.lists(PEOPLE, unique=True).map(tuple)),
        st.just(("undo", ())),
    ),
    max_size=10,
)


@given(STEPS, st.sets(PEOPLE))
def test_any_sequence_of_rulings_and_undos_ends_where_a_list_of_wishes_does(
    steps: list[tuple[Any, tuple[UUID, ...]]], there: set[UUID]
) -> None:
    facts: list[Fact] = []
    wishes: list[tuple[Any, tuple[UUID, ...]]] = []  # an oracle that only remembers what was said and not undone
    for verdict, students in steps:
        if verdict == "undo":
            if wishes:
                wishes.pop()
                facts += withdraw(evolve(facts), ROW, "clerk")
            continue
        said = rule(evolve(facts), ruled(verdict, *students))
        facts += said
        if said:
            wishes.append((verdict, students))
    told = outcome(facts, found(*sorted(there)))
    assert (told.state, told.student if told.state is State.LINKED else None) == expected(wishes, there)
    for cut in range(len(facts)):  # the stream read in two goes is the stream
        assert evolve(facts[:cut] + facts[cut:]) == evolve(facts)


def expected(wishes: Iterable[tuple[Any, tuple[UUID, ...]]], there: set[UUID]) -> tuple[State, UUID | None]:
    link: UUID | None = None
    out: set[UUID] = set()
    for verdict, students in wishes:
        if verdict == "must_link":
            link = students[0]
            out.discard(students[0])
        elif verdict == "nobody":
            link = None
            out |= set(students)
        else:
            out |= set(students)
            link = None if link in students else link
    if link is not None:
        return State.LINKED, link
    return (State.REVIEW, None) if there - out else (State.NOT_IN_REGISTER, None)


@given(st.lists(PEOPLE, min_size=1, unique=True), st.randoms(use_true_random=False))
def test_students_ruled_out_one_by_one_may_come_in_any_order(students: list[UUID], chance: Any) -> None:
    shuffled = students[:]
    chance.shuffle(shuffled)
    one, other = ([ruled("cannot_link", each) for each in order] for order in (students, shuffled))
    assert outcome(one, found(ANNA, BO, CHEN)) == outcome(other, found(ANNA, BO, CHEN))


def test_a_stream_of_something_else_is_refused() -> None:
    with pytest.raises(TypeError):
        evolve([LinkWithdrawn(entry_id=ROW, student_id=ANNA, list="poverty", reason="died")])


def test_a_withdrawn_question_or_ruling_leaves_the_version_counting_on() -> None:
    assert evolve([ruled("must_link", ANNA), RulingWithdrawn(entry_id=ROW, version=1, withdrawn_by="x")]) == Ruled(2)
    assert evolve([SecondOpinionAsked(entry_id=ROW, asked_by="x")]) == Ruled(1, (), ("x",))
