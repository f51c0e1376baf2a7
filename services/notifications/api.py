"""Alerts over HTTP: list, read, close, and live by SSE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifications import handlers, queries
from services.notifications.case_events import Level
from services.notifications.cases.saved_views import SavedView
from services.notifications.commands import CloseAlert, CloseReason, SeeAlert
from services.notifications.events import AlertKind
from services.notifications.queries import AlertCount, AlertFilter, AlertRow, State, alert_key
from services.notifications.streams import Streams
from shared.database.database import Database
from shared.eventsourcing.store import EventStore, Result
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.entity_tags import set_entity_tag
from shared.web.event_stream import EventStream
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

VIEW = "alerts"
REFERENCE = r"^[0-9A-Za-z\u4e00-\u9fff〔〕()()._/ \-]+$"
KNOWN_IDS = 10_000
Reader = Annotated[Viewer, Depends(require(Right.ALERTS_READ))]
Counter = Annotated[Viewer, Depends(require(Right.ALERTS_COUNT))]
Responsible = Annotated[Viewer, Depends(require(Right.ALERTS_WORK))]
Closer = Annotated[Viewer, Depends(require(Right.ALERTS_CLOSE))]
Turn = Annotated[PageTurn, Depends(page_turn)]


class Close(BaseModel):
    """``evidence``: a paper's number or an event id; nothing personal. ``receipt``: the number under which another
    school took the child in; ``ends_on``: the last day of an exemption."""

    model_config = ConfigDict(extra="forbid")

    reason: CloseReason
    evidence: str = Field(min_length=1, max_length=120, pattern=REFERENCE)
    receipt: str | None = Field(default=None, min_length=1, max_length=120, pattern=REFERENCE)
    ends_on: date | None = None


class Settled(BaseModel):
    """The same answer however often the command is repeated."""

    alert_id: UUID
    event_ids: tuple[UUID, ...]
    version: int | None


def router(database: Database, store: EventStore, streams: Streams, division: str) -> APIRouter:
    """The routes under /v1. ``division``: the installation's."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, database, division)
    _acting(routes, database, store, streams)
    return routes


def _reading(routes: APIRouter, database: Database, division: str) -> None:
    @routes.get("/alerts")
    def alerts(
        request: Request,
        response: Response,
        viewer: Reader,
        turn: Turn,
        state: Annotated[list[State] | None, Query()] = None,
        kind: AlertKind | None = None,
        school: Annotated[str | None, Query(max_length=64)] = None,
        student: UUID | None = None,
        township: Annotated[str | None, Query(pattern=r"^\d{2,12}$")] = None,
        grade: Annotated[str | None, Query(max_length=20)] = None,
        class_name: Annotated[str | None, Query(max_length=40)] = None,
        level: Level | None = None,
        view: SavedView | None = None,
        true_on: date | None = None,
    ) -> Page[AlertRow]:
        """Alerts that have not ended unless states are asked for, the most urgent first, then the longest standing."""
        asked = AlertFilter(
            states=state or queries.OPEN,
            kind=kind,
            school=school,
            student=student,
            township=township,
            grade=grade,
            class_name=class_name,
            level=level,
            view=view,
        )
        response.headers["change-position"] = request.app.state.hub.position()  # before the rows are read
        with database.reading(viewer.scope, VIEW) as connection:
            rows = queries.alerts(connection, true_on or today(), turn, asked, viewer.language)
        return page_of(rows, turn, key=alert_key)

    @routes.get("/alerts/summary")
    def summary(viewer: Counter, true_on: date | None = None) -> list[AlertCount]:
        with database.reading(viewer.scope, VIEW) as connection:
            return queries.counts(connection, true_on or today())

    @routes.get("/alerts/stream")
    def stream(request: Request, viewer: Reader) -> Response:
        """``row`` / ``removed`` / ``reload`` / ``bye`` events; a closed alert comes as a row with its state. Rows of
        the stream carry neither priority nor deadline: the list tells them."""

        def read(ids: Sequence[UUID]) -> Mapping[UUID, AlertRow]:
            with database.reading(viewer.scope, VIEW) as connection:
                return queries.alerts_by_id(connection, today(), ids, viewer.language, judged=False)

        known = None
        if not viewer.scope.covers(division, None):  # who sees only a part hears of no coming and going elsewhere
            with database.reading(viewer.scope, VIEW) as connection:
                known = queries.visible_ids(connection, today(), KNOWN_IDS)
        return EventStream(request, request.app.state.hub, viewer, ["alerts"], read, known=known)


def _acting(routes: APIRouter, database: Database, store: EventStore, streams: Streams) -> None:
    def settled(response: Response, alert_id: UUID, result: Result) -> Settled:
        version = result.versions.get(alert_id)
        if version is not None:
            set_entity_tag(response, version)
        return Settled(alert_id=alert_id, event_ids=result.event_ids, version=version)

    @routes.post("/alerts/{alert_id}/seen")
    def seen(alert_id: UUID, request: Request, response: Response, viewer: Responsible) -> Settled:
        command = command_from(request, viewer, None)
        intent = SeeAlert(on=today())
        return settled(
            response, alert_id, handlers.see_alert(database, store, streams, viewer.scope, alert_id, intent, command)
        )

    @routes.post("/alerts/{alert_id}/close")
    def close(alert_id: UUID, body: Close, request: Request, response: Response, viewer: Closer) -> Settled:
        command = command_from(request, viewer, body)
        intent = CloseAlert(**body.model_dump(), on=today(), by=viewer.principal)
        return settled(
            response, alert_id, handlers.close_alert(database, store, streams, viewer.scope, alert_id, intent, command)
        )
