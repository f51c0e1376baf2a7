"""The forms of what happens to a student, and which of them her page offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """``kind``: date, text, or the group of words to choose from."""

    name: str
    kind: str = "text"
    required: bool = False


_ON = Field("on", "date", required=True)
ACTS: Mapping[str, tuple[Field, ...]] = {
    "transfer-out": (
        _ON,
        Field("destination_kind", "destination_kind", required=True),
        Field("destination_school_code"),
        Field("destination_division_code"),
    ),
    "accept-elsewhere": (_ON, Field("destination_division_code", required=True), Field("destination_school")),
    "leave": (_ON, Field("reason", "leaving_reason", required=True), Field("due_back", "date")),
    "return": (_ON, Field("school_code"), Field("grade"), Field("class_name")),
    "class": (_ON, Field("class_name", required=True)),
    "correct": (
        _ON,
        Field("name"),
        Field("former_name"),
        Field("id_number"),
        Field("student_number"),
        Field("guardian_name"),
        Field("guardian_id"),
        Field("phone"),
        Field("address"),
    ),
}
_BY_STATE = {
    "enrolled": ("class", "transfer-out", "leave", "correct"),
    "transferred_out": ("accept-elsewhere", "return", "correct"),
}
_GONE = ("return", "correct")


def offered(student: Mapping[str, Any]) -> dict[str, tuple[Field, ...]]:
    """What can happen to a student as she stands, each with its fields."""
    return {act: ACTS[act] for act in _BY_STATE.get(str(student.get("state")), _GONE)}
