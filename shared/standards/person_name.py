"""People's names made comparable: the same name typed in two offices is one text, and nothing more is assumed."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NAMES_KEPT = 131_072  # few names are rare, and one is compared many times
MIDDLE_DOT = "·"
# Every dot that offices put between the parts of a minority or foreign name. Found before NFKC, which makes marks over
# a letter of some; others are letters to Unicode.
_DOTS = re.compile("[.．。｡•‧∙⋅●◦・･᛫⸱⸳․˙⦁﹒ꞏㆍᐧ\u0387\u119e]")
_BLANKS = re.compile("[\\s\u200b-\u200f\u2060\ufeff\u00ad]+")


@lru_cache(maxsize=NAMES_KEPT)
def comparable(name: str) -> str:
    """NFKC, all middle dots unified, blanks and invisible marks removed, Latin letters in upper case."""
    if not name:
        return ""
    dotted = _DOTS.sub(MIDDLE_DOT, name)
    if dotted.isalpha() and unicodedata.is_normalized("NFKC", dotted):
        return dotted.upper()  # most names: no dot, blank or variant form to look for
    return _BLANKS.sub("", unicodedata.normalize("NFKC", dotted)).upper()
