"""Administrative division codes, GB/T 2260 (six digits) and its extension to townships and villages (nine, twelve).

A scope is a prefix: 2 digits province, 4 city, 6 county, 9 township, 12 village. Codes are withdrawn and added over
the years, so nothing here knows a table of names: a person's number keeps the code it was issued with.
"""

from __future__ import annotations

from typing import Literal

from shared.standards.cell_text import number_text

Level = Literal["province", "city", "county", "township", "village"]

LEVEL_LENGTHS: dict[Level, int] = {
    "province": 2,
    "city": 4,
    "county": 6,
    "township": 9,
    "village": 12,
}
_LENGTH_LEVELS: dict[int, Level] = {length: level for level, length in LEVEL_LENGTHS.items()}


class DivisionCodeError(ValueError):
    """A text that is not a division code of 2, 4, 6, 9 or 12 digits."""

    message_zh = "行政区划代码应为2、4、6、9或12位数字"
    message_en = "A division code has 2, 4, 6, 9 or 12 digits."
    code = "division_code"

    def __init__(self) -> None:
        super().__init__(self.message_en)


def scope(raw: object) -> str:
    """The shortest prefix that names the same area: 460000 → 46, 469080000000 → 469080.

    Raises DivisionCodeError. A float such as 469080.0 is accepted, for a code this short loses no digit.
    """
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = number_text(raw)
    if len(text) not in _LENGTH_LEVELS or not (text.isascii() and text.isdigit()) or text.startswith("00"):
        raise DivisionCodeError
    for longer, shorter in ((12, 9), (9, 6), (6, 4), (4, 2)):
        if len(text) == longer and not text[shorter:].strip("0"):
            text = text[:shorter]
    return text


def level(raw: object) -> Level:
    """The level of the area named. Raises DivisionCodeError."""
    return _LENGTH_LEVELS[len(scope(raw))]


def within(code: object, area: object) -> bool:
    """True when `code` names `area` itself or a part of it. Raises DivisionCodeError."""
    return scope(code).startswith(scope(area))


def area(place: str) -> str:
    """What the codes within a place begin with, itself among them: 469000 is around 469001. A text that is no code
    stands as it is, the empty one around everything: for what configurations and events say, which is not refused."""
    try:
        return scope(place)
    except DivisionCodeError:
        return place


def parents(raw: object) -> tuple[str, ...]:
    """Scopes that contain the area, widest first, without itself. Raises DivisionCodeError."""
    own = scope(raw)
    return tuple(own[:length] for length in LEVEL_LENGTHS.values() if length < len(own))
