"""What registry and matching say in these tests, with every field that does not matter filled in."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from services.matching.events import EntryUnmatched, LinkConfirmed, LinkWithdrawn, ReviewOpened
from services.registry.events import EntryPersonal, ListEntryAdded, StudentEnrolled, StudentPersonal


def enrolled(student: UUID, school: str = "S1", **fields: Any) -> StudentEnrolled:
    """``name``, ``birth_date`` and ``id_number`` go to the personal block."""
    personal = StudentPersonal(
        person_id=student,
        name=fields.pop("name", "张小明"),
        birth_date=fields.pop("birth_date", date(2016, 3, 1)),
        id_number=fields.pop("id_number", None),
    )
    given: dict[str, Any] = {"stage": "primary", "grade": "5", "boarder": True, "division_code": "469001"} | fields
    return StudentEnrolled(school_code=school, personal=personal, **given)


def listed(person: UUID, **fields: Any) -> ListEntryAdded:
    given: dict[str, Any] = {"agency": "poverty_office", "list": "poverty", "division_code": "469001"} | fields
    return ListEntryAdded(personal=EntryPersonal(person_id=person, name="李小红"), **given)


def link(entry: UUID, student: UUID, **fields: Any) -> LinkConfirmed:
    given: dict[str, Any] = {"list": "poverty", "agency": "poverty_office"} | fields
    return LinkConfirmed(
        entry_id=entry,
        student_id=student,
        rule="R1",
        score=1.0,
        reason="number_and_name_agree",
        model="1",
        division_code="469001",
        school_code="S1",
        **given,
    )


def review(entry: UUID, *candidates: UUID) -> ReviewOpened:
    return ReviewOpened(
        entry_id=entry,
        list="poverty",
        agency="poverty_office",
        candidates=candidates,
        rule="R6",
        score=0.6,
        reason="name_and_birth_date_agree",
        model="2",
        division_code="469001",
    )


def unlink(entry: UUID, student: UUID, reason: str) -> LinkWithdrawn:
    return LinkWithdrawn(entry_id=entry, student_id=student, list="poverty", reason=reason)


def unmatched(entry: UUID, **fields: Any) -> EntryUnmatched:
    given: dict[str, Any] = {
        "list": "poverty",
        "agency": "poverty_office",
        "state": "not_in_register",
        "school_age": True,
        "division_code": "469001",
    } | fields
    return EntryUnmatched(entry_id=entry, rule="", score=0.0, reason="not_found", model="1", **given)


def someone() -> UUID:
    return uuid4()
