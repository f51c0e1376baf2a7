"""Records side by side: what differs is marked where it stands, also under the mask; numbers say what they hold."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.comparing import FIELDS, MASKS, compared, decoded, differences
from shared.standards.identity_number import check_digit

VALID = "11010519491231002X"
TEXT = st.text(alphabet="张王李小明华0123456789X", max_size=18)


def test_the_differing_character_is_marked_on_both_sides() -> None:
    assert differences("林小燕", "林小雁") == (((2, 3),), ((2, 3),))
    assert differences("欧阳小燕", "阳小燕") == (((0, 1),), ())


@given(TEXT, TEXT)
def test_what_is_left_unmarked_is_the_same_text_on_both_sides(first: str, second: str) -> None:
    spans = differences(first, second)
    kept = []
    for text, marked in zip((first, second), spans, strict=True):
        hidden = {place for begin, end in marked for place in range(begin, end)}
        assert all(0 <= begin < end <= len(text) for begin, end in marked)
        kept.append("".join(one for place, one in enumerate(text) if place not in hidden))
    assert kept[0] == kept[1]
    assert (first == second) is (spans == ((), ()))


def test_marks_stand_in_the_masked_text_where_they_stand_in_the_full_one() -> None:
    row, student = (
        {"name": "欧阳小燕", "id_number": VALID},
        {"name": "欧阳晓燕", "id_number": VALID[:8] + "9" + VALID[9:]},
    )
    masked, full = compared(row, student, ()), compared(row, student, ("name", "id_number"))
    assert [each.field for each in masked] == ["name", "id_number"]
    for hidden, plain in zip(masked, full, strict=True):
        assert (hidden.row.spans, hidden.student.spans) == (plain.row.spans, plain.student.spans)
        assert len(hidden.row.text) == len(plain.row.text) and "*" in hidden.row.text and "*" not in plain.row.text
    assert masked[0].row.text == "欧**燕" and full[1].student.spans == ((8, 9),)


def test_a_field_one_side_leaves_empty_neither_agrees_nor_differs() -> None:
    (field,) = compared({"birth_date": date(2015, 3, 4)}, {}, ())
    assert (field.row.text, field.student.text, field.agrees, field.row.spans) == ("2015-**-**", "", None, ())
    assert compared({}, {}, ()) == []


def test_every_field_that_names_a_person_is_masked() -> None:
    assert set(FIELDS) - set(MASKS) == {"sex", "school", "grade", "class_name"}
    for mask in MASKS.values():
        assert "*" in mask(VALID) and len(mask(VALID)) == len(VALID)


def test_a_valid_number_tells_place_birth_sex_and_check() -> None:
    told = decoded(VALID, "zh", plain=True)
    assert told is not None
    assert (told.division_code, told.birth_date, told.sex, told.check) == ("110105", "1949-12-31", "female", True)
    masked = decoded(VALID, "zh", plain=False)
    assert masked is not None and (masked.division_code, masked.birth_date) == ("1101**", "1949-**-**")
    assert "1231" not in masked.model_dump_json()


@pytest.mark.parametrize(
    ("number", "problem", "check", "born"),
    [
        (VALID[:-1] + "1", "check_digit", False, "1949-12-31"),
        (VALID[:10] + "13" + VALID[12:], "check_digit", False, None),
        ("110105491231002", "fifteen_digit", None, "1949-12-31"),
        ("1101051949", "length", None, None),
        ("4.40524E+17", "scientific_notation", None, None),
    ],
)
def test_an_unusable_number_says_what_is_still_readable_and_what_is_wrong(
    number: str, problem: str, check: bool | None, born: str | None
) -> None:
    told = decoded(number, "en", plain=True)
    assert told is not None and told.explanation
    assert (told.problem, told.check, told.birth_date) == (problem, check, born)


def test_a_date_that_is_none_in_a_number_with_a_right_check_is_no_birth_date() -> None:
    first = "11010519490230002"
    told = decoded(first + check_digit(first), "zh", plain=True)
    assert told is not None and (told.problem, told.check, told.birth_date) == ("birth_date", True, None)


def test_an_empty_cell_is_nothing_to_decode() -> None:
    assert decoded(None, "zh", plain=True) is None and decoded("  ", "zh", plain=True) is None
