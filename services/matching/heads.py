"""Rows of civil affairs that are about the head of a household and stand for all who are covered with him (整户保)."""

from __future__ import annotations

HEAD_RELATIONS = frozenset(("户主", "本人", "本人或户主"))


def stands_for_household(list_name: str, coverage: str | None, about_head: bool) -> bool:
    """Whether the row covers a whole household: that of its head, unless the office says that he is covered alone."""
    return list_name == "civil" and coverage != "single" and about_head


def is_head(relation: str, name: str, number: str | None, head_name: str, head_number: str) -> bool:
    """Whether the person of a row is the head: by the relation, or where none is told by the head's name or number."""
    if relation:
        return relation in HEAD_RELATIONS
    return bool(name and name == head_name) or bool(number and number == head_number)
