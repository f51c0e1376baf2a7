"""What waits for people of the invented county: rows a test puts there, service by service."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from shared.standards.open_work import OPEN_WORK, SERVICES, Kind
from shared.web import Viewer, viewer
from shared.web.pages import Page, PageTurn, page_turn


def county_work(rows: list[dict[str, Any]]) -> list[APIRouter]:
    """``GET /<service>/v1/open-items`` of every service: those of ``rows`` that are its own and the viewer's to do."""
    return [_of(service, rows) for service in SERVICES]


def _of(service: str, rows: list[dict[str, Any]]) -> APIRouter:
    r = APIRouter(prefix=f"/{service}/v1")

    @r.get("/open-items")
    def open_items(
        who: Annotated[Viewer, Depends(viewer)],
        turn: Annotated[PageTurn, Depends(page_turn)],
        kind: Annotated[list[Kind] | None, Query()] = None,
    ) -> Page[dict[str, Any]]:
        own = [
            row for row in rows if OPEN_WORK[row["kind"]].service == service and (kind is None or row["kind"] in kind)
        ]
        mine = sorted((row for row in own if who.has(*OPEN_WORK[row["kind"]].rights)), key=lambda row: row["kind"])
        return Page(items=mine[: turn.limit], next="more" if len(mine) > turn.limit else None)

    return r
