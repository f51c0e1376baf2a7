"""The outermost layer of every service: trace, access log, metrics, failures, security headers.

Plain ASGI, so that streamed answers pass through untouched.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.database.away import is_away
from shared.web.languages import language_of
from shared.web.logs import exception_outline
from shared.web.problems import away_problem, problem
from shared.web.traces import TRACEPARENT, accepted, trace_id

log = structlog.get_logger("web")

REQUESTS = Counter("rollcall_http_requests", "Requests answered", ["service", "method", "route", "status"])
SECONDS = Histogram(
    "rollcall_http_request_seconds",
    "Time to the first byte of the answer",
    ["service", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

API_CONTENT_POLICY = (
    "default-src 'none'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",  # rows about children stay out of every cache unless an answer says otherwise
}


class Edge:
    """ASGI middleware around everything else of one service."""

    def __init__(
        self,
        app: ASGIApp,
        service: str,
        content_policy: str = API_CONTENT_POLICY,
        *,
        strict_transport: bool = False,
    ) -> None:
        self._app, self._service = app, service
        headers = {**SECURITY_HEADERS, "content-security-policy": content_policy}
        if strict_transport:
            headers["strict-transport-security"] = STRICT_TRANSPORT
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        traceparent = accepted(connection.headers.get(TRACEPARENT))
        scope.setdefault("state", {})[TRACEPARENT] = traceparent
        began, first_byte, status = time.perf_counter(), 0.0, 0

        async def dressed(message: Message) -> None:
            nonlocal first_byte, status
            if message["type"] == "http.response.start":
                first_byte, status = time.perf_counter(), message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in self._headers if name not in present]
                added.append((b"traceresponse", traceparent.encode()))
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=trace_id(traceparent)):
            try:
                await self._app(scope, receive, dressed)
            except Exception as failure:
                # The last resort: logged by its outline, because messages of drivers quote values.
                away = is_away(failure)
                outline = exception_outline(failure)
                log.error("store_away" if away else "request_failed", route=_route(scope), failure=outline)
                if status:
                    raise ConnectionAbortedError("answer broken off") from None
                language = language_of(connection)
                answer = away_problem(language) if away else problem(500, language=language)
                await answer(scope, receive, dressed)
            finally:
                self._account(scope, status, (first_byte or time.perf_counter()) - began)

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = _route(scope)
        REQUESTS.labels(self._service, method, route, str(status)).inc()
        SECONDS.labels(self._service, route).observe(seconds)
        if route not in ("/health/live", "/health/ready", "/metrics"):
            # The template, never the address: ids and searches stay out of the log.
            log.info("request", method=method, route=route, status=status, milliseconds=round(seconds * 1000, 1))


def _route(scope: Scope) -> str:
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"
