"""What may be asked of visits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.visits.events import Outcome


@dataclass(frozen=True)
class Place:
    """Where the student is registered at the moment of the command; both codes as in the register."""

    division_code: str
    school_code: str


@dataclass(frozen=True)
class AssignHelper:
    """``helper`` is the teacher's principal."""

    student_id: UUID
    helper: str
    from_day: date


@dataclass(frozen=True)
class LogVisit:
    """``confirmed`` are codes of ``domain.CONFIRMABLE``; ``notes`` and ``met_with`` are personal."""

    student_id: UUID
    visitor: str
    campaign: str | None
    visited_on: date
    outcome: Outcome
    confirmed: tuple[str, ...]
    repeat_on: date | None
    notes: str | None
    met_with: str | None
