"""Emergency access over HTTP: taken and given back with a session, listed and reviewed by somebody else."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.access import queries
from services.access.accounts.account_api import Done
from services.access.acting import administrator
from services.access.desk import Desk
from services.access.emergencies import emergency
from services.access.emergencies.emergency import Wanted
from services.access.errors import UnknownEmergency
from services.access.events import REVIEW_WITHIN
from services.access.posts.places import Asked, place_of
from services.access.projections import NAME
from services.access.queries import EmergencyRow
from services.access.sessions import session_desk
from services.access.sessions.session_api import Opened, Secret, opened
from shared.database.scopes import Scope
from shared.kernel.clock import today, utc_now
from shared.standards.posts import Kind
from shared.standards.rights import Right, held_by
from shared.standards.separation import EMERGENCY_REVIEW
from shared.web.commands import command_from
from shared.web.purposes import check_note, check_purpose
from shared.web.viewers import Viewer, require

Reviewer = Annotated[Viewer, Depends(require(Right.EMERGENCY_REVIEW))]
State = Literal["in_use", "waiting", "overdue", "reviewed"]
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


class Offered(BaseModel):
    """What may be asked for: ``kinds`` is empty where the post asks for none; ``division`` or ``school`` is the place
    within which it must lie. ``until``: the end of the one in use."""

    kinds: list[Kind]
    longest_hours: int
    division: str | None
    school: str | None
    until: datetime | None


class Emergency(EmergencyRow):
    """``state``: overdue = nobody has reviewed it within three days of its end. ``why_not``: why the viewer may not
    review it, in the language asked for, None when they may."""

    state: State
    why_not: str | None


class Emergencies(BaseModel):
    items: list[Emergency]


def emergency_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/emergencies, and those by which a session takes it and gives it back."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/me/emergency")
    def offered(secret: Secret) -> Offered:
        """What the session's post may ask for."""
        return _offered(session_desk.standing(desk, secret, utc_now()))

    @routes.post("/me/emergency")
    def take(body: TakeBody, secret: Secret) -> Opened:
        """Act in another post of one's own place for some hours; somebody else reviews it."""
        check_purpose(body.reason)
        asked = Asked(body.division, body.school, body.school_class)
        with desk.database.reading(Scope(division=desk.division), NAME) as connection:
            place = place_of(connection, body.kind, asked, desk.division, today())
        return opened(desk, emergency.take(desk, secret, Wanted(body.kind, place, body.hours, body.reason), utc_now()))

    @routes.post("/me/emergency/end")
    def end(secret: Secret) -> Opened:
        """Give it back before its time."""
        return opened(desk, emergency.end(desk, secret, utc_now()))

    @routes.get("/emergencies")
    def emergencies(viewer: Reviewer, open_only: Annotated[bool, Query()] = False) -> Emergencies:
        """Those of one's place, the last one first; ``open_only``: not reviewed yet."""
        with desk.database.reading(viewer.scope, NAME) as connection:
            rows = queries.emergencies(connection, today(), SHOWN, open_only=open_only)
        return Emergencies(items=[_shown(row, viewer, utc_now()) for row in rows])

    @routes.get("/emergencies/{emergency_id}")
    def one(emergency_id: UUID, viewer: Reviewer) -> Emergency:
        with desk.database.reading(viewer.scope, NAME) as connection:
            rows = queries.emergencies(connection, today(), 1, emergency_id=emergency_id)
        if not rows:
            raise UnknownEmergency
        return _shown(rows[0], viewer, utc_now())

    @routes.post("/emergencies/{emergency_id}/review")
    def review(emergency_id: UUID, body: ReviewBody, request: Request, viewer: Reviewer) -> Done:
        check_note(body.note)
        command, told = command_from(request, viewer, body), (body.justified, body.note)
        result = emergency.review(desk, administrator(viewer), emergency_id, told, command, utc_now())
        return Done(id=emergency_id, event_id=result.event_ids[0])

    return routes


def _offered(found: session_desk.Standing) -> Offered:
    post = found.post
    may = post is not None and not found.must_change and Right.EMERGENCY_ASK in held_by(Kind(post.kind))
    in_use = found.session.emergency_id is not None
    return Offered(
        kinds=sorted(emergency.KINDS) if may and not in_use else [],
        longest_hours=emergency.LONGEST_HOURS,
        division=None if post is None or post.school_code is not None else post.division_code,
        school=None if post is None else post.school_code,
        until=found.session.ends_at if in_use else None,
    )


def _shown(row: EmergencyRow, viewer: Viewer, now: datetime) -> Emergency:
    ended = min(row.until, row.ended_at or row.until)
    state: State = "reviewed"
    if row.justified is None:
        state = "in_use" if ended > now else "overdue" if now - ended > REVIEW_WITHIN else "waiting"
    why_not = EMERGENCY_REVIEW.why_not(str(row.account_id), viewer.principal, viewer.language)
    return Emergency(**row.model_dump(), state=state, why_not=why_not)
