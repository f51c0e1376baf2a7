"""Which school a text means, as schools are called."""

from __future__ import annotations

import pytest

from services.registry.sheets.schools import SchoolDirectory

OURS = (
    ("1", "望潮县上桥镇初级中学"),
    ("2", "望潮县小源第一小学"),
    ("3", "望潮县小源第二小学"),
    ("4", "望潮县大岸镇九年一贯制学校"),
    ("5", "望潮县东岭镇中心小学"),
    ("6", "望潮县西岭镇中心小学"),
    ("7", "望潮县青坝镇西山村小学"),
)
DIRECTORY = SchoolDirectory.of(OURS)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("望潮县上桥镇初级中学", "1"),
        ("上桥镇初级中学", "1"),
        ("上桥镇初中", "1"),
        (" 小源第一小学 ", "2"),
        ("小源一小", "2"),
        ("小源第二小学", "3"),
        ("大岸镇九年一贯制学校", "4"),
        ("东岭镇中心小学", "5"),
        ("西山村小学", "7"),
    ],
)
def test_a_school_is_found_as_it_is_called(written: str, code: str) -> None:
    found = DIRECTORY.find(written)
    assert found is not None and found.key == code


def test_a_name_that_two_schools_end_with_is_neither_of_them() -> None:
    found = DIRECTORY.find("岭镇中心小学")
    assert found is not None and found.key is None and found.nearest


@pytest.mark.parametrize("written", ["第三小学", "一小", "中心小学", "初中", "实验中学"])
def test_a_name_without_a_place_is_no_school_of_ours_and_none_elsewhere(written: str) -> None:
    """With one 中心小学 in the county the row may still mean another county's; and it does not say so."""
    directory = SchoolDirectory.of([*OURS[:5], ("8", "望潮县实验中学")])
    found = directory.find(written)
    assert found is not None and found.key is None and not found.elsewhere


@pytest.mark.parametrize("written", ["临江市第三小学", "南屏县中心小学", "东岸区育才学校"])
def test_a_school_of_another_place_is_elsewhere(written: str) -> None:
    found = DIRECTORY.find(written)
    assert found is not None and found.key is None and found.elsewhere
