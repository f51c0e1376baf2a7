"""Where a student stood on a day, from the facts of her stream: late ones count from their own day (invariant 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.registry.events import (
    Stage,
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


def placed(
    place: Place,
    *,
    promotion_id: UUID | None = None,
    change_id: UUID | None = None,
    undone_promotion_id: UUID | None = None,
    undone_change_id: UUID | None = None,
) -> StudentPlaced:
    """The fact that states a place, by a promotion or a mass change, or as it was before one."""
    return StudentPlaced(
        school_code=place.school_code,
        division_code=place.division_code,
        stage=stage_of(place.stage),
        grade=place.grade,
        class_name=place.class_name,
        boarder=place.boarder,
        left_behind=place.left_behind,
        placement=place.placement,
        promotion_id=promotion_id,
        change_id=change_id,
        undone_promotion_id=undone_promotion_id,
        undone_change_id=undone_change_id,
    )


def stage_of(stage: str | None) -> Stage | None:
    """A stage as facts hold it."""
    return stage  # type: ignore[return-value]  # of a fact, of a ladder that was checked, or of a checked change
