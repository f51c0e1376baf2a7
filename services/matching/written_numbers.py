"""Numbers as they were written, where none is valid: what of them may be compared at all.

Nothing is repaired. A text that cannot be one person's number is dropped, for two rows that both say 4.6908E+17 agree
on nothing.
"""

from __future__ import annotations

import re
import unicodedata

from shared.standards.cell_text import number_text

# Every mark that offices put over digits they may not show; an X may be a check digit and stays.
_MASKS = dict.fromkeys(map(ord, "×□■○●•◯＊﹡✱?？#_·"), "*")
_STUDENT_NUMBER_WITHOUT_IDENTITY = re.compile("[JL].{18}")
_ADULT_NUMBER = re.compile("[0-9]{17}[0-9X]|[0-9]{15}")
_ROUNDED_TAIL = "000"


def written_number(text: str) -> str:
    """An unusable number half-width, every mask a *; empty for a student number J or L, whose digits are nobody's."""
    if not text:
        return ""
    plain = unicodedata.normalize("NFKC", text.translate(_MASKS)).upper()
    return "" if _STUDENT_NUMBER_WITHOUT_IDENTITY.fullmatch(plain) else plain


def adult_number(text: str) -> str:
    """A guardian's or head's number: 18 characters, or the 15 of old; empty when it is masked, rounded or cut, for that
    is the text of many people."""
    plain = text and number_text(text)
    return plain if _ADULT_NUMBER.fullmatch(plain) and not plain.endswith(_ROUNDED_TAIL) else ""
