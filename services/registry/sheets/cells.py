"""Cells of lists as text, and the words offices use in them, reduced to the words of the product."""

from __future__ import annotations

import unicodedata

from shared.tabular.cells import shown as shown
from shared.tabular.cells import text as text

SAME_AS_ABOVE = frozenset(
    pad + word + tail
    for word in ("同上", "〃", "″", '"', "''", "同前", "同 上")
    for pad in ("", " ")
    for tail in ("", " ")
)

# 户类型: the kinds of a registered or monitored household (domain.md §3); the kind stays in the field's own words.
HOUSEHOLD_TYPES = (
    "脱贫不稳定户",
    "边缘易致贫户",
    "突发严重困难户",
    "一般贫困户",
    "低保贫困户",
    "五保贫困户",
    "脱贫户",
)
_HOUSEHOLD_WORDS = (
    ("脱贫不稳定", "脱贫不稳定户"),
    ("边缘", "边缘易致贫户"),
    ("突发", "突发严重困难户"),
    ("低保贫困", "低保贫困户"),
    ("五保贫困", "五保贫困户"),
    ("特困贫困", "五保贫困户"),
    ("一般贫困", "一般贫困户"),
    ("脱贫", "脱贫户"),
    ("贫困户", "一般贫困户"),
    ("建档立卡", "一般贫困户"),
)
_SUPPORT_WORDS = (
    ("特困", "extreme_hardship"),
    ("五保", "extreme_hardship"),
    ("低保", "subsistence_allowance"),
    ("最低生活保障", "subsistence_allowance"),
)
_AREA_WORDS = (("农村", "rural"), ("乡村", "rural"), ("城市", "urban"), ("城镇", "urban"), ("城区", "urban"))
_COVERAGE_WORDS = (("整户", "household"), ("单人", "single"), ("个人", "single"))

_SEX_WORDS = {"男": "male", "1": "male", "male": "male", "女": "female", "2": "female", "female": "female"}


def household_type(cell: str) -> str | None:
    """One of HOUSEHOLD_TYPES, or None when the words name none."""
    return _first_word(cell, _HOUSEHOLD_WORDS)


def support_type(cell: str) -> str | None:
    """subsistence_allowance or extreme_hardship, or None."""
    return _first_word(cell, _SUPPORT_WORDS)


def area_type(cell: str) -> str | None:
    """rural or urban, or None. Texts such as 农村低保 name an area too."""
    if cell in ("乡", "村"):
        return "rural"
    return "urban" if cell == "城" else _first_word(cell, _AREA_WORDS)


def only_support_type(title: str) -> str | None:
    """The one support type a title names; None when it names none or both."""
    return _only_meaning(title, _SUPPORT_WORDS)


def only_area_type(title: str) -> str | None:
    """The one area a title names; None when it names none or both."""
    return _only_meaning(title, _AREA_WORDS)


def coverage(cell: str) -> str | None:
    """household (整户保) or single (单人保), or None."""
    return _first_word(cell, _COVERAGE_WORDS)


def sex(cell: str) -> str | None:
    """male or female, or None."""
    return _SEX_WORDS.get(cell.removesuffix("性"))


def yes_no(cell: str) -> bool | None:
    """True for 是, 有, 1; False for 否, 无, 非, 0; else None."""
    if cell in ("是", "有", "1", "Y", "y", "√"):
        return True
    return False if cell in ("否", "无", "非", "0", "N", "n", "×") else None


def _first_word(cell: str, words: tuple[tuple[str, str], ...]) -> str | None:
    plain = unicodedata.normalize("NFKC", cell)
    return next((meaning for word, meaning in words if word in plain), None)


def _only_meaning(title: str, words: tuple[tuple[str, str], ...]) -> str | None:
    meanings = {meaning for word, meaning in words if word in title}
    return meanings.pop() if len(meanings) == 1 else None
