"""What a post may see, from the fields by which events tell posts: the scope that its tokens give."""

from __future__ import annotations

from shared.database.scopes import NO_SCOPE, Classroom, Scope
from shared.standards.posts import POSTS, Kind, Shape


def scope_of_post(
    kind: str, *, division_code: str, school_code: str | None, school_class: str | None, agency: str | None
) -> Scope:
    """A kind without a fitting place sees nothing. ``school_class``: stage/grade/class."""
    shape = POSTS[Kind(kind)].shape
    if shape is Shape.AGENCY:
        return Scope(agency=agency)
    if shape is Shape.CLASS:
        stage, _, rest = (school_class or "").partition("/")
        grade, _, name = rest.partition("/")
        return (
            Scope(classroom=Classroom(school_code, stage, grade, name)) if school_code and grade and name else NO_SCOPE
        )
    if shape is Shape.SCHOOL or (shape is Shape.DIVISION_OR_SCHOOL and school_code is not None):
        return Scope(school=school_code)
    return Scope(division=division_code) if POSTS[Kind(kind)].fits(division_code) else NO_SCOPE
