"""What happened in visits. What a family said is personal and sealed under the student's key."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, Personal, fact

Outcome = Literal["met", "nobody_home", "refused", "moved"]


class VisitNotes(Personal, frozen=True, kw_only=True):
    """What was seen and said at the door. ``person_id`` is the student's."""

    notes: str
    met_with: str | None = None


@fact("visits")
class HelperAssigned(Fact, frozen=True, kw_only=True):
    """From the effective date on, this teacher (a principal) is the student's one helper."""

    student_id: UUID
    helper: str
    division_code: str
    school_code: str


@fact("visits")
class VisitLogged(Fact, frozen=True, kw_only=True):
    """One visit. ``confirmed`` names what the visitor saw to be so (for example ``lives_here``, ``aid_received``,
    ``family_told``); it is empty unless the family was met. ``repeat_on`` is when the visitor means to come again."""

    student_id: UUID
    campaign: str | None
    visited_on: date
    outcome: Outcome
    visitor: str
    confirmed: tuple[str, ...]
    repeat_on: date | None
    division_code: str
    school_code: str
    personal: VisitNotes | None


@fact("visits")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: the only clock a policy of this service knows."""

    day: date


@fact("visits")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("visits")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""
