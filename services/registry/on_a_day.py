"""Where a student stood on a day, from the facts of her stream: late ones count from their own day (invariant 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from services.registry.events import (
    StudentAcceptedElsewhere,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentTransferredOut,
)
from shared.kernel.facts import Fact

ENDINGS = (StudentTransferredOut, StudentAcceptedElsewhere, StudentLeft)
MOVES = (StudentEnrolled, StudentPlaced, *ENDINGS)


class Dated(NamedTuple):
    """A fact of the stream, in order of versions, and the day from which it is true."""

    fact: Fact
    on: date


@dataclass(frozen=True, slots=True)
class Place:
    """School and class of a student; ``enrolled`` False: she stood there last, and left."""

    enrolled: bool
    school_code: str
    division_code: str
    stage: str | None
    grade: str | None
    class_name: str | None
    boarder: bool | None
    left_behind: bool | None
    placement: str | None


def in_order(history: Iterable[Dated]) -> list[Dated]:
    """The facts about the place by the day they are true from; of one day the later told comes last."""
    return sorted((each for each in history if isinstance(each.fact, MOVES)), key=lambda each: each.on)


def place_on(ordered: Sequence[Dated], day: date) -> Place | None:
    """The place on that day, of facts :func:`in_order`; None before the first."""
    found: Place | None = None
    for fact, on in ordered:
        if on > day:
            break
        if isinstance(fact, StudentEnrolled):
            found = place_of(fact)
        elif isinstance(fact, StudentPlaced):
            found = replace(place_of(fact), enrolled=found is not None and found.enrolled)
        elif found is not None:
            found = replace(found, enrolled=False)
    return found


def place_of(fact: StudentEnrolled | StudentPlaced) -> Place:
    """The place a fact states."""
    return Place(
        enrolled=True,
        school_code=fact.school_code,
        division_code=fact.division_code,
        stage=fact.stage,
        grade=fact.grade,
        class_name=fact.class_name,
        boarder=fact.boarder,
        left_behind=fact.left_behind,
        placement=fact.placement,
    )
