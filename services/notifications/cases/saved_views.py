"""The weeks in which schools look at certain grades by themselves: conditions on alerts that have an address.

Grade 8 and 9 after Spring Festival, and grade 6 on its way into grade 7 in summer (domain.md §12). Pure.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

SavedView = Literal["spring_8_9", "summer_6_7"]
# Each way the register writes these grades.
GRADES: dict[SavedView, tuple[str, ...]] = {
    "spring_8_9": ("8", "9", "八年级", "九年级", "初二", "初三"),
    "summer_6_7": ("6", "7", "六年级", "七年级", "初一"),
}
# Month and day: from the last weeks before Spring Festival, which falls between 21 January and 20 February, to the end
# of April; from the end of the school year to the weeks after a junior school should have accepted everybody.
_WINDOWS: dict[SavedView, tuple[tuple[int, int], tuple[int, int]]] = {
    "spring_8_9": ((1, 10), (5, 1)),
    "summer_6_7": ((6, 15), (10, 16)),
}


def window(view: SavedView, day: date) -> tuple[date, date]:
    """[first, after) of the view's weeks that are going on on ``day``, or else went on last."""
    begin, end = _WINDOWS[view]
    year = day.year if (day.month, day.day) >= begin else day.year - 1
    return date(year, *begin), date(year, *end)
