"""Places of school registration over HTTP: counts, each with the rows behind it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.reference import register_places
from services.registry.reference.register_places import PlaceCount, PlaceStudent, RegisterPlace
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

Turn = Annotated[PageTurn, Depends(page_turn)]
Counter = Annotated[Viewer, Depends(require(Right.REGISTER_COUNT))]
Reader = Annotated[Viewer, Depends(require(Right.STUDENTS_READ))]


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/register-places")
    def places(viewer: Counter, true_on: date | None = None, kind: RegisterPlace | None = None) -> Page[PlaceCount]:
        """How many of ours went to which division, and how many came from which."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            return Page(items=register_places.counts(connection, true_on or today(), registry.division, kind))

    @routes.get("/register-places/students")
    def students(
        viewer: Reader,
        turn: Turn,
        kind: RegisterPlace = "outside_here",
        place: Annotated[str | None, Query(pattern=r"^(\d{2,12}|unknown)$")] = None,
        true_on: date | None = None,
    ) -> Page[PlaceStudent]:
        """The rows behind a count."""
        day, own = true_on or today(), registry.division
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            rows = register_places.students(connection, day, own, kind, place, turn)
        return page_of(rows, turn, key=lambda row: (row.school_code or "", row.student_id))

    return routes
