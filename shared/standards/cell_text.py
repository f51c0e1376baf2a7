"""What people type into a number cell, reduced to plain characters; nothing is guessed or repaired."""

from __future__ import annotations

import re

_WIDE = {ord("\uff10") + i: ord("0") + i for i in range(10)}
_WIDE |= {ord("\uff21") + i: ord("A") + i for i in range(26)}
_WIDE |= {ord("\uff41") + i: ord("A") + i for i in range(26)}
# Blanks and invisible marks that chat tools, WPS and web forms leave inside a pasted number.
_INVISIBLE = (
    "\t\n\r\x0b\x0c \u00a0\u1680\u180e\u2028\u2029\u202f\u205f\u2060\u3000\ufeff\u00ad"
    + "".join(map(chr, range(0x2000, 0x2010)))
    + "".join(map(chr, range(0x202A, 0x202F)))
    + "".join(map(chr, range(0x2066, 0x206A)))
)
_TABLE: dict[int, int | None] = {**_WIDE, **dict.fromkeys(map(ord, _INVISIBLE), None)}
_APOSTROPHES = "'`\u2018\u2019\uff07"
_SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+?\d{1,3}")


def number_text(raw: object) -> str:
    """Text of a number cell: half-width, upper-case, without blanks or a leading apostrophe. None gives ""."""
    if raw is None or raw == "":
        return ""
    text = raw if isinstance(raw, str) else str(raw)
    if not (text.isascii() and text.isalnum()):
        text = text.translate(_TABLE).lstrip(_APOSTROPHES)
    return text.upper()


def is_scientific(text: str) -> bool:
    """True when a spreadsheet has already rounded the number, e.g. 4.69080E+17."""
    return _SCIENTIFIC.fullmatch(text) is not None
