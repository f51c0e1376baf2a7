"""What a service says of itself to programs: beside /openapi.json, /asyncapi.json of the log it writes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from shared.hosting.settings import PARTITIONS
from shared.messaging import asyncapi


def asyncapi_routes(service: str, topic: str) -> APIRouter:
    """GET /asyncapi.json, open to everybody like /openapi.json: it tells shapes and no facts."""
    routes = APIRouter(include_in_schema=False)
    described = asyncapi.document(service, PARTITIONS, topic)

    @routes.get("/asyncapi.json")
    async def description() -> dict[str, Any]:
        return described

    return routes
