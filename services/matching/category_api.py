"""A student's categories over time, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.matching.category_history import CategorySpan, category_history, evidence_of, is_known
from services.matching.errors import CandidateUnknown
from services.matching.projections import ROSTER_VIEW
from services.matching.roster import EvidenceRow
from shared.database.database import Database
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.ROSTER_READ))]


class Categories(BaseModel):
    """A student's categories over time, oldest first."""

    student_id: UUID
    true_on: date
    items: list[CategorySpan]


class StudentEvidence(EvidenceRow):
    """What proves something of one student, on any day."""

    student_id: UUID


class Rests(BaseModel):
    """What decisions about students rest on, each with the age of its list when it was decided on."""

    items: list[StudentEvidence]


def router(database: Database) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/students/{student_id}/categories")
    def categories(student_id: UUID, viewer: Reader, true_on: date | None = None) -> Categories:
        """From which day to which she was in which category, and by what evidence."""
        day = true_on or today()
        with database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            if not is_known(connection, student_id):
                raise CandidateUnknown(student_id)
            items = category_history(connection, day, student_id)
        return Categories(student_id=student_id, true_on=day, items=items)

    @routes.get("/evidence")
    def evidence(viewer: Reader, student_id: Annotated[list[UUID], Query(min_length=1, max_length=100)]) -> Rests:
        """What is known of these students by lists, for those whom something was decided on."""
        with database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            found = evidence_of(connection, student_id)
        return Rests(items=[StudentEvidence(student_id=student, **row.model_dump()) for student, row in found])

    return routes
