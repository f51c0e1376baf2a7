"""Division codes by era (GB/T 2260): which were in force on a day, under what name, and what became of the others.

A code is added, renamed and withdrawn on days; an identity number keeps the one it was issued with, so a withdrawn code
still tells a place: its last name, and the codes its area belongs to now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class CodeEra:
    """What is true of a code on the days [valid_from, valid_to): in force under ``name``, or withdrawn with
    ``successors`` (``name`` is then its last one)."""

    code: str
    valid_from: date
    valid_to: date
    name: str
    in_force: bool
    successors: tuple[str, ...] = ()


class DivisionHistory:
    """All eras of all codes."""

    def __init__(self, eras: Iterable[CodeEra]) -> None:
        self._eras: dict[str, list[CodeEra]] = {}
        for era in sorted(eras, key=lambda each: (each.code, each.valid_from)):
            self._eras.setdefault(era.code, []).append(era)

    def division_on(self, code: str, day: date) -> CodeEra | None:
        """What was true of the code on that day; None before it was added, and for a code nobody stated."""
        return next((era for era in self._eras.get(code, ()) if era.valid_from <= day < era.valid_to), None)

    def all_in_force(self, day: date) -> Iterator[CodeEra]:
        """Every code in force on that day, sorted by code."""
        return (
            era for eras in self._eras.values() for era in eras if era.valid_from <= day < era.valid_to and era.in_force
        )

    def withdrawn_as(self, name: str, day: date) -> Iterator[str]:
        """The codes that once were of this name and are withdrawn on that day, sorted."""
        for code, eras in self._eras.items():
            era = self.division_on(code, day)
            if era is not None and not era.in_force and any(each.in_force and each.name == name for each in eras):
                yield code

    def in_force(self, code: str, day: date) -> bool:
        """Whether the code was in force on that day."""
        era = self.division_on(code, day)
        return era is not None and era.in_force

    def successors(self, code: str, day: date) -> tuple[str, ...]:
        """The codes in force on ``day`` to which the area of ``code`` belongs, sorted: itself while it is in force;
        none when nobody knows. Chains of withdrawals are followed, whatever they lead round to."""
        found: set[str] = set()
        seen: set[str] = set()
        open_still = [code]
        while open_still:
            each = open_still.pop()
            if each in seen:
                continue
            seen.add(each)
            era = self.division_on(each, day)
            if era is not None and era.in_force:
                found.add(each)
            elif era is not None:
                open_still += era.successors
        return tuple(sorted(found))

    def name_of(self, code: str, day: date) -> str | None:
        """The name on that day, or the last one before; for a code only added later its first; None for an unknown."""
        eras = self._eras.get(code)
        if not eras:
            return None
        era = self.division_on(code, day)
        return (era or eras[0]).name

    def same_place(self, issued: str, own: str, day: date) -> bool | None:
        """Whether a code as issued (an identity number's first six) means a part of ``own`` (a prefix) on ``day``: by
        the code itself, or by all of its successors; None when some lie within and some do not, or nobody knows."""
        if issued.startswith(own):
            return True
        successors = self.successors(issued, day)
        if not successors:
            return None if self.division_on(issued, day) is not None else False
        within = {each.startswith(own) for each in successors}
        return within.pop() if len(within) == 1 else None
