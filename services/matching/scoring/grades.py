"""Grades and classes as offices write them: 三年级, 3年级, 七年级, 初一, 高二, 2024级; 3班, 三(2)班."""

from __future__ import annotations

import re
from functools import lru_cache

_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_STAGES = {"小学": 0, "小": 0, "初中": 6, "初": 6, "高中": 9, "高": 9, "职高": 9, "中职": 9}
_GRADE = re.compile("(小学|初中|高中|职高|中职|小|初|高)?([一二三四五六七八九十]+|[0-9]{1,2})(?:年级|年)?")
_NUMBER = re.compile("([一二三四五六七八九十]+|[0-9]{1,3})[^0-9一二三四五六七八九十]*$")
GRADE_HIGHEST = 12
TEXTS_REMEMBERED_MOST = 4_096


@lru_cache(maxsize=TEXTS_REMEMBERED_MOST)
def grade_number(text: str) -> int | None:
    """1–12 from the first year of primary school to the last of senior high; None when the text names no such grade."""
    plain = text.replace("级", "年级") if text.endswith("级") and not text.endswith("年级") else text
    found = _GRADE.match(plain)
    if found is None:
        return None
    number = _numeral(found[2])
    if number is None:
        return None
    grade = _STAGES[found[1]] + number if found[1] else number
    return grade if 1 <= grade <= GRADE_HIGHEST else None


@lru_cache(maxsize=TEXTS_REMEMBERED_MOST)
def class_number(text: str) -> int | None:
    """The class within its grade; of 三(2)班 the 2. None without a number."""
    found = _NUMBER.search(text)
    return _numeral(found[1]) if found else None


def _numeral(text: str) -> int | None:
    if text.isascii():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS.get(text)
    if any(part and part not in _DIGITS for part in (tens, ones)):
        return None
    return 10 * _DIGITS.get(tens, 1) + _DIGITS.get(ones, 0)
