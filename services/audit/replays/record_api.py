"""From an id on a page (a record, a row, an event) to the places of its events in the logs, where each is proved."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.audit import archived
from services.audit.replays.bundling import Bundles
from services.audit.replays.moments import Cut
from services.audit.replays.narrowing import check_scope
from services.audit.replays.person import events_of
from services.audit.replays.records import by_event_ids
from services.audit.replays.replay_api import Auditing
from shared.database.database import driver
from shared.kernel.clock import utc_now
from shared.web.commands import command_id_of

EVENTS_MAX = 200


class AskRecord(BaseModel):
    """``record_id``: of an event, or of a student, list row, entitlement, alert …"""

    record_id: UUID


class Placed(BaseModel):
    """An event by its place; nothing of what it says."""

    service: str
    log_index: int
    event_id: UUID
    type: str
    effective_on: date
    recorded_at: datetime
    principal: str


class Places(BaseModel):
    """The last events about it, the latest first; ``more`` than these were recorded."""

    items: list[Placed]
    more: int


def record_routes(routes: APIRouter, bundles: Bundles, services: tuple[str, ...]) -> None:
    """The route about one record. ``services``: whose logs are archived."""

    @routes.post("/records")
    def places(body: AskRecord, request: Request, viewer: Auditing) -> Places:
        command_id_of(request)  # every POST carries one, although nothing is changed here
        check_scope(viewer.scope, None, bundles.division)
        with bundles.replays.database.working() as connection:
            raw = driver(connection)
            upto = {head.service: head.archived for head in archived.heads(raw, services)}
            found = by_event_ids(raw, [body.record_id], upto) or events_of(raw, body.record_id, Cut(utc_now(), upto))
        found.reverse()
        items = [
            Placed(
                service=each.service,
                log_index=each.log_index,
                event_id=each.event.event_id,
                type=each.event.type,
                effective_on=each.event.effective_on,
                recorded_at=each.recorded_at,
                principal=each.event.principal,
            )
            for each in found[:EVENTS_MAX]
        ]
        return Places(items=items, more=len(found) - len(items))
