"""Replay: a view as it was known at a moment, with the digest that shows the same question has the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.alert_pages import ALERTS
from services.portal.backends import Backends, BackendTrouble
from services.portal.columns import Column
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening
from services.portal.table_pages import PAYMENTS, ROSTER
from services.portal.table_reading import items_of, shown_rows
from services.portal.table_shape import TablePage
from shared.kernel.clock import SHANGHAI
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
VIEWS: Mapping[str, TablePage] = {"roster": ROSTER, "payments": PAYMENTS, "alerts": ALERTS}
LOG_COLUMNS = (
    Column("service", ("service",), "code", "service_name"),
    Column("log_index", ("archived", "log_index"), "number"),
    Column("closed_until", ("closed_until",), "moment"),
    Column("root", ("root",)),
)
SHOWN_ROWS = 200


@router.get("/audit")
async def audit(request: Request, opened: Annotated[Opening, Depends(opening)]) -> Response:
    """The question in the address, its answer below."""
    opened.allow(Right.LOGS_READ)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    query = request.query_params
    view = query.get("view", "roster")
    page = VIEWS.get(view)
    if page is None:
        raise Malformed("没有这种查看内容", "No such view", view="unknown")
    typed = {
        "view": view,
        "known_at": query.get("known_at", "")[:32],
        "true_on": query.get("true_on", "")[:10],  # empty: the day of the moment
    }
    result, complaint = None, ""
    if "view" in query:
        try:
            result = await _replay(backends, opened, page, typed)
        except BackendTrouble as trouble:
            complaint = trouble.detail or opened.texts("error.title_502")
    return rendering.page(
        request,
        opened,
        "audit.html",
        page=page,
        heads=page.columns,
        views=list(VIEWS),
        typed=typed,
        result=result,
        complaint=complaint,
        logs=await _logs(backends, opened),
        log_columns=LOG_COLUMNS,
    )


async def _replay(backends: Backends, opened: Opening, page: TablePage, typed: Mapping[str, str]) -> dict[str, Any]:
    body = {"true_on": typed["true_on"] or None}
    if typed["known_at"]:
        body["known_at"] = moment_of(typed["known_at"])
    answer = (await backends.post(opened.caller, "audit", f"/v1/replay/{typed['view']}", body)).body
    told: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
    items, _ = items_of({"items": told.get("items", told.get("rows")), "next": None})
    count = told.get("rows") if isinstance(told.get("rows"), int) else told.get("count", len(items))
    return {
        "rows": shown_rows(page, items[:SHOWN_ROWS], opened.texts),
        "count": count,
        "truncated": len(items) > SHOWN_ROWS,
        "hash": told.get("hash", ""),
        "indexes": told.get("log_index") or told.get("positions") or {},
    }


def moment_of(typed: str) -> str:
    """A moment typed in Shanghai time, as UTC. Raises Malformed."""
    try:
        moment = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise Malformed("时间格式不正确", "The moment is not a date and time", field="known_at") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).isoformat()


async def _logs(backends: Backends, opened: Opening) -> list[list[Any]] | None:
    try:
        answer = await backends.get(opened.caller, "audit", "/v1/logs")
    except BackendTrouble:
        return None
    body = answer.body if isinstance(answer.body, Mapping) else {"items": answer.body}
    items, _ = items_of(body)
    return [[column.shown(item, opened.texts) for column in LOG_COLUMNS] for item in items]
