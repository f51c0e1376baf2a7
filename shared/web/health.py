"""/health/live: the process turns. /health/ready: everything it needs answers. /metrics: counters for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from shared.web.logs import exception_outline

log = structlog.get_logger("health")

CHECK_TIMEOUT_SECONDS = 3
Check = Callable[[], str | None]  # runs in a thread; the problem, or None when all is well; raising is a problem too


def health_routes(checks: Mapping[str, Check]) -> APIRouter:
    """The three addresses, outside the API's description."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready() -> Response:
        names = list(checks)
        results = await asyncio.gather(*(_passes(name, checks[name]) for name in names))
        found = dict(zip(names, ("ok" if good else "failing" for good in results), strict=True))
        good = all(results)
        return JSONResponse({"status": "ready" if good else "not_ready", "checks": found}, 200 if good else 503)

    @router.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    return router


async def _passes(name: str, check: Check) -> bool:
    try:
        problem = await asyncio.wait_for(asyncio.to_thread(check), CHECK_TIMEOUT_SECONDS)
    except Exception as failure:  # whatever a check raises is its answer, and is logged
        log.warning("not_ready", check=name, failure=exception_outline(failure))
        return False
    if problem is not None:
        log.warning("not_ready", check=name, problem=problem)
    return problem is None
