"""Promotion of a year over HTTP: what it would do, the order, its progress, and the order to undo it."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry.events import Stage
from services.registry.handlers import Registry, covers
from services.registry.life_errors import PromotionUnknown
from services.registry.lists import standing
from services.registry.projections import REGISTER
from services.registry.promotion import promotion_counts, promotion_jobs
from services.registry.promotion.promotion import DEFAULT_LADDER
from services.registry.promotion.promotion_counts import Preview, PromotionDetails, PromotionRow
from services.registry.promotion.promotion_jobs import Job
from services.registry.promotion.promotion_orders import REPEATERS_MAX, StartPromotion, start_promotion, undo_promotion
from services.registry.sheets.offers import unknown_school
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.kernel.refusals import Forbidden
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.PROMOTIONS_READ))]
Registrar = Annotated[Viewer, Depends(require(Right.PROMOTIONS_DO))]
Word = Annotated[str, Field(min_length=3, max_length=40)]
LADDER_STEPS_MAX = 200
SHOWN = 50


class Start(BaseModel):
    """Everybody of the scope moves up from ``day`` on. ``ladder``: ``stage:grade`` → the next, ``graduates`` or
    ``handed_over``; left out, the usual one. ``repeaters`` stay in their grade."""

    model_config = ConfigDict(extra="forbid")

    day: date
    school_code: str | None = Field(default=None, min_length=1, max_length=64)
    stage: Stage | None = None
    ladder: dict[Word, Word] | None = Field(default=None, max_length=LADDER_STEPS_MAX)
    repeaters: tuple[UUID, ...] = Field(default=(), max_length=REPEATERS_MAX)


class Undo(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Ordered(BaseModel):
    """The work goes on by itself; ``GET /v1/promotions/{promotion_id}`` tells how far it is."""

    promotion_id: UUID


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _ordering(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/promotions")
    def promotions(viewer: Reader) -> list[PromotionRow]:
        """The newest first."""
        with registry.database.writing() as connection:
            jobs = promotion_jobs.JOBS.latest(driver(connection), SHOWN)
        return [promotion_counts.shown(job, viewer.language) for job in jobs if _visible(viewer, job)]

    @routes.get("/promotions/preview")
    def preview(
        viewer: Registrar,
        day: date,
        school_code: Annotated[str | None, Query(max_length=64)] = None,
        stage: Stage | None = None,
    ) -> Preview:
        """Who stands where on that day, and where the usual ladder takes them."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            return promotion_counts.preview(connection, day, school_code, stage, DEFAULT_LADDER)

    @routes.get("/promotions/{promotion_id}")
    def promotion(promotion_id: UUID, viewer: Reader) -> PromotionDetails:
        """How far it is, for each school, too."""
        with registry.database.writing() as connection:
            job = promotion_jobs.JOBS.one(driver(connection), promotion_id)
        if job is None or not _visible(viewer, job):
            raise PromotionUnknown(promotion_id)
        return promotion_counts.details(job, viewer.language)


def _ordering(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/promotions", status_code=202)
    def start(body: Start, request: Request, viewer: Registrar) -> Ordered:
        """Begin; a school promotes itself only."""
        command = command_from(request, viewer, body)
        division = _division(registry, viewer.scope, body.school_code)
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            expected = promotion_counts.expected(connection, body.day, body.school_code, body.stage)
        intent = StartPromotion(
            day=body.day,
            division_code=division,
            school_code=body.school_code,
            stage=body.stage,
            ladder=DEFAULT_LADDER if body.ladder is None else body.ladder,
            repeaters=body.repeaters,
            expected=expected,
        )
        return Ordered(promotion_id=start_promotion(registry, intent, command, today()))

    @routes.post("/promotions/{promotion_id}/undo", status_code=202)
    def undo(promotion_id: UUID, body: Undo, request: Request, viewer: Registrar) -> Ordered:
        """Put back exactly what the promotion changed, within its term; who changed since is left alone."""
        command = command_from(request, viewer, body)
        undo_promotion(registry, viewer.scope, promotion_id, command, today())
        return Ordered(promotion_id=promotion_id)


def _visible(viewer: Viewer, job: Job) -> bool:
    return covers(viewer.scope, job.division_code, job.school_code)


def _division(registry: Registry, scope: Scope, school_code: str | None) -> str:
    """Whose promotion it is: the named school's division, or all that the caller answers for. Raises Forbidden for a
    school that is not the caller's, UnknownSchool."""
    if school_code is None and scope.division is not None:
        return scope.division
    with registry.database.writing() as connection:
        schools = standing.schools(driver(connection), today())
    division = schools.divisions.get(school_code or "")
    if division is None and scope.division is not None:
        raise unknown_school(schools, "", school_code or "")
    if division is None or not covers(scope, division, school_code):
        raise Forbidden("学校只能为本校学生升级", "A school promotes its own students only")
    return division
