"""Letters of the invented county of the page's tests: none were written, none came in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from shared.web import Viewer
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
TAKEN_IN = UUID(int=0xC0)


def county_letters(command: Callable[[Request, Viewer, Any], None]) -> APIRouter:
    """The routes of disbursement about letters; ``command`` notes what a form sent."""
    r = APIRouter(prefix="/disbursement/v1")

    @r.get("/elsewhere")
    def elsewhere(who: Who) -> Row:
        return {"items": [], "next": None, "term": "2024-autumn"}

    @r.get("/letters")
    @r.get("/incoming-letters")
    def letters(who: Who) -> Row:
        return {"items": [], "next": None}

    @r.post("/incoming-letters")
    def came(request: Request, who: Who, body: Row) -> Row:
        command(request, who, body)
        return {"incoming_id": TAKEN_IN, "event_ids": []}

    return r
