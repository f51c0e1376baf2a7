"""How a readable part of an identity number relates to a whole one: mistyped, masked, cut short or old."""

from __future__ import annotations

from rapidfuzz.distance import OSA

NUMBER_LENGTH = 18
MASKS = frozenset("*?X□●○#_-＊")  # X hides a digit anywhere but at the end
READABLE_MANY, READABLE_SOME = 14, 8  # digits; 14 leave one person in some thousand births, 8 one in a few hundred

EQUAL, SLIP, MASK_MANY, TWO_SLIPS, MASK_SOME, UNREADABLE, DIFFERENT = range(7)


def number_level(typed: str, whole: str) -> int:
    """One of the levels above; `typed` as on the row in upper case, `whole` a valid number of 18 characters."""
    if typed == whole:
        return EQUAL
    if len(typed) == NUMBER_LENGTH - 3 and typed.isdigit() and typed == whole[:6] + whole[8:17]:
        return EQUAL  # the same number before 1999: no century, no check digit
    if not MASKS.isdisjoint(typed[:-1]):
        return _masked(typed, whole)
    distance = OSA.distance(typed, whole, score_cutoff=2)
    if distance <= 2:
        return SLIP if distance == 1 else TWO_SLIPS
    if _rounded(typed) or len(typed) < READABLE_SOME:
        return UNREADABLE
    return DIFFERENT


def _masked(typed: str, whole: str) -> int:
    if len(typed) != NUMBER_LENGTH:
        return UNREADABLE
    readable = wrong = 0
    for place, (seen, real) in enumerate(zip(typed, whole, strict=True)):
        if seen in MASKS and (seen != "X" or place < NUMBER_LENGTH - 1):
            continue
        readable += 1
        wrong += seen != real
    if wrong:
        return DIFFERENT if wrong > 1 else UNREADABLE  # one: a slip under a mask proves nothing
    if readable >= READABLE_MANY:
        return MASK_MANY
    return MASK_SOME if readable >= READABLE_SOME else UNREADABLE


def _rounded(typed: str) -> bool:
    """A spreadsheet kept fifteen digits and wrote zeros, or wrote the number as 4.6E+17."""
    return typed.endswith("000") or "E+" in typed
