"""How Chinese characters sound: every pinyin reading of one character, and how a whole name may be typed.

The dictionary (pypinyin's) is loaded once, when first asked for.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

CHARACTERS_KEPT = 65_536  # answers kept; a province's names use some ten thousand characters
NAMES_KEPT = 32_768
SPELLINGS_MOST = 128  # of one name; a name of three characters rarely has more than 30
_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0304\u030c\u0306\u0302"), None)


@lru_cache(maxsize=CHARACTERS_KEPT)
def readings(character: str) -> frozenset[str]:
    """Every pinyin reading without tones, ü written v; empty for what is no Chinese character."""
    return frozenset(reading_list(character))


@lru_cache(maxsize=CHARACTERS_KEPT)
def reading_list(character: str) -> tuple[str, ...]:
    """The readings, the usual one first."""
    marked = _pinyin().get(ord(character), "")
    return tuple(dict.fromkeys(_toneless(reading) for reading in marked.split(","))) if marked else ()


@lru_cache(maxsize=NAMES_KEPT)
def spellings(name: str) -> tuple[tuple[str, str], ...]:
    """(whole pinyin, initials) for every way to read the name, the usual one first, at most SPELLINGS_MOST: those with
    the fewest unusual readings. Letters stand for themselves in lower case, marks and blanks for nothing; empty for a
    name without a sound."""
    found: list[tuple[int, str, str]] = [(0, "", "")]
    for character in name:
        sounds = reading_list(character) or ((character.lower(),) if character.isalpha() else ())
        if not sounds:
            continue
        longer = [
            (unusual + rank, whole + sound, initials + sound[:1])
            for unusual, whole, initials in found
            for rank, sound in enumerate(sounds)
        ]
        # A beginning that is not among the likeliest never becomes one: ranks only add up.
        found = sorted(longer, key=lambda spelling: spelling[0])[:SPELLINGS_MOST]
    return tuple(dict.fromkeys((whole, initials) for _, whole, initials in found if whole))


def _toneless(reading: str) -> str:
    plain = unicodedata.normalize("NFD", reading).translate(_TONES)
    return plain.replace("u\u0308", "v")


@cache
def _pinyin() -> dict[int, str]:
    from pypinyin.constants import PINYIN_DICT  # importing it loads half a second of dictionaries

    return dict(PINYIN_DICT)
