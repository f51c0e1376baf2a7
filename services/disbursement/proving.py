"""What a list row proves about a child, as a programme's configuration names it (domain.md §5)."""

from __future__ import annotations

from typing import Protocol


class Row(Protocol):
    """What of a row decides: it is stated by the list's own events and by the links that rest on them."""

    @property
    def list(self) -> str: ...
    @property
    def support_type(self) -> str | None: ...
    @property
    def area_type(self) -> str | None: ...


def category_of(link: Row) -> str:
    """What the row proves as a category code."""
    if link.list == "poverty":
        return "registered_poor"
    if link.list == "disability":
        return "disabled"
    urban = link.area_type == "urban"  # a silent list does not stand in the way: one child left out cannot be seen
    if link.support_type == "extreme_hardship":
        return "extreme_hardship_urban" if urban else "extreme_hardship"
    if link.support_type == "subsistence_allowance":
        return "subsistence_urban" if urban else "subsistence_rural"
    return "unclassified"
