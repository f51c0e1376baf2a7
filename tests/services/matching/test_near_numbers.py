"""Numbers one slip away: whatever a hand did to a number, it is among them, and all of them are one slip away."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.near_numbers import near_numbers
from tests.simulation.county_files import iso_valid
from tests.support.people import identity_number

NUMBERS = st.builds(
    identity_number, st.just("469080"), st.dates(date(1930, 1, 1), date(2026, 1, 1)), st.integers(0, 999)
)
CHARACTERS = "0123456789X"


def edited(text: str) -> set[str]:
    """Every text one edit away: a character replaced, inserted, left out, or swapped with the next."""
    places = range(len(text) + 1)
    parts = [(text[:place], text[place:]) for place in places]
    return {
        *(a + c + b[1:] for a, b in parts if b for c in CHARACTERS),
        *(a + c + b for a, b in parts for c in CHARACTERS),
        *(a + b[1:] for a, b in parts if b),
        *(a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1),
    } - {text}


@settings(max_examples=40)
@given(
    NUMBERS,
    st.integers(0, 17),
    st.sampled_from(["replaced", "inserted", "dropped", "swapped"]),
    st.sampled_from("0369XO*?"),
)
def test_they_are_the_valid_numbers_among_all_texts_one_edit_away(number: str, at: int, slip: str, sign: str) -> None:
    before, after = number[:at], number[at:]
    typed = {
        "replaced": before + sign + after[1:],
        "inserted": before + sign + after,
        "dropped": before + after[1:],
        "swapped": before + after[1:2] + after[:1] + after[2:],
    }[slip]
    found = near_numbers(typed)
    assert found == {each for each in edited(typed) if each[6:] >= "18" and iso_valid(each)}
    assert number in found or typed == number


def test_what_is_no_number_with_one_slip_is_near_to_none() -> None:
    for text in ("", "12345", "E12345678", "46**80201503040116", "4690**********0116", "待补"):
        assert not near_numbers(text)
