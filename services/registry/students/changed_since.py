"""What others changed of a student's particulars since somebody read them: field by field, as it was then, as it is
now, and who changed it, masked as everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel

from services.registry.changes.change_sheets import shown
from services.registry.events import StudentDetailsCorrected, StudentEnrolled, StudentPersonal
from shared.eventsourcing.store import Stored

FIELDS = (*("name", "former_name", "id_number", "student_number", "guardian_name", "guardian_id", "phone", "address"),)


class FieldSince(BaseModel):
    """``hidden``: what differs is masked. ``effective_on``: from when on the newer value is true."""

    field: str
    before: str
    now: str
    hidden: bool
    changed_by: str
    effective_on: date


class ChangedSince(BaseModel):
    """``version``: of the record as it is now; ``fields``: those that differ from what was read."""

    version: int
    fields: list[FieldSince]


def changed_since(stored: Sequence[Stored], version: int) -> ChangedSince:
    """Of a student's stream, loaded with particulars, what differs from the state after ``version`` events. A field
    that was changed and changed back does not differ."""
    before = _stated(stored[:version])
    now = _stated(stored)
    if before is None or now is None:  # never stated, or erased: there is nothing to compare
        return ChangedSince(version=len(stored), fields=[])
    found = []
    for field in FIELDS:
        was, is_now = getattr(before, field), getattr(now, field)
        if was != is_now:
            by = _last_change(stored, version, field)
            texts = shown(field, was), shown(field, is_now)
            found.append(
                FieldSince(
                    field=field,
                    before=texts[0],
                    now=texts[1],
                    hidden=texts[0] == texts[1],
                    changed_by=by.event.principal,
                    effective_on=by.event.effective_on,
                )
            )
    return ChangedSince(version=len(stored), fields=found)


def _stated(stored: Sequence[Stored]) -> StudentPersonal | None:
    return next((found for each in reversed(stored) if (found := _personal(each)) is not None), None)


def _personal(each: Stored) -> StudentPersonal | None:
    return each.fact.personal if isinstance(each.fact, StudentEnrolled | StudentDetailsCorrected) else None


def _last_change(stored: Sequence[Stored], version: int, field: str) -> Stored:
    """The last event beyond ``version`` with which the field got another value."""
    value = getattr(_stated(stored[:version]), field)
    found = stored[-1]
    for each in stored[version:]:
        personal = _personal(each)
        if personal is not None and getattr(personal, field) != value:
            value, found = getattr(personal, field), each
    return found
