"""How common a name is, also of names nobody in the register bears, without carrying a roster of people."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from services.matching.scoring.frequencies import (
    ChineseNames,
    FrequenciesRefused,
    ValueShares,
    frequency_table,
    split_name,
)

NAMES = ["王伟"] * 40 + ["王芳"] * 30 + ["李伟明"] * 20 + ["欧阳明"] * 6 + ["买买提·吐尔逊"] * 4


def test_values_have_their_shares_and_others_the_floor() -> None:
    table = ValueShares.of(["a", "a", "b", ""])
    assert math.isclose(table.share("a"), 2 / 3)
    assert table.share("z") == 1 / 4


def test_a_name_more_common_than_its_characters_tell_has_its_own_share() -> None:
    table = ChineseNames.of(NAMES)
    assert table.share("王伟") == 0.4
    assert "买买提·吐尔逊" not in table.whole, "borne by four people only"


def test_a_name_never_seen_is_told_by_its_characters() -> None:
    table = ChineseNames.of(NAMES)
    counts = Counter("伟" * 40 + "芳" * 30 + "伟明" * 20 + "明" * 6)
    written = counts.total() + 4 + 1  # four given names before the dot, and one for what was never seen
    single = (40 + 30 + 6 + 4 + 1) / (100 + 2)
    assert math.isclose(table.share("李芳"), 0.2 * single * counts["芳"] / written)
    assert table.share("李芳") > table.share("李梅") >= 1 / 101


def test_surnames_of_two_characters_and_names_with_dots_are_split_where_they_should() -> None:
    assert split_name("欧阳明") == ("欧阳", ("明",))
    assert split_name("欧阳") == ("欧", ("阳",))
    assert split_name("买买提·吐尔逊") == ("吐尔逊", ("买买提",))


def test_tables_come_back_from_their_json() -> None:
    for table in (ChineseNames.of(NAMES), ValueShares.of(NAMES)):
        assert frequency_table(table.as_json()) == table


def test_nothing_to_count_is_refused() -> None:
    for kind in (ValueShares, ChineseNames):
        with pytest.raises(FrequenciesRefused):
            kind.of(["", ""])
