"""Dates as offices write them: 2012.9, 201209, 20120901, 2012年9月, 二〇一二年九月, a spreadsheet's serial number.

A date is kept as the half-open period it names: a day, a month or a year. What it means is the caller's business:
valid_from takes the first day, a paper's 有效期至 the day after the last, a birth date only a whole day.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

OPEN_ENDED = frozenset(("长期", "永久", "至今", "长期有效", "永久有效", "无", "无期限", "-", "--", "/", "—", "——"))

_SERIAL_EPOCH = date(1899, 12, 30)  # spreadsheets count days from here, after their false 29 February 1900
_SERIALS = range(10_000, 80_001)  # 1927-05-18 to 2119-01-10
_YEARS = range(1900, 2101)
_PARTS = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?(?:[T ]*\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
)
_CHINESE_DIGITS = {ord(sign): str(value) for value, sign in enumerate("〇一二三四五六七八九")} | {
    ord("零"): "0",
    ord("○"): "0",
}

MESSAGES: dict[str, tuple[str, str]] = {
    "unreadable": ("日期无法识别", "The date cannot be read."),
    "impossible": ("日期不存在", "The date does not exist."),
    "ambiguous_month": (
        "年月是数值格式,分不清1月和10月,请按文本填写",
        "The month is a number: .1 may be January or October. Enter it as text.",
    ),
}


class DateError(ValueError):
    """A cell that names no date. `code` is unreadable, impossible or ambiguous_month."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.message_zh, self.message_en = MESSAGES[code]
        super().__init__(self.message_en)


@dataclass(frozen=True, slots=True)
class DatePeriod:
    """The day, month or year that a cell names: [first, after)."""

    first: date
    after: date

    @property
    def is_day(self) -> bool:
        return self.after - self.first == timedelta(days=1)


def parse(cell: object) -> DatePeriod | None:
    """The period in a cell; None when it is empty or says open-ended (长期). Raises DateError."""
    if isinstance(cell, str):
        return _from_cell_text(cell) if cell else None
    if isinstance(cell, datetime):
        return _day(cell.date())
    if isinstance(cell, date):
        return _day(cell)
    if isinstance(cell, bool):
        raise DateError("unreadable")
    if isinstance(cell, (int, float)):
        return _from_number(cell)
    return _from_cell_text(str(cell)) if cell else None


@lru_cache(maxsize=65_536)  # one list names the same few thousand days again and again
def _from_cell_text(cell: str) -> DatePeriod | None:
    text = unicodedata.normalize("NFKC", cell).strip().lstrip("'`")
    if not text or text in OPEN_ENDED:
        return None
    return _from_text(text)


def _from_number(number: float) -> DatePeriod:
    whole = int(number)
    if whole != number:
        month = round((number - whole) * 100, 6)
        if whole in _YEARS:
            if month == 10:
                raise DateError("ambiguous_month")
            # 2012.9 has one digit, 2012.11 has two: the text of the number tells which.
            return _from_text(format(number, ".10g"))
        number = whole  # a serial with the time of day
    if whole in _SERIALS:
        return _day(_SERIAL_EPOCH + timedelta(days=whole))
    return _from_text(str(whole))


def _from_text(text: str) -> DatePeriod:
    if text.isascii() and text.isdigit():
        return _from_digits(text)
    if not text.isascii():
        text = _chinese_numerals(text)
    match = _PARTS.fullmatch(re.sub(r"\s*([-/.年月日])\s*", r"\1", text))
    if match is None:
        raise DateError("unreadable")
    year, month, day = (int(part) if part else None for part in match.groups())
    return _period(year or 0, month, day)


def _from_digits(text: str) -> DatePeriod:
    if len(text) == 8:
        return _period(int(text[:4]), int(text[4:6]), int(text[6:]))
    if len(text) == 6:
        return _period(int(text[:4]), int(text[4:]), None)
    if len(text) == 4:
        return _period(int(text), None, None)
    if len(text) == 5 and int(text) in _SERIALS:
        return _day(_SERIAL_EPOCH + timedelta(days=int(text)))
    raise DateError("unreadable")


def _period(year: int, month: int | None = None, day: int | None = None) -> DatePeriod:
    if year not in _YEARS:
        raise DateError("impossible")
    try:
        if month is None:
            return DatePeriod(date(year, 1, 1), date(year + 1, 1, 1))
        if day is None:
            return DatePeriod(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1))
        return _day(date(year, month, day))
    except ValueError as cause:
        raise DateError("impossible") from cause


def _day(day: date) -> DatePeriod:
    return DatePeriod(day, day + timedelta(days=1))


def _chinese_numerals(text: str) -> str:
    """二〇一二年十一月三日 → 2012年11月3日; a text without such numerals stays as it is."""
    text = re.sub(r"([一二三]?)十([一二三四五六七八九]?)", _tens, text)
    return text.translate(_CHINESE_DIGITS)


def _tens(match: re.Match[str]) -> str:
    tens, ones = (("一二三四五六七八九".find(sign) + 1) if sign else 0 for sign in match.groups())
    return str((tens or 1) * 10 + ones)
