"""How two names relate, best relation first (issue 4): the levels that rules and scores speak of.

A name is read position by position: a Chinese character, a run of Latin letters (a syllable somebody could not type),
or a wildcard. Rules, not tables of confusions: sounds, corners and parts come from dictionaries (characters.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from services.matching import tibetan_names, transliteration
from services.matching.characters import look_alike, readings, simplified, sound_alike
from services.matching.names import MIDDLE_DOT
from services.matching.records import EntryRecord, StudentRecord

NAMES_KEPT = 131_072
TRANSLITERATED_LENGTH = 4  # a Han name is longer only with a surname of two characters
WILDCARD = "?"  # every wildcard in a read name
_WILDCARDS = frozenset("*?□■某○◯×X\ufffd")
_WILDCARD_LETTERS = frozenset("某X")
_POSITION = re.compile("X(?=X|[^A-Z]|$)|[A-Z]+|.", re.DOTALL)


class NameRelation(StrEnum):
    """What must be assumed for two names to be one person's; the first that fits, best first."""

    EQUAL = "equal"
    VARIANT = "variant"  # traditional for simplified, or a variant form of a character
    MIDDLE_DOT = "middle_dot"  # a middle dot is missing or stands elsewhere
    WILDCARD = "wildcard"  # a character that could not be typed: * ? □ 某 or one of private use
    HOMOPHONE = "homophone"  # one position, a character of the same sound
    SHAPE = "shape"  # one position, a character of the same four-corner shape or with one part changed
    TRANSLITERATION = "transliteration"  # one minority name in two spellings
    TRUNCATED = "truncated"  # one name is the beginning of the other
    FORMER = "former"  # the student's former name, or the row's
    INCOMPATIBLE = "incompatible"
    MISSING = "missing"


SAME_NAME = frozenset((NameRelation.EQUAL, NameRelation.VARIANT, NameRelation.MIDDLE_DOT))
# With an equal valid number these are one person; all but the first three are linked in no other way (issue 4).
COMPATIBLE = frozenset(NameRelation) - {NameRelation.INCOMPATIBLE, NameRelation.MISSING}
RANK = {relation: rank for rank, relation in enumerate(NameRelation)}


def name_relation(one: str, other: str) -> NameRelation:
    """How two comparable names relate; symmetric. FORMER is never the answer: it needs a record (see `relation`)."""
    if one == other:
        return _with_itself(one)
    if not one or not other:
        return NameRelation.MISSING
    return _related(one, other) if one < other else _related(other, one)


def _with_itself(name: str) -> NameRelation:
    """One text on both sides: what is hidden in it may be two characters."""
    if name.isalpha() and _WILDCARD_LETTERS.isdisjoint(name):
        return NameRelation.EQUAL  # nearly every name
    positions = read(name)
    return _wildcard(positions, positions) if WILDCARD in positions or not name else NameRelation.EQUAL


def relation(entry: EntryRecord, student: StudentRecord) -> NameRelation:
    """How a row's name and a student's relate, either's former name considered."""
    found = name_relation(entry.name, student.name)
    if found is not NameRelation.INCOMPATIBLE or not (student.former_name or entry.former_name):
        return found
    former = (name_relation(entry.name, student.former_name), name_relation(entry.former_name, student.name))
    return NameRelation.FORMER if SAME_NAME.intersection(former) else found


@lru_cache(maxsize=NAMES_KEPT)
def read(name: str) -> tuple[str, ...]:
    """A comparable name by position: simplified characters, Latin syllables, WILDCARD; without dots and other marks."""
    positions: list[str] = []
    for found in _POSITION.findall(name):
        if found in _WILDCARDS or _private(found):
            positions.append(WILDCARD)
        elif found.isalnum():
            positions.append(simplified(found) if len(found) == 1 else found)
    return tuple(positions)


def plain(name: str) -> str:
    """The name as it is compared: dots and marks dropped, characters simplified, wildcards alike."""
    return "".join(read(name))


@lru_cache(maxsize=NAMES_KEPT)
def _related(one: str, other: str) -> NameRelation:
    ours, theirs = read(one), read(other)
    if ours == theirs:
        if WILDCARD in ours:
            return _wildcard(ours, theirs)
        return NameRelation.VARIANT if one.count(MIDDLE_DOT) == other.count(MIDDLE_DOT) else NameRelation.MIDDLE_DOT
    if len(ours) == len(theirs):
        found = _by_position(ours, theirs)
        if found is not NameRelation.INCOMPATIBLE:
            return found
    if _transliterated(one, ours) and _transliterated(other, theirs) and transliteration.same(one, other):
        return NameRelation.TRANSLITERATION
    return NameRelation.TRUNCATED if _begins(ours, theirs) or _begins(theirs, ours) else NameRelation.INCOMPATIBLE


def _by_position(ours: Sequence[str], theirs: Sequence[str]) -> NameRelation:
    """One position may differ in sound or shape; wildcards match anything."""
    differing = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b and WILDCARD not in (a, b)]
    if not differing:
        return _wildcard(ours, theirs)
    known = sum(1 for a, b in zip(ours, theirs, strict=True) if a == b and a != WILDCARD)
    if len(differing) > 1 or not known:
        return NameRelation.INCOMPATIBLE
    one, other = differing[0]
    if _same_sound(one, other):
        return NameRelation.HOMOPHONE
    if len(one) == len(other) == 1 and look_alike(*sorted((one, other))):
        return NameRelation.SHAPE
    return NameRelation.INCOMPATIBLE


def _wildcard(ours: Sequence[str], theirs: Sequence[str]) -> NameRelation:
    """Wildcards match, but a name of nothing else says nothing."""
    known = any(a == b and a != WILDCARD for a, b in zip(ours, theirs, strict=True))
    return NameRelation.WILDCARD if known else NameRelation.MISSING


def _same_sound(one: str, other: str) -> bool:
    if len(one) == len(other) == 1:
        return sound_alike(one, other)
    latin, character = (one, other) if len(one) > 1 else (other, one)
    return len(character) == 1 and latin.lower().replace("ü", "v") in readings(character)


def _transliterated(name: str, positions: Sequence[str]) -> bool:
    return MIDDLE_DOT in name or len(positions) >= TRANSLITERATED_LENGTH or tibetan_names.single(name)


def _begins(short: Sequence[str], long: Sequence[str]) -> bool:
    if not 2 <= len(short) < len(long) or WILDCARD in short:
        return False
    return tuple(long[: len(short)]) == tuple(short)


def _private(text: str) -> bool:
    code = ord(text[0])
    return 0xE000 <= code <= 0xF8FF or code >= 0xF0000
