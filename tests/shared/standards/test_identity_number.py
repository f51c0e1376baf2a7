from __future__ import annotations

import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.standards import identity_number
from shared.standards.identity_number import IdentityNumberError, check_digit, is_valid, normalise, parse

STANDARD_EXAMPLES = ("11010519491231002X", "440524188001010014", "34052419800101001X")


def iso_7064_mod_11_2(text: str) -> bool:
    """Oracle: the recursive definition in ISO 7064, which never uses the standard's table of weights."""
    value = 0
    for digit in text[:-1]:
        value = (value + int(digit)) * 2 % 11
    return (value + (10 if text[-1] == "X" else int(text[-1]))) % 11 == 1


@st.composite
def valid_numbers(draw: st.DrawFn) -> str:
    year = draw(st.integers(1900, 2030))
    month = draw(st.integers(1, 12))
    day = draw(st.integers(1, calendar.monthrange(year, month)[1]))
    division = draw(st.integers(110000, 659999))
    first17 = f"{division}{year}{month:02}{day:02}{draw(st.integers(1, 999)):03}"
    return next(first17 + c for c in "0123456789X" if iso_7064_mod_11_2(first17 + c))


def code_of(raw: object) -> str:
    with pytest.raises(IdentityNumberError) as caught:
        parse(raw)
    assert caught.value.message_zh and caught.value.message_en
    return caught.value.code


@pytest.mark.parametrize("text", STANDARD_EXAMPLES)
def test_the_examples_of_the_standard_are_valid(text: str) -> None:
    assert parse(text).text == text
    assert check_digit(text[:17]) == text[17]


def test_the_parts_are_read_as_the_standard_says() -> None:
    number = parse("440524188001010014")
    assert (number.division_code, number.birth_date.isoformat(), number.sequence) == ("440524", "1880-01-01", 1)
    assert number.sex == "male"
    assert parse("11010519491231002X").sex == "female"


@pytest.mark.parametrize(
    "raw",
    [
        "34052419800101001x",
        "'34052419800101001X",
        "\u2019 34052419800101001X",
        "340524 19800101 001X",
        "\ufeff34052419800101001X\u200b\n",
        "34052419800101001X",
        "34052419800101001X43",
        "34052419800101001X71B",
        "34052419800101001X71B1",
    ],
)
def test_the_same_number_is_read_however_it_was_typed(raw: str) -> None:
    assert parse(raw).text == "34052419800101001X"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "empty"),
        ("", "empty"),
        (" \u3000'", "empty"),
        (440524188001010014, "numeric_cell"),
        (4.40524188001010e17, "numeric_cell"),
        (True, "numeric_cell"),
        ("440524188001010000", "numeric_cell"),
        ("440524188001010014.0", "numeric_cell"),
        ("4.40524E+17", "scientific_notation"),
        ("4.40524188001010E+17", "scientific_notation"),
        ("4e17", "scientific_notation"),
        ("44052418800101001", "length"),
        ("4405241880010100144", "length"),
        ("999999999999999", "length"),
        ("无", "characters"),
        ("44052418800101001A", "characters"),
        ("X40524188001010014", "characters"),
        ("440524188001010015", "check_digit"),
        ("110105491231002", "fifteen_digit"),
    ],
)
def test_a_bad_cell_says_what_is_wrong(raw: object, code: str) -> None:
    assert code_of(raw) == code


def test_a_date_that_does_not_exist_is_refused_though_the_check_digit_agrees() -> None:
    for eight in ("20110229", "20111301", "20110100", "00000101", "17991231"):
        first17 = "469080" + eight + "001"
        assert code_of(first17 + check_digit(first17)) == "birth_date"


def test_rounded_numbers_are_never_repaired() -> None:
    assert normalise("4.40524E+17") == "4.40524E+17"
    assert not is_valid("440524188001010000")


def test_a_certificate_with_a_broken_number_is_not_cut_down_to_it() -> None:
    assert code_of("44052418800101001543") == "length"


def test_neither_errors_nor_reprs_show_the_number() -> None:
    text = "440524188001010015"
    with pytest.raises(IdentityNumberError) as caught:
        parse(text)
    assert "4405" not in str(caught.value) + repr(caught.value)
    assert "4405" not in repr(parse("440524188001010014"))


@given(valid_numbers())
def test_every_number_valid_by_iso_7064_is_accepted(text: str) -> None:
    number = parse(text)
    assert number.text == text
    assert number.birth_date.strftime("%Y%m%d") == text[6:14]
    assert (number.sex == "male") == (int(text[16]) % 2 == 1)


@given(valid_numbers(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_noticed(text: str, at: int, typed: str) -> None:
    wrong = text[:at] + typed + text[at + 1 :]
    assert is_valid(wrong) == (wrong == text)


@given(valid_numbers(), st.integers(0, 16))
def test_two_neighbours_swapped_are_always_noticed(text: str, at: int) -> None:
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    assert is_valid(swapped) == (swapped == text)


@given(st.one_of(st.text(max_size=24), st.integers(), st.floats(), st.booleans(), st.none()))
def test_any_cell_either_parses_or_gives_a_known_code(raw: object) -> None:
    try:
        number = parse(raw)
    except IdentityNumberError as error:
        assert error.code in identity_number.MESSAGES
    else:
        assert iso_7064_mod_11_2(number.text)
