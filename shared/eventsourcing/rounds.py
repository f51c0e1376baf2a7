"""In which rounds the events of one batch are applied, so that what follows of them does not depend on where batches
are cut. Pure.

A policy judges by the state its batch leaves. Two events of a batch about the same child would be judged once, by the
second, though cut apart each would be judged: an alert that one raises and the other takes back would be in one log and
not in the other. So events that touch the same subject come one after the other, and only those that share none are
taken together.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple


class Everything(NamedTuple):
    """An event that concerns everybody: alone in its round, but for neighbours with the same ``word`` (None: alone)."""

    word: str | None = None


Touched = Collection[Hashable] | Everything


def rounds(touched: Sequence[Touched]) -> list[list[int]]:
    """The places of the events, round by round: those of a subject in the order they have in the batch."""
    found: list[list[int]] = []
    free: dict[Hashable, int] = {}  # subject → the first round in which it is not touched any more
    first = 0  # what follows an event about everybody comes after it
    before: Touched = ()
    for place, subjects in enumerate(touched):
        if isinstance(subjects, Everything):
            shared = subjects.word is not None and subjects == before
            number = len(found) - 1 if shared else len(found)
            first = number + 1
        else:
            number = max([first, *(free.get(each, 0) for each in subjects)])
            free.update(dict.fromkeys(subjects, number + 1))
        if number == len(found):
            found.append([])
        found[number].append(place)
        before = subjects
    return found
