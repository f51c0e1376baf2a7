"""Where a post or an account belongs: the shape its kind asks for, and the division of its school, as told."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from services.access.errors import BadPlace
from services.access.tables import SCHOOLS
from shared.standards.posts import KINDS, POSTS, Kind, Shape

_CLASS = re.compile(r"[^/\s\x00-\x1f]{0,40}/[^/\s\x00-\x1f]{1,40}/[^/\s\x00-\x1f]{1,40}")
_DIVISION = re.compile(r"(?!00)(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})", re.ASCII)
_CODE = re.compile(r"[^\s\x00-\x1f]{1,64}")
_ASKED = {
    Shape.DIVISION: {"division"},
    Shape.SCHOOL: {"school"},
    Shape.CLASS: {"school", "school_class"},
    Shape.AGENCY: {"agency"},
}


class Asked(NamedTuple):
    """The place somebody gives."""

    division: str | None = None
    school: str | None = None
    school_class: str | None = None
    agency: str | None = None


class Place(NamedTuple):
    """The place as it is kept: always within a division."""

    division_code: str
    school_code: str | None = None
    school_class: str | None = None
    agency: str | None = None


def place_of(connection: Connection, kind: Kind, asked: Asked, home: str, day: date) -> Place:
    """The place of a post of ``kind``; ``home``: the installation's division, where agencies are. Raises BadPlace."""
    post = POSTS[kind]
    shape = post.shape
    if shape is Shape.DIVISION_OR_SCHOOL:
        shape = Shape.DIVISION if asked.school is None else Shape.SCHOOL
    given = {name for name, value in asked._asdict().items() if value is not None}
    if kind not in KINDS or given != _ASKED[shape]:
        raise _bad()
    if asked.division is not None:
        _, longest = post.digits or (0, 0)
        if not _DIVISION.fullmatch(asked.division) or len(asked.division) > longest or not post.fits(asked.division):
            raise _bad()
        return Place(asked.division)
    if asked.agency is not None:
        if not _CODE.fullmatch(asked.agency):
            raise _bad()
        return Place(home, agency=asked.agency)
    if asked.school_class is not None and not _CLASS.fullmatch(asked.school_class):
        raise _bad()
    return school_place(connection, asked.school or "", day)._replace(school_class=asked.school_class)


def school_place(connection: Connection, school: str, day: date) -> Place:
    """A school and the division it lies in. Raises BadPlace for a school the registry does not know."""
    statement = select(SCHOOLS.c.division_code).where(SCHOOLS.c.code == school, SCHOOLS.holds_on(day))
    division = connection.execute(statement).scalar()
    if not division:
        raise BadPlace("学校目录中没有这所学校", "The registry knows no such school")
    return Place(division, school)


def _bad() -> BadPlace:
    return BadPlace("岗位类别与所属单位不符", "This kind of post and this place do not fit")
