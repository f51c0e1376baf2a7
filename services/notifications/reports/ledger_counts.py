"""One ledger over a period: at its beginning, new, ended by each way, at its end. Pure.

A child stands in a ledger at one place or not at all. Every change of that within the period is an end there, a
beginning here, or both: so at each place beginning + new - ended = end, whatever was told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from services.notifications.reports.report_periods import Period

MOVED = "moved"


class Unit(NamedTuple):
    """Where something is counted: a school, or with an empty ``school`` a division's children of no school."""

    division: str
    school: str


class Step(NamedTuple):
    """From this day on the child stands at ``place`` (None = not in the ledger); ``way``: by what."""

    on: date
    place: Unit | None
    way: str


Counts = dict[Unit, Counter[str]]


def count_ledger(name: str, steps: Iterable[Step], period: Period, counts: Counts) -> Unit | None:
    """Add one child's steps, in order, to the counts; where she stands at the end. Steps after the period are not
    given."""
    place: Unit | None = None
    begun = False
    for step in steps:
        if not begun and step.on >= period.first:
            begun = True
            _add(counts, place, f"{name}.begin")
        if step.place == place:
            continue
        if step.on >= period.first:
            moved = place is not None and step.place is not None
            _add(counts, place, f"{name}.ended.{MOVED if moved else step.way}")
            _add(counts, step.place, f"{name}.new.{MOVED if moved else step.way}")
        place = step.place
    if not begun:
        _add(counts, place, f"{name}.begin")
    _add(counts, place, f"{name}.end")
    return place


def balance(figures: Mapping[str, int], name: str) -> int:
    """Beginning + new - ended - end: 0 for every ledger of every row."""
    total = figures.get(f"{name}.begin", 0) - figures.get(f"{name}.end", 0)
    for figure, value in figures.items():
        total += value * (figure.startswith(f"{name}.new.") - figure.startswith(f"{name}.ended."))
    return total


def _add(counts: Counts, place: Unit | None, figure: str) -> None:
    if place is not None:
        counts[place][figure] += 1
