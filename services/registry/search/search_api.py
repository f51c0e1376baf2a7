"""Search over HTTP: one box, recognised; results masked, within the viewer's scope, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.search.search_box import TYPED_CHARACTERS, Kind, recognise
from services.registry.search.search_view import SEARCH
from services.registry.search.searching import FoundStudent, every_student, search
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.pages import PageTurn, encode_cursor, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Reader = Annotated[Viewer, Depends(require(Right.STUDENTS_READ))]


class Recognised(BaseModel):
    """A part of what was typed, and what it was taken for."""

    text: str
    kind: Kind


class FoundPage(BaseModel):
    """``next`` is the cursor of the following page, null on the last one."""

    items: list[FoundStudent]
    next: str | None = None
    recognised: list[Recognised] = []


def router(registry: Registry) -> APIRouter:
    """The route under /v1. Stands before those of single students, whose id ``search`` is not."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/students/search")
    def find(
        viewer: Reader,
        turn: Turn,
        q: Annotated[str, Query(max_length=TYPED_CHARACTERS)] = "",
        school: Annotated[str | None, Query(max_length=64)] = None,
        true_on: date | None = None,
    ) -> FoundPage:
        """``q``: beginning of a name, its pinyin or initials; an identity or student number, whole, its beginning, its
        last four or as it is masked; parts of a school's name; a grade and class. Nothing typed: every student, by
        school. ``school``: of that one only."""
        day = true_on or today()
        if not q.strip():
            with registry.database.reading(viewer.scope, REGISTER.name) as connection:
                rows = every_student(connection, day, turn, school)
            listed = page_of(rows, turn, key=lambda row: (row.school_code or "", row.student_id))
            return FoundPage(items=listed.items, next=listed.next)
        sought = recognise(q)
        with registry.database.reading(viewer.scope, SEARCH.name) as connection:
            hits = search(connection, sought, day, turn, viewer.scope, registry.division, school)
        shown = hits[: turn.limit]
        following = encode_cursor((shown[-1].rank, shown[-1].student.student_id)) if len(hits) > turn.limit else None
        told = [Recognised(text=word, kind=kind) for word, kind in sought.recognised]
        return FoundPage(items=[hit.student for hit in shown], next=following, recognised=told)

    return routes
