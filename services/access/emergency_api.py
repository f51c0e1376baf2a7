"""Emergency access over HTTP: taken with a session, listed and reviewed by somebody else."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.access import emergency, queries
from services.access.account_api import Done
from services.access.acting import administrator
from services.access.desk import Desk
from services.access.emergency import Wanted
from services.access.places import Asked, place_of
from services.access.projections import NAME
from services.access.queries import EmergencyRow
from services.access.session_api import Opened, Secret, opened
from shared.database.scopes import Scope
from shared.kernel.clock import today, utc_now
from shared.standards.posts import Kind
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.purposes import check_note, check_purpose
from shared.web.viewers import Viewer, require

Reviewer = Annotated[Viewer, Depends(require(Right.EMERGENCY_REVIEW))]
SHOWN = 200


class TakeBody(BaseModel):
    """A kind of post, its place, for how many hours, and why."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    division: str | None = Field(None, max_length=12)
    school: str | None = Field(None, max_length=64)
    school_class: str | None = Field(None, max_length=130)
    hours: int = Field(ge=1, le=emergency.LONGEST_HOURS)
    reason: str = Field(min_length=5, max_length=200)


class ReviewBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    justified: bool
    note: str = Field(min_length=1, max_length=200)


class Emergencies(BaseModel):
    items: list[EmergencyRow]


def emergency_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/emergencies, and the one by which a session takes it."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/me/emergency")
    def take(body: TakeBody, secret: Secret) -> Opened:
        """Act in another post of one's own place for some hours; somebody else reviews it."""
        check_purpose(body.reason)
        asked = Asked(body.division, body.school, body.school_class)
        with desk.database.reading(Scope(division=desk.division), NAME) as connection:
            place = place_of(connection, body.kind, asked, desk.division, today())
        return opened(emergency.take(desk, secret, Wanted(body.kind, place, body.hours, body.reason), utc_now()))

    @routes.get("/emergencies")
    def emergencies(viewer: Reviewer, open_only: Annotated[bool, Query()] = False) -> Emergencies:
        """Those of one's place, the last one first; ``open_only``: not reviewed yet."""
        with desk.database.reading(viewer.scope, NAME) as connection:
            return Emergencies(items=queries.emergencies(connection, today(), SHOWN, open_only=open_only))

    @routes.post("/emergencies/{emergency_id}/review")
    def review(emergency_id: UUID, body: ReviewBody, request: Request, viewer: Reviewer) -> Done:
        check_note(body.note)
        command, told = command_from(request, viewer, body), (body.justified, body.note)
        result = emergency.review(desk, administrator(viewer), emergency_id, told, command, utc_now())
        return Done(id=emergency_id, event_id=result.event_ids[0])

    return routes
