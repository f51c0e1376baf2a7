"""Replays, heads, alarms and exports over HTTP, for auditors and the clerk of the whole division."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.audit import archived, queries
from services.audit.errors import UnknownView, WholeDivisionOnly
from services.audit.export import to_line
from services.audit.queries import AlarmRow, LogRow, Roots
from services.audit.replaying import Question, Replays
from shared.database.database import Database, driver
from shared.kernel.clock import today
from shared.standards.division import within
from shared.web.commands import command_id_of
from shared.web.viewers import AID_CLERK, AUDITOR, Viewer, require

ALARMS_MAX = 200
NDJSON = "application/x-ndjson"
Auditor = Annotated[Viewer, Depends(require(AUDITOR, AID_CLERK))]


class Ask(BaseModel):
    """``known_at`` with its time zone, or ``log_index`` of the view's own log; neither = as complete as can be now.
    ``student_id``: only what the view says about one student, where it can be asked so."""

    model_config = ConfigDict(extra="forbid")

    known_at: AwareDatetime | None = None
    true_on: date | None = None
    log_index: int | None = Field(None, ge=1)
    student_id: UUID | None = None

    @model_validator(mode="after")
    def one_moment(self) -> Ask:
        if self.known_at is not None and self.log_index is not None:
            raise ValueError("give known_at or log_index")
        return self


class Told(BaseModel):
    """``log_index``: service → the last event that counts. ``hash``: SHA-256 of the items' canonical JSON (sorted keys,
    no blanks, UTF-8). ``left_out``: events that a live view would hold as unprocessed. ``inputs``: how old each input
    of the view was (数据截至), where it tells."""

    view: str
    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    count: int
    hash: str
    left_out: list[tuple[str, int]]
    inputs: list[dict[str, Any]] = []
    items: list[dict[str, Any]]


class Logs(BaseModel):
    items: list[LogRow]


class Alarms(BaseModel):
    items: list[AlarmRow]


def router(database: Database, replays: Replays, services: tuple[str, ...], division: str) -> APIRouter:
    """The routes under /v1. ``services``: whose logs are archived."""
    routes = APIRouter(prefix="/v1")
    roots = Roots()

    def whole_division(viewer: Viewer) -> None:
        if viewer.scope.division is None or not within(division, viewer.scope.division):
            raise WholeDivisionOnly("只有全县范围的人员可以回放", "only who sees the whole division may replay it")

    @routes.post("/replay/{view}")
    def replay(view: str, body: Ask, request: Request, viewer: Auditor) -> Told:
        command_id_of(request)  # every POST carries one, although nothing is changed here
        whole_division(viewer)
        known_at = None if body.known_at is None else body.known_at.astimezone(UTC)
        answer = replays.ask(Question(view, body.true_on or today(), known_at, body.log_index, body.student_id))
        return Told(
            view=answer.view,
            known_at=answer.known_at,
            true_on=answer.true_on,
            log_index=answer.log_index,
            count=len(answer.rows),
            hash=answer.hash,
            left_out=answer.left_out,
            inputs=answer.inputs,
            items=answer.rows,
        )

    @routes.get("/views")
    def views(_viewer: Auditor) -> list[str]:
        return sorted(replays.views)

    @routes.get("/logs")
    def logs(_viewer: Auditor) -> Logs:
        with database.working() as connection:
            return Logs(items=queries.logs(connection, services, roots))

    @routes.get("/alarms")
    def alarms(_viewer: Auditor) -> Alarms:
        with database.working() as connection:
            return Alarms(items=queries.alarms(connection, ALARMS_MAX))

    @routes.get("/logs/{service}/export")
    def export(service: str, viewer: Auditor, until: Annotated[int | None, Query(ge=1)] = None) -> StreamingResponse:
        """The log as NDJSON from index 1 (export.py), up to ``until`` or as far as it is archived without a gap."""
        whole_division(viewer)
        if service not in services:
            raise UnknownView("没有这个服务的记录", "there is no such log", services=list(services))
        with database.working() as connection:
            (head,) = archived.heads(driver(connection), [service])
        last = head.archived if until is None else min(until, head.archived)
        headers = {"content-disposition": f'attachment; filename="{service}-{last}.ndjson"'}
        return StreamingResponse(_lines(database, service, last), media_type=NDJSON, headers=headers)

    return routes


def _lines(database: Database, service: str, last: int) -> Iterator[bytes]:
    """Page by page, each in its own transaction: archived rows never change, and a slow reader holds nothing."""
    after = 0
    while after < last:
        with database.working() as connection:
            page = archived.log_page(driver(connection), service, after, last)
        yield b"".join(map(to_line, page))
        after = page[-1].log_index
