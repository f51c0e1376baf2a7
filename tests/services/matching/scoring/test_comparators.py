"""Which level two values of a plain row reach, told from examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.scoring.comparators import ROW_COMPARATORS, day_level
from services.matching.scoring.weighing import MISSING

NAME = ROW_COMPARATORS["text"]({"field": "given", "similar": [0.92, 0.8], "crossed": "family"})
NUMBER = ROW_COMPARATORS["number"]({"field": "number"})
IDENTITY = ROW_COMPARATORS["identity"]({"number": "number", "birth": "born", "sex": "sex"})


def level(found: int, levels: tuple[str, ...]) -> str:
    return "missing" if found == MISSING else levels[found]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("christina", "may"), ("christina", "may"), "equal"),
        (("christina", "may"), ("chritsina", "may"), "edits_1"),  # neighbours swapped are one edit
        (("christina", "may"), ("christoph", "may"), "similar_80"),
        (("jim", "long"), ("jin", "long"), "edits_1"),
        (("jo", "long"), ("ja", "long"), "other"),  # too short for one edit to be a slip
        (("green", "harley"), ("harley", "green"), "crossed"),
        (("green", "harley"), ("harlye", "x"), "crossed"),
        (("green", "harley"), ("tom", "wood"), "other"),
        (("", "harley"), ("harley", "green"), "missing"),
    ],
)
def test_given_names(one: tuple[str, str], other: tuple[str, str], expected: str) -> None:
    rows = [{"given": given, "family": family} for given, family in (one, other)]
    assert level(NAME.compare(*rows), NAME.levels) == expected
    assert level(NAME.compare(*reversed(rows)), NAME.levels) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("19491231", "19491231", "equal"),
        ("19491231", "19491213", "slip"),  # neighbours swapped
        ("19490512", "19491205", "slip"),  # day and month swapped
        ("19490512", "19480512", "slip"),
        ("19490512", "19250512", "two_parts"),
        ("19490512", "19251112", "other"),
    ],
)
def test_dates(one: str, other: str, expected: str) -> None:
    assert ("equal", "slip", "two_parts", "other")[day_level(one, other)] == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("123456", "20100101", "male"), ("123456", "19990909", "female"), "number"),
        (("123456", "20100101", "male"), ("123465", "20100101", "male"), "number_slip"),
        (("", "20100101", "male"), ("123456", "20100101", "male"), "birth_and_sex"),
        (("", "20100101", ""), ("", "20100101", "male"), "birth_and_sex"),
        (("", "20100101", "male"), ("", "20100102", "male"), "birth_slip"),
        (("", "20100101", "male"), ("", "20100101", "female"), "birth_other_sex"),
        (("", "20100101", "male"), ("", "19990909", "male"), "other"),
        (("123456", "", ""), ("999999", "", ""), "other"),
        (("123456", "", ""), ("", "20100101", ""), "missing"),
    ],
)
def test_number_birth_date_and_sex_are_one_question(
    one: tuple[str, str, str], other: tuple[str, str, str], expected: str
) -> None:
    rows = [dict(zip(("number", "born", "sex"), each, strict=True)) for each in (one, other)]
    assert level(IDENTITY.compare(*rows), IDENTITY.levels) == expected


@given(st.text("0123456789", max_size=8), st.text("0123456789", max_size=8))
def test_numbers_compare_alike_from_both_sides(one: str, other: str) -> None:
    rows = {"number": one}, {"number": other}
    assert NUMBER.compare(*rows) == NUMBER.compare(*reversed(rows))
    assert (NUMBER.compare(*rows) == 0) == (one == other != "")
