"""The inbox of the invented county, in which nothing ever comes: the page's head asks for it on every page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

quiet_inbox = APIRouter()


@quiet_inbox.get("/messages")
def messages() -> dict[str, Any]:
    return {"items": [], "next": None}


@quiet_inbox.get("/messages/unread")
def unread() -> dict[str, Any]:
    return {"count": 0, "more": False}


@quiet_inbox.get("/deliveries/failed")
@quiet_inbox.get("/webhooks")
def nothing() -> list[Any]:
    return []
