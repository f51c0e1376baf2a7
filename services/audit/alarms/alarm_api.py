"""Alarms and comparisons over HTTP: for auditors and the clerk of the whole division. Taking note silences nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.audit.alarms import alarm_queries
from services.audit.alarms.acknowledging import acknowledge
from services.audit.alarms.alarm_queries import AlarmRow, ComparisonRow, Standing
from services.audit.commands import AcknowledgeAlarm
from services.audit.erasure.desk import Desk
from services.audit.erasure.erasure_api import Done
from shared.database.database import driver
from shared.kernel.clock import today
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.purposes import check_note
from shared.web.viewers import Viewer, require

ALARMS_MAX = 200
Auditor = Annotated[Viewer, Depends(require(Right.LOGS_READ))]
Noting = Annotated[Viewer, Depends(require(Right.ALARMS_NOTE))]


class Alarms(BaseModel):
    items: list[AlarmRow]


class Comparisons(BaseModel):
    items: list[ComparisonRow]


class WantAcknowledged(BaseModel):
    """Which alarm, and what was found or is being done; no number of anybody."""

    model_config = ConfigDict(extra="forbid")

    service: str = Field(max_length=40)
    kind: str = Field(max_length=40)
    log_index: int = Field(ge=0)
    note: str = Field(min_length=4, max_length=500)


def alarm_routes(desk: Desk) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/alarms")
    def alarms(_viewer: Auditor) -> Alarms:
        with desk.database.working() as connection:
            return Alarms(items=alarm_queries.alarms(connection, ALARMS_MAX))

    @routes.get("/alarms/standing")
    def standing(_viewer: Auditor) -> Standing:
        """What a page warns of."""
        with desk.database.working() as connection:
            return alarm_queries.standing(connection, ALARMS_MAX)

    @routes.post("/alarms/acknowledge")
    def take_note(body: WantAcknowledged, request: Request, viewer: Noting) -> Done:
        check_note(body.note)
        intent = AcknowledgeAlarm(body.service, body.kind, body.log_index, body.note, viewer.principal)
        result = acknowledge(desk, intent, command_from(request, viewer, body), today())
        return Done(event_ids=list(result.event_ids))

    @routes.get("/comparisons")
    def comparisons(_viewer: Auditor, days: Annotated[int, Query(ge=1, le=400)] = 30) -> Comparisons:
        """How often all of each log was compared, day by day."""
        with desk.database.working() as connection:
            found = alarm_queries.comparisons(driver(connection), today() - timedelta(days=days - 1))
        return Comparisons(items=found)

    return routes
