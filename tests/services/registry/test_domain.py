"""A student's life as facts: whatever is asked in any order, one school at most, and refusals change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

import hypothesis.strategies as st
from hypothesis import given

from services.registry.domain import (
    Happened,
    ListEntry,
    Student,
    accept_elsewhere,
    apply_entry,
    apply_student,
    enrol,
    leave,
    record_entry,
    remove_entry,
    student_of,
    transfer_out,
)
from services.registry.errors import StudentNotEnrolled, StudentUnknown
from services.registry.events import (
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryRemoved,
    StudentEnrolled,
    StudentRecordAliased,
)
from shared.kernel.refusals import Refusal

DAY = date(2026, 9, 1)
STUDENT = UUID(int=5)


@dataclass
class Expected:
    """The oracle: what a school office would say of the child, kept without events."""

    known: bool = False
    school: str | None = None
    grade: str | None = None
    card: str = ""
    awaited: bool = False


def stated(school: str, grade: str, card: str) -> StudentEnrolled:
    return StudentEnrolled(school_code=school, division_code=f"4690{school}", grade=grade, fingerprint=card)


enrolments = st.tuples(st.just("enrol"), st.sampled_from("AB"), st.sampled_from("12"), st.sampled_from("xy"))
others = st.tuples(st.sampled_from(["transfer", "accept", "leave"]), st.just(""), st.just(""), st.just(""))
acts = st.lists(enrolments | others, max_size=14)


def decided(state: Student, act: tuple[str, str, str, str]) -> list[Happened]:
    kind, school, grade, card = act
    if kind == "enrol":
        return enrol(state, stated(school, grade, card), DAY)
    if kind == "transfer":
        return transfer_out(STUDENT, state, DAY, "unknown", None, None)
    if kind == "accept":
        return accept_elsewhere(STUDENT, state, DAY, "4403", None)
    return leave(STUDENT, state, DAY, "graduated")


def foretold(expected: Expected, act: tuple[str, str, str, str]) -> type[Refusal] | None:
    """Change the oracle, or name the refusal."""
    kind, school, grade, card = act
    if kind == "enrol":
        expected.known, expected.school, expected.grade, expected.card = True, school, grade, card
        expected.awaited = False
        return None
    if not expected.known:
        return StudentUnknown
    if kind == "accept":
        if not expected.awaited:
            return StudentNotEnrolled
        expected.awaited = False
        return None
    if expected.school is None:
        return StudentNotEnrolled
    expected.school, expected.awaited = None, kind == "transfer"
    return None


@given(acts)
def test_a_student_is_always_where_an_office_would_say(given_acts: list[tuple[str, str, str, str]]) -> None:
    facts = []
    state, expected = Student(), Expected()
    for act in given_acts:
        refusal: type[Refusal] | None = None
        try:
            happened = decided(state, act)
        except Refusal as refused:
            happened, refusal = [], type(refused)
        assert refusal == foretold(expected, act)
        for fact, _ in happened:
            facts.append(fact)
            state = apply_student(state, fact)
        assert len(happened) <= 2  # the size of a command rests on it
        assert (state.exists, state.awaited) == (expected.known, expected.awaited)
        assert (state.school_code if state.enrolled else None) == expected.school
        if expected.school is not None:
            assert state.placement[1] == expected.grade and state.fingerprint == expected.card
            assert enrol(state, stated(expected.school, expected.grade or "", expected.card), DAY) == []
    assert student_of(facts) == state and state.version == len(facts)


def test_an_aliased_stream_is_no_student_of_its_own() -> None:
    own = uuid4()
    state = student_of([StudentRecordAliased(student_id=own)])
    assert (state.exists, state.alias_of) == (False, own)
    for act in ("transfer", "accept", "leave"):
        try:
            decided(state, (act, "", "", ""))
        except StudentUnknown:
            continue
        raise AssertionError(f"{act} of an alias was not refused")


@given(st.lists(st.sampled_from(["row x", "row y", "gone"]), max_size=12))
def test_an_entry_stands_as_last_stated_and_says_only_what_changed(told: list[str]) -> None:
    state, standing, card = ListEntry(), False, ""
    for each in told:
        if each == "gone":
            happened = remove_entry(state, "a", "poverty", "missing_from_snapshot", None, DAY)
            kind = ListEntryRemoved if standing else None
            standing = False
        else:
            row = ListEntryAdded(agency="a", list="poverty", division_code="46", fingerprint=each)
            happened = record_entry(state, row, DAY)
            kind = ListEntryAdded if not standing else ListEntryCorrected if card != each else None  # type: ignore[assignment]
            standing, card = True, each
        assert (type(happened.fact) if happened else None) == kind
        if happened is not None:
            state = apply_entry(state, happened.fact)
        assert state.standing == standing


def test_a_first_listing_holds_from_the_papers_own_start_and_a_later_one_from_the_day_stated() -> None:
    row = ListEntryAdded(agency="a", list="poverty", division_code="46", valid_from=date(2014, 3, 1))
    first = record_entry(ListEntry(), row, DAY)
    assert first is not None and first.on == date(2014, 3, 1)
    again = record_entry(ListEntry(version=2, standing=False), row, DAY)
    assert again is not None and again.on == DAY
    ahead = ListEntryAdded(agency="a", list="poverty", division_code="46", valid_from=date(2027, 1, 1))
    future = record_entry(ListEntry(), ahead, DAY)
    assert future is not None and future.on == DAY
