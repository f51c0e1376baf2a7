"""What the services of the invented county answer instead of what they know: nothing, a refusal, rows of a test."""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response

from shared.kernel.refusals import Refusal
from shared.web.problems import refusal_problem


class Told(Protocol):
    """``away``: services that do not answer; ``instead``: path → its answer. Both are looked at anew each time."""

    away: set[str]
    instead: dict[str, dict[str, Any] | Refusal]


def answers_instead(app: FastAPI, told: Told) -> None:
    """Let ``told`` go before what the services answer."""

    @app.middleware("http")
    async def answer(request: Request, call_next: Any) -> Response:
        if request.url.path.split("/")[1] in told.away:
            return Response(status_code=503)
        said = told.instead.get(request.url.path)
        if isinstance(said, Refusal):
            return refusal_problem(request, said)
        return await call_next(request) if said is None else JSONResponse(said)
