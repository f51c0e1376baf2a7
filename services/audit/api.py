"""Replays, heads and exports over HTTP, for auditors and the clerk of the whole division."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.audit import archived, queries
from services.audit.erasure.desk import Desk
from services.audit.errors import UnknownView, WholeDivisionOnly
from services.audit.export import to_line
from services.audit.queries import LogRow, Roots
from services.audit.questions.asking import Asking
from services.audit.questions.question_api import question_routes
from services.audit.replays.bundling import Bundles
from services.audit.replays.person_api import person_routes
from services.audit.replays.record_api import record_routes
from services.audit.replays.replay_api import replay_routes
from shared.database.database import Database, driver
from shared.standards.rights import Right
from shared.web.disclosures import tell
from shared.web.viewers import Viewer, require

NDJSON = "application/x-ndjson"
Auditor = Annotated[Viewer, Depends(require(Right.LOGS_READ))]
Taking = Annotated[Viewer, Depends(require(Right.LOGS_READ, exports=True))]


class Logs(BaseModel):
    items: list[LogRow]


def router(database: Database, bundles: Bundles, asking: Asking, services: tuple[str, ...], desk: Desk) -> APIRouter:
    """The routes under /v1. ``services``: whose logs are archived."""
    routes = APIRouter(prefix="/v1")
    roots = Roots()
    division = bundles.division

    def whole_division(viewer: Viewer) -> None:
        if not viewer.scope.holds(division):
            raise WholeDivisionOnly("只有全县范围的人员可以回放", "only who sees the whole division may replay it")

    replay_routes(routes, bundles)
    person_routes(routes, bundles, services, desk)
    record_routes(routes, bundles, services)
    question_routes(routes, asking, bundles.division)

    @routes.get("/logs")
    def logs(_viewer: Auditor) -> Logs:
        with database.working() as connection:
            return Logs(items=queries.logs(connection, services, roots))

    @routes.get("/logs/{service}/export")
    def export(service: str, viewer: Taking, until: Annotated[int | None, Query(ge=1)] = None) -> StreamingResponse:
        """The log as NDJSON from index 1 (export.py), up to ``until`` or as far as it is archived without a gap."""
        whole_division(viewer)
        if service not in services:
            raise UnknownView("没有这个服务的记录", "there is no such log", services=list(services))
        with database.working() as connection:
            (head,) = archived.heads(driver(connection), [service])
        last = head.archived if until is None else min(until, head.archived)
        tell(rows=last)
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
