"""Minority names written in Chinese characters by sound: one name, several spellings (买买提 · 麦麦提).

Two spellings are one name when, part by part, their consonants agree in class and their vowels nearly. No list of
names: what sounds the same to the clerk who writes it is spelled by whichever characters come to mind.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rapidfuzz.distance import OSA

from services.matching.characters import reading_list
from services.matching.names import MIDDLE_DOT

PARTS_KEPT = 32_768
# Sounds that one office writes for another: voiced and voiceless, z zh j and their kin, r and l keep apart.
_CLASSES = {
    **dict.fromkeys(("b", "p"), "b"),
    **dict.fromkeys(("d", "t"), "d"),
    **dict.fromkeys(("g", "k"), "g"),
    **dict.fromkeys(("z", "zh", "j", "c", "ch", "q"), "z"),
    **dict.fromkeys(("s", "sh", "x"), "s"),
    **dict.fromkeys(("f", "w"), "w"),
    **dict.fromkeys(("m",), "m"),
    **dict.fromkeys(("n",), "n"),
    **dict.fromkeys(("l",), "l"),
    **dict.fromkeys(("r",), "r"),
    **dict.fromkeys(("y", "h", ""), ""),  # 艾合买提 and 艾买提: a breath between two syllables
}
_SYLLABLE = re.compile("(zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]?)([aeiouv]*)(ng|n|r|m)?")
VOWELS_APART_SHARE = 0.4


def same(one: str, other: str) -> bool:
    """Whether two comparable names may be one name in two spellings; the same number of parts."""
    ours, theirs = one.split(MIDDLE_DOT), other.split(MIDDLE_DOT)
    if len(ours) != len(theirs):  # a dot was lost
        return 1 in (len(ours), len(theirs)) and _alike("".join(ours), "".join(theirs))
    return all(_alike(a, b) for a, b in zip(ours, theirs, strict=True))


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    (hard, bare, vowels), (other_hard, other_bare, other_vowels) = _sounds(one), _sounds(other)
    if not hard or (hard != other_hard and bare != other_bare):
        return False
    longest = max(len(vowels), len(other_vowels))
    return OSA.distance(vowels, other_vowels) <= max(1, int(longest * VOWELS_APART_SHARE))


@lru_cache(maxsize=PARTS_KEPT)
def _sounds(part: str) -> tuple[str, str, str]:
    """Consonants with and without those that end a syllable, and vowels. Endings in m and n are one."""
    hard, bare, vowels = [], [], []
    for character in part:
        known = reading_list(character)
        matched = _SYLLABLE.fullmatch(known[0] if known else "")
        if matched is None:
            return "", "", ""
        begins, middle, ends = _CLASSES.get(matched[1], matched[1]), matched[2], matched[3] or ""
        hard.append(begins + ("r" if ends == "r" else "n" if ends else ""))
        bare.append(begins + ("r" if ends == "r" else ""))
        vowels.append(middle.replace("v", "u"))
    return re.sub("m$", "n", "".join(hard)), "".join(bare), "".join(vowels)
