"""Grades and classes in the words of different offices."""

from __future__ import annotations

import pytest

from services.matching.scoring.grades import class_number, grade_number


@pytest.mark.parametrize(
    ("text", "expected"),
    [("一年级", 1), ("3年级", 3), ("小学五年级", 5), ("七年级", 7), ("初一", 7), ("初中三年级", 9), ("高二", 11),
     ("高中一年级", 10), ("中职三年级", 12), ("九年级", 9), ("十年级", 10), ("十二年级", 12), ("6", 6),
     ("13年级", None), ("高五", None), ("学前班", None), ("", None), ("二十一", None)],
)  # fmt: skip
def test_grades(text: str, expected: int | None) -> None:
    assert grade_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2班", 2), ("二班", 2), ("三(2)班", 2), ("12", 12), ("十一班", 11), ("实验班", None), ("", None)],
)
def test_classes(text: str, expected: int | None) -> None:
    assert class_number(text) == expected
