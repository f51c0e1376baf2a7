"""Rows that the invented county of the page's tests shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID, uuid5

SPACE = UUID("6f0d6d0e-0000-8000-8000-000000000000")

# A child who was on the poverty register, left it, and is covered by her household since.
CATEGORIES: list[dict[str, Any]] = [
    {
        "valid_from": "2019-09-01", "valid_to": "2025-07-01", "category": "registered_poor", "kind": "脱贫户",
        "on_day": False, "evidence": [{"list": "poverty", "kind": "脱贫户", "valid_from": "2016-03-01"}],
    },
    {
        "valid_from": "2025-09-01", "valid_to": None, "category": "subsistence_rural", "kind": "农村低保",
        "on_day": True, "evidence": [{"list": "civil", "kind": "农村低保", "valid_from": "2025-01-01"}],
    },
]  # fmt: skip


CODES = ("registered_poor", "disabled", "subsistence_rural", "extreme_hardship")
# What a roster rests on: a row of the poverty list, three days old when it was decided on.
EVIDENCE: dict[str, Any] = {
    "list": "poverty", "kind": "脱贫户", "valid_from": "2016-01-01", "valid_to": None,
    "list_dated": "2024-09-01", "list_age_days": 3,
}  # fmt: skip


def decided_on(entitlements: Iterable[Mapping[str, Any]], students: Iterable[UUID]) -> list[dict[str, Any]]:
    """Of each student the decision that her aid names, and one of another list."""
    ids = {row["student_id"]: row["evidence"][0] for row in entitlements}
    said = EVIDENCE | {"list_dated": "2024-08-20", "list_age_days": 12}
    return [
        {**said, "student_id": each, "list": name, "decision_event_id": decision}
        for each in students
        if each in ids
        for name, decision in (("poverty", ids[each]), ("civil", UUID(int=1)))
    ]


def name_id(name: str) -> UUID:
    """The same id for the same word."""
    return uuid5(SPACE, name)
