"""Which households somebody may see and change."""

from __future__ import annotations

from typing import NamedTuple


class Reach(NamedTuple):
    """Households of these lists; with a ``division`` only those that live in it. Who answers for the whole installation
    has none: families move beyond it, and stay on its lists."""

    lists: frozenset[str]
    division: str = ""

    def covers(self, list_name: str, division_code: str | None) -> bool:
        """Whether a household of this list that lives there is within it."""
        return list_name in self.lists and (division_code or "").startswith(self.division)
