from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.masking import mask_address, mask_name, mask_number, mask_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [("张晓明", "张*明"), ("张明", "张*"), ("欧阳小明", "欧**明"), ("张", "*"), ("", ""), (None, "")],
)
def test_names_keep_the_ends(name: str | None, masked: str) -> None:
    assert mask_name(name) == masked


def test_numbers_keep_four_and_four() -> None:
    assert mask_number("440524188001010014") == "4405**********0014"
    assert mask_phone("13812345678") == "138****5678"


@given(st.text(min_size=1, max_size=8))
def test_short_numbers_are_hidden_whole(number: str) -> None:
    assert set(mask_number(number)) == {"*"}


def test_an_address_does_not_tell_its_length() -> None:
    assert mask_address("海南省海口市龙华区某路1号") == mask_address("海南省海口市美兰区另一条很长的路22号")
