"""Citizen identity numbers, GB 11643-1999.

Six digits division, eight birth date, three sequence (odd = male), one check character by ISO 7064 MOD 11-2.
Nothing is ever repaired: a number that a spreadsheet has rounded is lost, and guessing would name another child.
Error messages carry no part of the number, so they may be logged and shown.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from operator import mul
from typing import Literal

from shared.standards.cell_text import is_scientific, number_text

Sex = Literal["male", "female"]

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
EARLIEST_YEAR = 1800  # the standard's own example was born in 1880
_ZERO_OFFSET = ord("0") * sum(WEIGHTS)
_CERTIFICATE_LENGTHS = (20, 21, 22)

MESSAGES: dict[str, tuple[str, str]] = {
    "empty": ("身份证号为空", "The identity number is empty."),
    "scientific_notation": (
        "身份证号成了科学计数法,末几位已丢失,请按文本格式重新填写",
        "The identity number is in scientific notation: its last digits are lost. Enter it again as text.",
    ),
    "numeric_cell": (
        "身份证号单元格是数值格式,末三位已丢失,请按文本格式重新填写",
        "The identity number came from a numeric cell: its last digits are lost. Enter it again as text.",
    ),
    "length": ("身份证号不是18位", "The identity number does not have 18 characters."),
    "characters": (
        "身份证号含有不允许的字符(只能是17位数字加1位数字或X)",
        "The identity number may hold only 17 digits and a final digit or X.",
    ),
    "check_digit": (
        "身份证号校验码不符,请核对是否录错",
        "The check digit does not agree: please look for a typing slip.",
    ),
    "birth_date": (
        "身份证号中的出生日期不存在",
        "The birth date inside the identity number does not exist.",
    ),
    "fifteen_digit": (
        "这是15位旧身份证号,请填写18位身份证号",
        "This is an old 15-digit identity number: the 18-digit number is needed.",
    ),
}


class IdentityNumberError(ValueError):
    """A cell that is not an identity number. `code` is a key of MESSAGES."""

    def __init__(self, code: str, message_zh: str, message_en: str) -> None:
        super().__init__(message_en)
        self.code = code
        self.message_zh = message_zh
        self.message_en = message_en

    def __reduce__(self) -> tuple[type[IdentityNumberError], tuple[str, str, str]]:
        return type(self), (self.code, self.message_zh, self.message_en)


@dataclass(frozen=True, slots=True)
class IdentityNumber:
    """A number whose birth date and check digit agree. `text` has 18 characters, X in upper case."""

    text: str
    birth_date: date

    @property
    def division_code(self) -> str:
        """Six digits as issued; the code may have been withdrawn since (GB/T 2260)."""
        return self.text[:6]

    @property
    def sequence(self) -> int:
        """0–999; twins differ by 1 or 2."""
        return int(self.text[14:17])

    @property
    def sex(self) -> Sex:
        return "male" if ord(self.text[16]) & 1 else "female"

    def __repr__(self) -> str:
        return "IdentityNumber(…)"  # a full number must not reach a log by accident

    def __str__(self) -> str:
        return self.text


def check_digit(first17: str) -> str:
    """The check character of seventeen ASCII digits. Raises IdentityNumberError(characters) for anything else."""
    if len(first17) != 17 or not _digits(first17):
        raise _error("characters")
    return _check_character(first17)


def normalise(raw: object) -> str:
    """Plain characters of the cell; a disability certificate (20–22 characters) gives its first 18 if these are valid.

    Never repairs: rounded, short or mistyped numbers come back as they are, for `parse` to refuse.
    """
    text = number_text(raw)
    if len(text) in _CERTIFICATE_LENGTHS and _digits(text[18:20]) and _problem(text[:18]) is None:
        return text[:18]
    return text


def parse(raw: object) -> IdentityNumber:
    """The identity number in a cell. Raises IdentityNumberError with one of the codes in MESSAGES."""
    if raw is not None and not isinstance(raw, str):
        raise _error("numeric_cell")
    text = normalise(raw)
    problem = _problem(text)
    if problem is not None:
        raise _error(problem)
    return IdentityNumber(text, _birth_date(text[6:14]))


def plain_birth_date(text: str) -> date | None:
    """The birth date of a text that is a valid number as it stands; None for every other, also where `parse` would
    accept it once it is tidied. For the bulk of a register this is all there is to check."""
    if len(text) != 18 or not text.isascii() or not text[:17].isdigit() or _check_character(text) != text[17]:
        return None
    return _day_of(text[6:14])


def is_valid(raw: object) -> bool:
    """True when `parse` would accept the cell."""
    return (raw is None or isinstance(raw, str)) and _problem(normalise(raw)) is None


def _problem(text: str) -> str | None:
    if len(text) != 18:
        return _wrong_length(text)
    if not _digits(text[:17]) or text[17] not in "0123456789X":
        return "scientific_notation" if is_scientific(text) else "characters"
    if _check_character(text) != text[17]:
        # A spreadsheet keeps 15 digits of a number and writes zeros for the rest.
        return "numeric_cell" if text.endswith("000") else "check_digit"
    try:
        _birth_date(text[6:14])
    except ValueError:
        return "birth_date"
    return None


def _wrong_length(text: str) -> str:
    if not text:
        return "empty"
    if is_scientific(text):
        return "scientific_notation"
    if text.endswith(".0") and _digits(text[:-2]):
        return "numeric_cell"
    if len(text) == 15 and _digits(text):
        try:
            _birth_date("19" + text[6:12])
        except ValueError:
            return "length"
        return "fifteen_digit"
    return "length" if text.isascii() and text.isalnum() else "characters"


def _check_character(text: str) -> str:
    return CHECK_CHARACTERS[(sum(map(mul, WEIGHTS, text.encode("ascii"))) - _ZERO_OFFSET) % 11]


def _birth_date(eight: str) -> date:
    born = date(int(eight[:4]), int(eight[4:6]), int(eight[6:]))
    if born.year < EARLIEST_YEAR:
        raise ValueError("before the earliest year")
    return born


@functools.lru_cache(maxsize=16_384)  # children of one register share a few thousand birthdays
def _day_of(eight: str) -> date | None:
    try:
        return _birth_date(eight)
    except ValueError:
        return None


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _error(code: str) -> IdentityNumberError:
    return IdentityNumberError(code, *MESSAGES[code])
