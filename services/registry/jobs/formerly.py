"""Where a student stood before something that is to be undone as a whole: a promotion, a mass change. Pure rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from services.registry.events import StudentPlaced
from services.registry.jobs.on_a_day import MOVES, Dated, Place, in_order, place_on


class Former(NamedTuple):
    """Where a student stood from ``on`` on before it; ``departed``: it ended her registration."""

    place: Place
    on: date
    departed: bool


def former(made_by: Callable[[Dated], bool], history: Sequence[Dated]) -> list[Former] | None:
    """What is to be restored for one student, whose facts stand by version: nothing when she was not touched; None when
    something else happened to her since."""
    by = [number for number, each in enumerate(history) if made_by(each)]
    if not by:
        return []
    if any(isinstance(fact, MOVES) for fact, _ in history[by[-1] + 1 :]):
        return None
    without = in_order(each for each in history if not made_by(each))
    found = []
    for number in by:
        fact, on = history[number]
        place = place_on(without, on)
        assert place is not None, "only who is enrolled is moved"
        found.append(Former(place, on, not isinstance(fact, StudentPlaced)))
    return found
