"""Names made comparable: the same name typed in two offices is one text, and nothing more is assumed."""

from __future__ import annotations

import re
import unicodedata

MIDDLE_DOT = "·"
# Every dot that offices put between the parts of a minority or foreign name, after NFKC.
_DOTS = re.compile("[.。•‧∙⋅●・᛫⸱⸳․˙⦁﹒]")
_BLANKS = re.compile("[\\s\u200b-\u200f\u2060\ufeff\u00ad]+")


def comparable(name: str) -> str:
    """NFKC, all middle dots unified, blanks and invisible marks removed, Latin letters in upper case."""
    if not name:
        return ""
    if name.isalpha() and unicodedata.is_normalized("NFKC", name):
        return name.upper()  # most names: no dot, blank or variant form to look for
    plain = unicodedata.normalize("NFKC", name)
    return _BLANKS.sub("", _DOTS.sub(MIDDLE_DOT, plain)).upper()
