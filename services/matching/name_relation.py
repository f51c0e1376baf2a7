"""How two names relate, best relation first (issue 4): the levels that rules and scores speak of."""

from __future__ import annotations

from enum import StrEnum


class NameRelation(StrEnum):
    """What must be assumed for two names to be one person's; the first that fits, best first."""

    EQUAL = "equal"
    VARIANT = "variant"  # traditional for simplified, or a variant form of a character
    MIDDLE_DOT = "middle_dot"  # a middle dot is missing or stands elsewhere
    WILDCARD = "wildcard"  # a character that could not be typed: * ? □ 某 or one of private use
    HOMOPHONE = "homophone"  # one position, a character of the same sound
    SHAPE = "shape"  # one position, a character of the same four-corner shape
    TRANSLITERATION = "transliteration"  # one minority name in two spellings
    TRUNCATED = "truncated"  # one name is the beginning of the other
    FORMER = "former"  # the student's former name
    INCOMPATIBLE = "incompatible"
    MISSING = "missing"
