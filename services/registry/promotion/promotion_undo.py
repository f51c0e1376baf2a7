"""A promotion put back: each student as before it, unless something else happened to her since. Pure rules."""

from __future__ import annotations

from uuid import UUID

from services.registry.domain import Happened
from services.registry.events import (
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentTransferredOut,
)
from services.registry.jobs.formerly import Former
from services.registry.jobs.on_a_day import Dated, placed, stage_of


def put_back(
    promotion_id: UUID, was: Former, last: StudentEnrolled | StudentDetailsCorrected | None, fingerprint: str
) -> Happened:
    """The fact that restores a place. ``last`` states the particulars, which a new beginning of the registration
    repeats; they are None after an erasure."""
    place, on, departed = was
    if not departed:
        return Happened(placed(place, undone_promotion_id=promotion_id), on)
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


def made_by_promotion(promotion_id: UUID, dated: Dated) -> bool:
    """Whether a fact is the promotion's."""
    fact = dated.fact
    return isinstance(fact, StudentPlaced | StudentLeft | StudentTransferredOut) and fact.promotion_id == promotion_id
