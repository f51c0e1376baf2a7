"""A promotion put back: each student as before it, unless something else happened to her since. Pure rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.registry.domain import Happened
from services.registry.events import (
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentTransferredOut,
)
from services.registry.on_a_day import MOVES, Dated, Place, in_order, place_on
from services.registry.promotion import placed, stage_of


class Former(NamedTuple):
    """Where a student stood from ``on`` on before the promotion; ``departed``: it ended her registration."""

    place: Place
    on: date
    departed: bool


def former(promotion_id: UUID, history: Sequence[Dated]) -> list[Former] | None:
    """What is to be restored for one student, whose facts stand by version: nothing when the promotion did not touch
    her; None when something else happened to her since."""
    by = [number for number, each in enumerate(history) if _made_by(promotion_id, each)]
    if not by:
        return []
    if any(isinstance(fact, MOVES) for fact, _ in history[by[-1] + 1 :]):
        return None
    without = in_order(each for each in history if not _made_by(promotion_id, each))
    found = []
    for number in by:
        fact, on = history[number]
        place = place_on(without, on)
        assert place is not None, "a promotion moves only who is enrolled"
        found.append(Former(place, on, not isinstance(fact, StudentPlaced)))
    return found


def put_back(
    promotion_id: UUID, was: Former, last: StudentEnrolled | StudentDetailsCorrected | None, fingerprint: str
) -> Happened:
    """The fact that restores a place. ``last`` states the particulars, which a new beginning of the registration
    repeats; they are None after an erasure."""
    place, on, departed = was
    if not departed:
        return Happened(placed(place, place.stage, place.grade, undone=promotion_id), on)
    assert last is not None, "particulars are loaded for who departed"
    enrolled = StudentEnrolled(
        school_code=place.school_code,
        division_code=place.division_code,
        stage=stage_of(place.stage),
        grade=place.grade,
        class_name=place.class_name,
        boarder=place.boarder,
        left_behind=place.left_behind,
        placement=place.placement,
        student_number_kind=last.student_number_kind,
        fingerprint=fingerprint,
        undone_promotion_id=promotion_id,
        personal=last.personal,
    )
    return Happened(enrolled, on)


def _made_by(promotion_id: UUID, dated: Dated) -> bool:
    fact = dated.fact
    return isinstance(fact, StudentPlaced | StudentLeft | StudentTransferredOut) and fact.promotion_id == promotion_id
