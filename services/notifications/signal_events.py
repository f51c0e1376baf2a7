"""Facts of the signals: absences that a document explains, with their end.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, fact

AbsenceKind = Literal["sick", "suspended", "delayed_entry", "home_teaching", "sports_school", "abroad"]


@fact("notifications")
class AbsenceDocumented(Fact, frozen=True, kw_only=True):
    """A paper says why a child does not come from ``first_day`` to ``last_day``, both included as papers have it. Until
    it expires no absence counts, and its days count neither way afterwards. ``reference`` finds the paper; nothing
    personal. One stream per document."""

    student_id: UUID
    division_code: str
    school_code: str | None
    kind: AbsenceKind
    first_day: date
    last_day: date
    reference: str


@fact("notifications")
class AbsenceDocumentWithdrawn(Fact, frozen=True, kw_only=True):
    """The document never held, or was entered in error: its days count again."""

    student_id: UUID
    reason: str
