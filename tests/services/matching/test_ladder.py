"""The ladder, one sentence per rung and guard; and invariant 15 for rows of any kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.candidates import StudentIndex
from services.matching.ladder import DEFAULT_RULES, decide
from services.matching.names import comparable
from services.matching.outcome import REASONS, Outcome, State
from services.matching.records import EntryRecord, StudentRecord, student_record
from shared.standards.identity_number import check_digit

AS_OF = date(2026, 11, 16)


def number(first17: str) -> str:
    return first17 + check_digit(first17)


CHILD = number("46908020150304012")
TWIN = number("46908020150304014")
GUARDIAN = number("46908019800101001")
BORN = date(2015, 3, 4)


def student(row: int = 1, name: str = "王小明", id_number: str | None = CHILD, **more: object) -> StudentRecord:
    values: dict[str, object] = {
        "birth_date": BORN,
        "school_key": "s1",
        "guardian_name": "王大",
        "guardian_id": GUARDIAN,
    }
    return student_record(row, name=name, id_number=id_number, **{**values, **more})  # type: ignore[arg-type]


def entry(name: str = "王小明", id_number: str | None = CHILD, **more: object) -> EntryRecord:
    birth = more.pop("birth_date", BORN if id_number else None)
    return EntryRecord(comparable(name), id_number, birth_date=birth, **more)  # type: ignore[arg-type]


def decided(row: EntryRecord, *students: StudentRecord) -> Outcome:
    index = StudentIndex.of(students)
    return decide(row, index.candidates(row), DEFAULT_RULES, AS_OF)


def test_number_and_name_agree_is_linked() -> None:
    found = decided(entry(), student())
    assert (found.state, found.student, found.rule, found.score) == (State.LINKED, 1, "R1", 1.0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("买买提·艾力", "买买提.艾力"),
        ("买买提·艾力", "买买提•艾力"),
        ("王小明", "王 小明"),
        ("王小明", "王\u3000小\u200b明"),
        ("Ａｎｎａ", "anna"),
    ],
)
def test_one_name_typed_in_two_ways_is_one_name(ours: str, theirs: str) -> None:
    assert decided(entry(theirs), student(name=ours)).state is State.LINKED


def test_a_link_holds_at_any_age() -> None:
    old = number("46908019900304012")
    born = date(1990, 3, 4)
    found = decided(entry(id_number=old, birth_date=born), student(id_number=old, birth_date=born))
    assert found.state is State.LINKED


def test_an_equal_number_under_another_name_goes_to_review() -> None:
    found = decided(entry("王小亮"), student())
    assert (found.state, found.rule, found.reason, found.student) == (State.REVIEW, "R3", "name_differs", 1)


def test_an_equal_number_without_a_name_goes_to_review() -> None:
    assert decided(entry(""), student()).reason == "name_missing"


def test_two_students_who_claim_one_number_turn_the_link_into_a_review() -> None:
    found = decided(entry(), student(1), student(2, "李小红"))
    assert (found.state, found.reason, found.student, found.candidates) == (State.REVIEW, "number_shared", None, (1, 2))


def test_a_row_that_contradicts_its_own_number_goes_to_review() -> None:
    assert decided(entry(number_contradicted=True), student()).reason == "number_contradicted"
    assert decided(entry(number_contradicted=True)).state is State.REVIEW


def test_the_guardians_number_on_a_childs_row_goes_to_review() -> None:
    found = decided(entry(id_number=GUARDIAN, birth_date=date(1980, 1, 1)), student())
    assert (found.state, found.reason, found.student) == (State.REVIEW, "guardian_number", 1)


def test_a_guardian_of_the_same_name_is_listed_for_himself() -> None:
    found = decided(entry(id_number=GUARDIAN, birth_date=date(1980, 1, 1)), student(guardian_name="王小明"))
    assert found.state is State.OUT_OF_AGE


def test_two_valid_different_numbers_are_two_people_even_with_one_name_and_birth_date() -> None:
    assert decided(entry(id_number=TWIN), student()).state is State.NOT_IN_REGISTER


def test_a_student_whose_number_the_register_lacks_is_offered() -> None:
    found = decided(entry(), student(id_number=None))
    assert (found.state, found.reason) == (State.REVIEW, "register_has_no_number")


@pytest.mark.parametrize("problem", ["numeric_cell", "scientific_notation"])
def test_lost_digits_are_rejected_whatever_else_the_row_says(problem: str) -> None:
    found = decided(entry(id_number=None, number_problem=problem, birth_date=BORN), student())
    assert (found.state, found.reason) == (State.REJECTED, f"number_{problem}")


def test_one_slip_in_the_number_of_a_student_of_that_name_is_linked() -> None:
    slip = CHILD[:13] + str((int(CHILD[13]) + 1) % 10) + CHILD[14:]
    row = entry(id_number=None, number_problem="check_digit", id_text=slip)
    found = decided(row, student())
    assert (found.state, found.rule, found.reason) == (State.LINKED, "R4", "number_one_slip")
    assert decided(replace(row, birth_date=date(2014, 3, 4)), student()).state is State.REVIEW
    assert decided(replace(row, sex="male"), student()).reason == "slip_and_birth_or_sex_differ"
    assert decided(replace(row, name="王晓明"), student()).reason == "slip_and_name_differ"


def test_an_invalid_number_with_nothing_else_is_rejected_with_its_reason() -> None:
    found = decided(entry("张无人", None, number_problem="length", id_text="123"), student())
    assert (found.state, found.reason) == (State.REJECTED, "number_length")


def test_name_and_birth_date_are_looked_up_when_there_is_no_number() -> None:
    found = decided(entry(id_number=None, birth_date=BORN), student())
    assert (found.state, found.rule, found.student) == (State.REVIEW, "R6", 1)


def test_of_two_who_share_name_and_birth_date_the_one_of_the_school_stands_first() -> None:
    both = student(1), student(2, id_number=TWIN, school_key="s2", guardian_name="李大")
    near = decided(entry(id_number=None, birth_date=BORN, school_key="s2"), *both)
    assert (near.state, near.candidates) == (State.REVIEW, (2, 1)), "best first"
    unclear = decided(entry(id_number=None, birth_date=BORN), *both)
    assert (unclear.student, unclear.candidates, unclear.reason) == (None, (1, 2), "several_candidates")


def test_a_stated_birth_date_that_nobody_of_the_name_has_is_another_person() -> None:
    row = entry(id_number=None, birth_date=date(2016, 1, 1), school_key="s1")
    assert decided(row, student()).state is State.NOT_IN_REGISTER


def test_name_and_guardian_suffice_for_a_review() -> None:
    assert decided(entry(id_number=None, guardian_name="王大"), student()).reason == "name_and_school_agree"


def test_a_name_alone_is_too_little() -> None:
    assert decided(entry(id_number=None), student()).reason == "nothing_to_match"
    assert decided(entry("", None), student()).reason == "row_empty"


def test_an_unknown_child_is_not_in_the_register() -> None:
    assert decided(entry("李四")).state is State.NOT_IN_REGISTER


def test_an_unknown_child_of_a_school_outside_is_registered_elsewhere() -> None:
    assert decided(entry(school_elsewhere=True)).state is State.REGISTERED_ELSEWHERE


def test_a_student_of_ours_is_linked_even_when_the_list_names_another_school() -> None:
    assert decided(entry(school_elsewhere=True), student()).state is State.LINKED


@pytest.mark.parametrize(
    ("born", "state"),
    [
        (date(2023, 11, 17), State.OUT_OF_AGE),
        (date(2023, 11, 16), State.NOT_IN_REGISTER),
        (date(2001, 11, 17), State.NOT_IN_REGISTER),
        (date(2001, 11, 16), State.OUT_OF_AGE),
    ],
)
def test_aid_age_is_from_the_third_to_the_day_before_the_twenty_fifth_birthday(born: date, state: State) -> None:
    assert decided(entry(id_number=TWIN, birth_date=born)).state is state


def test_the_holder_of_an_old_number_is_out_of_age() -> None:
    row = EntryRecord("李四", number_problem="fifteen_digit", suggested_birth_date=date(1948, 1, 1))
    assert decided(row).state is State.OUT_OF_AGE


def test_a_head_who_stands_for_his_household_is_out_of_age_and_names_its_students() -> None:
    row = EntryRecord("王大", GUARDIAN, birth_date=date(1980, 1, 1), stands_for_household=True)
    found = decided(row, student(1), student(2, "王小红", TWIN))
    assert (found.state, found.rule, found.reason) == (State.OUT_OF_AGE, "R7", "household_link_proven")
    assert (found.student, found.candidates) == (None, (1, 2))
    assert decided(replace(row, stands_for_household=False), student()).reason == "age"


def test_a_head_whose_number_is_a_guardians_under_another_name_goes_to_review() -> None:
    row = EntryRecord("王大", GUARDIAN, birth_date=date(1980, 1, 1), stands_for_household=True)
    found = decided(row, student(guardian_name="李四"))
    assert (found.state, found.reason, found.candidates) == (State.REVIEW, "household_link_unproven", (1,))


def test_a_student_removed_from_the_index_is_forgotten() -> None:
    index = StudentIndex.of([student(1), student(2, "李小红", TWIN)])
    index.remove(student(1))
    row = entry()
    assert decide(row, index.candidates(row), DEFAULT_RULES, AS_OF).state is State.NOT_IN_REGISTER
    with pytest.raises((KeyError, ValueError)):
        index.remove(student(1))


NAMES = st.sampled_from(["王小明", "王小亮", "李小红", ""])
NUMBERS = st.sampled_from([CHILD, TWIN, GUARDIAN, None])
DAYS = st.sampled_from([BORN, date(2016, 1, 1), date(1980, 1, 1), None])
STUDENTS = st.lists(
    st.builds(student, st.integers(1, 9), NAMES, NUMBERS, birth_date=DAYS),
    max_size=5,
    unique_by=lambda each: each.student_id,
)
ENTRIES = st.builds(
    EntryRecord,
    NAMES,
    NUMBERS,
    number_problem=st.sampled_from([None, "length", "check_digit", "numeric_cell", "fifteen_digit", "other_document"]),
    number_contradicted=st.booleans(),
    id_text=st.sampled_from(["", CHILD[:-1] + "Z", "1"]),
    birth_date=DAYS,
    suggested_birth_date=DAYS,
    school_key=st.sampled_from(["", "s1"]),
    school_elsewhere=st.booleans(),
    guardian_name=st.sampled_from(["", "王大"]),
    stands_for_household=st.booleans(),
)


@given(ENTRIES, STUDENTS)
def test_every_row_ends_in_one_explained_state_and_a_link_names_one_student(
    row: EntryRecord, students: list[StudentRecord]
) -> None:
    found = decided(row, *students)
    assert found.reason in REASONS
    assert found.zh
    assert "{" not in found.zh + found.en
    linked = found.state is State.LINKED
    assert linked <= (found.rule in {"R1", "R2", "R4", "R6"})
    if linked:
        numbers = {s.id_number for s in students if s.student_id == found.student}
        assert row.id_number is None or numbers <= {row.id_number, None}, "two valid numbers that differ: never linked"


@given(ENTRIES, STUDENTS, st.randoms())
def test_the_order_in_which_students_came_does_not_matter(
    row: EntryRecord, students: list[StudentRecord], chance: object
) -> None:
    shuffled = list(students)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decided(row, *students) == decided(row, *shuffled)
