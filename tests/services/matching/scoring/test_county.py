"""What a list row and a student show of each other, where no valid number decides. All numbers are invented."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.matching.records import EntryRecord, student_record
from services.matching.scoring import county, county_model, score
from services.matching.scoring.weighing import MISSING
from shared.standards.identity_number import check_digit

FIRST = "46908020140316421"
NUMBER = FIRST + check_digit(FIRST)
OTHER_FIRST = "46908020151121434"
OTHER_NUMBER = OTHER_FIRST + check_digit(OTHER_FIRST)
ANNA = student_record(
    1,
    name="蒋可语",
    id_number=NUMBER,
    birth_date=date(2014, 3, 16),
    school_key="s1",
    guardian_name="蒋超",
    guardian_id="469080198208067979",
    former_name="蒋莲珍",
    sex="male",
    grade="六年级",
    class_name="2班",
    division_code="469080102201",
)
BARE = EntryRecord("蒋可语")


def identity(**given: Any) -> str:
    found = county.identity(replace(BARE, **given), ANNA)
    return "missing" if found == MISSING else county.IDENTITY_LEVELS[found]


SLIPPED = NUMBER[:5] + str((int(NUMBER[5]) + 1) % 10) + NUMBER[6:]
CASES: list[tuple[str, dict[str, Any], str]] = [
    ("the same number", {"id_number": NUMBER}, "number"),
    ("another valid number", {"id_number": OTHER_NUMBER}, "differs"),
    ("one digit mistyped", {"id_text": SLIPPED}, "number_slip"),
    ("the last character lost", {"id_text": NUMBER[:-1]}, "number_slip"),
    ("neighbours swapped", {"id_text": NUMBER[:10] + NUMBER[11] + NUMBER[10] + NUMBER[12:]}, "number_slip"),
    ("two digits mistyped", {"id_text": "9" + SLIPPED[1:]}, "number_two_slips"),
    ("fifteen digits", {"id_text": NUMBER[:6] + NUMBER[8:17]}, "number"),
    ("sequence masked", {"id_text": NUMBER[:14] + "****"}, "mask_many"),
    ("birth date masked", {"id_text": NUMBER[:4] + "**********" + NUMBER[14:]}, "mask_some"),
    ("masked with x", {"id_text": NUMBER[:6] + "XXXXXXXX" + NUMBER[14:]}, "mask_some"),
    ("a mask that shows another number", {"id_text": OTHER_NUMBER[:14] + "****"}, "number_differs"),
    ("almost all masked", {"id_text": NUMBER[:3] + "*" * 15, "birth_date": ANNA.birth_date}, "birth_and_sex"),
    ("somebody else's mistyped number", {"id_text": OTHER_NUMBER[:-1] + "0"}, "number_differs"),
    ("somebody else's number, her birth date", {"id_text": "469080198208867979", "birth_date": ANNA.birth_date},
     "birth_other_sex"),
    ("a rounded number tells nothing", {"id_text": "4.69080E+17", "sex": "male"}, "sex"),
    ("a remark for a number tells nothing", {"id_text": "待补"}, "missing"),
    ("birth date and sex", {"birth_date": ANNA.birth_date, "sex": "male"}, "birth_and_sex"),
    ("birth date read from a number", {"suggested_birth_date": ANNA.birth_date}, "birth_and_sex"),
    ("birth date, other sex", {"birth_date": ANNA.birth_date, "sex": "female"}, "birth_other_sex"),
    ("one digit of the birth date", {"birth_date": date(2014, 3, 18)}, "birth_slip"),
    ("the lunar birth date", {"birth_date": date(2014, 2, 16)}, "birth_slip"),
    ("the lunar birth date, another day", {"birth_date": date(2014, 2, 5)}, "birth_near"),
    ("another birth date", {"birth_date": date(2011, 11, 7)}, "differs"),
    ("only the sex", {"sex": "male"}, "sex"),
    ("only the sex, another", {"sex": "female"}, "other_sex"),
    ("nothing", {}, "missing"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_number_birth_date_and_sex_together(given: dict[str, Any], expected: str) -> None:
    assert identity(**given) == expected


def test_a_student_whose_own_number_is_mistyped_is_compared_by_it() -> None:
    student = replace(ANNA, id_number=None, id_text=SLIPPED)
    assert county.IDENTITY_LEVELS[county.identity(replace(BARE, id_number=NUMBER), student)] == "number_slip"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"guardian_id": "469080198208067979"}, "number"),
        ({"guardian_name": "蒋超"}, "name"),
        ({"head_name": "蒋超"}, "head"),
        ({"guardian_name": "林某", "head_name": "蒋超"}, "head"),
        ({"guardian_name": "蒋*"}, "name_variant"),
        ({"head_name": "林强"}, "head_differs"),
        ({"guardian_name": "林强"}, "differs"),
        ({}, "missing"),
    ],
)
def test_the_guardian_or_the_head_of_the_household(given: dict[str, Any], expected: str) -> None:
    found = county.guardian(replace(BARE, **given), ANNA)
    assert ("missing" if found == MISSING else county.GUARDIAN_LEVELS[found]) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"school_key": "s1", "grade": "6年级", "class_name": "六(2)班"}, "class"),
        ({"school_key": "s2", "grade": "六年级", "class_name": "2班"}, "grade"),
        ({"grade": "小学六年级"}, "grade"),
        ({"grade": "五年级"}, "next_grade"),
        ({"grade": "初一"}, "other"),
        ({"grade": "学前"}, "missing"),
    ],
)
def test_grade_and_class(given: dict[str, Any], expected: str) -> None:
    found = county.grade(replace(BARE, **given), ANNA)
    assert ("missing" if found == MISSING else county.GRADE_LEVELS[found]) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [("469080102201", "village"), ("469080102", "township"), ("469080103", "county"), ("469080", "county"),
     ("469081102", "other"), ("", "missing")],
)  # fmt: skip
def test_how_much_of_the_division_code_is_shared(code: str, expected: str) -> None:
    found = county.division(replace(BARE, division_code=code), ANNA)
    assert ("missing" if found == MISSING else county.DIVISION_LEVELS[found]) == expected


def test_a_school_elsewhere_is_another_school() -> None:
    assert county.school(replace(BARE, school_elsewhere=True), ANNA) == 1
    assert county.school(BARE, ANNA) == MISSING


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("蒋可语", "equal"),
        ("蔣可語", "variant"),
        ("蒋可雨", "homophone"),
        ("蒋莲珍", "former"),
        ("王小明", "incompatible"),
    ],
)
def test_names_by_their_relation(name: str, expected: str) -> None:
    assert county.NAME_LEVELS[county.name(replace(BARE, name=name), ANNA)] == expected
    assert county.name(replace(BARE, name=""), ANNA) == MISSING


FULL = replace(
    BARE, id_text=SLIPPED, birth_date=ANNA.birth_date, sex="male", school_key="s1", grade="六年级", head_name="蒋超"
)


def test_everything_that_agrees_makes_a_link_and_the_parts_add_up() -> None:
    model = county_model()
    found = score(model, FULL, ANNA)
    assert found.weight > model.thresholds.automatic
    assert math.isclose(math.fsum(part.weight for part in found.parts), found.weight, abs_tol=1e-9)
    assert {part.comparison for part in found.parts} == {"prior", *(each.name for each in model.comparisons)}


@pytest.mark.parametrize(
    "worse",
    [{"name": "蒋可雨"}, {"name": "王小明"}, {"id_text": "9" + SLIPPED[1:]}, {"id_text": ""}, {"head_name": "林强"},
     {"school_key": "s9"}, {"grade": "二年级"}],
)  # fmt: skip
def test_less_agreement_never_weighs_more(worse: dict[str, Any]) -> None:
    model = county_model()
    assert score(model, replace(FULL, **worse), ANNA).weight < score(model, FULL, ANNA).weight


def test_a_name_alone_is_never_enough_for_a_link() -> None:
    model = county_model()
    assert score(model, BARE, ANNA).probability < 0.5 < score(model, FULL, ANNA).probability
