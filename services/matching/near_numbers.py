"""The valid identity numbers one slip away from what was typed: a digit wrong, missing or too many, or two swapped.

A check digit leaves some fifteen of them, so each can be looked up as itself; nothing has to be searched, and none that
is registered is overlooked. The formula is GB 11643's: the weighted sum modulo 11 names the check character.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import mul

from shared.standards.identity_number import CHECK_CHARACTERS, WEIGHTS, is_valid

_LENGTH = len(WEIGHTS) + 1
_INVERSES = tuple(pow(weight, -1, len(CHECK_CHARACTERS)) for weight in WEIGHTS)
_VALUES = {character: value for value, character in enumerate(CHECK_CHARACTERS)}


def near_numbers(text: str) -> frozenset[str]:
    """Of plain characters in upper case; empty for texts that are no number with one slip."""
    if len(text) == _LENGTH:
        guesses = (*_one_replaced(text), *_two_swapped(text))
    elif len(text) == _LENGTH - 1:
        guesses = (*_one_inserted(text),)
    elif len(text) == _LENGTH + 1:
        guesses = tuple(text[:place] + text[place + 1 :] for place in range(_LENGTH + 1))
    else:
        return frozenset()
    return frozenset(guess for guess in guesses if guess != text and is_valid(guess))


def _one_replaced(text: str) -> Iterator[str]:
    """Each character in turn as the others want it; only the one that is no digit, if there is one."""
    odd = [place for place, character in enumerate(text[:-1]) if not "0" <= character <= "9"]
    if len(odd) > 1:
        return
    total = sum(map(mul, WEIGHTS, (0 if place in odd else int(text[place]) for place in range(_LENGTH - 1))))
    if not odd:
        yield text[:-1] + CHECK_CHARACTERS[total % len(CHECK_CHARACTERS)]
    for place in odd or range(_LENGTH - 1):
        others = total if odd else total - WEIGHTS[place] * int(text[place])
        yield from _filled(text[:place], text[place + 1 :], others)


def _one_inserted(text: str) -> Iterator[str]:
    """A character at each place as the others want it."""
    if not (text.isascii() and text[:-1].isdigit()):
        return
    if text[-1] in "0123456789":
        total = sum(map(mul, WEIGHTS, map(int, text)))
        yield text + CHECK_CHARACTERS[total % len(CHECK_CHARACTERS)]
    before, after = 0, sum(map(mul, WEIGHTS[1:], map(int, text[:-1])))
    for place in range(_LENGTH - 1):
        yield from _filled(text[:place], text[place:], before + after)
        if place < len(text) - 1:
            before += WEIGHTS[place] * int(text[place])
            after -= WEIGHTS[place + 1] * int(text[place])


def _filled(before: str, after: str, total: int) -> Iterator[str]:
    """The number with the one digit between these parts that makes it right, if there is one. `total`: the weighted sum
    of the other digits."""
    if after[-1] in _VALUES:
        missing = (_VALUES[after[-1]] - total) * _INVERSES[len(before)] % len(CHECK_CHARACTERS)
        if missing < 10:
            yield f"{before}{missing}{after}"


def _two_swapped(text: str) -> Iterator[str]:
    for place in range(_LENGTH - 1):
        if text[place] != text[place + 1]:
            yield text[:place] + text[place + 1] + text[place] + text[place + 2 :]
