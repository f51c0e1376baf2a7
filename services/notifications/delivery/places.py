"""Whom a message is addressed to: everyone who answers for one school, for one class of it, or for one division itself
(not its parts)."""

from __future__ import annotations

from typing import NamedTuple

from shared.database.scopes import Classroom, Scope
from shared.standards.division import LEVEL_LENGTHS, scope


class Place(NamedTuple):
    """``school_code`` None: the division itself. The columns feed row-level security; ``key`` is what is compared."""

    division_code: str
    school_code: str | None
    classroom: Classroom | None = None

    @property
    def key(self) -> str:
        """The same for every spelling of the same place: 469000 and 4690 are one. A class of any stage ends with the
        slash that the stage of any other comes after."""
        if self.classroom is not None:
            own = self.classroom
            return f"class:{own.school}/{own.grade}/{own.name}/{own.stage}"
        return f"school:{self.school_code}" if self.school_code is not None else f"division:{scope(self.division_code)}"


def place_of(viewer: Scope, division: str) -> Place | None:
    """What a viewer answers for, by their own token; ``division`` is the installation's, under which schools stand."""
    if viewer.classroom is not None:
        return Place(division, viewer.classroom.school, viewer.classroom)
    if viewer.school is not None:
        return Place(division, viewer.school)
    return None if viewer.division is None else Place(viewer.division, None)


def nearest(division: str, division_code: str | None, school_code: str | None) -> Place:
    """Who is closest to a child: the school, else the township, else the division of the installation."""
    code = division_code or division
    if school_code is not None:
        return Place(code, school_code)
    township = LEVEL_LENGTHS["township"]
    own = scope(code)
    return Place(own[:township] if len(own) >= township else division, None)


def at_level(division: str, level: str, division_code: str | None, school_code: str | None) -> Place:
    """The place of an escalation: school, township, county (the installation's own division) or city."""
    if level in ("school", "township"):
        return nearest(division, division_code, school_code if level == "school" else None)
    return Place(scope(division)[: LEVEL_LENGTHS["city"]] if level == "city" else division, None)
