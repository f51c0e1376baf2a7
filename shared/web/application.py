"""One way to make every service's web application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.routing import BaseRoute

from shared.web import problems
from shared.web.authentication import Checker
from shared.web.bodies import BodyLimit, BodyLimits
from shared.web.commands import IDEMPOTENCY_HEADER
from shared.web.edge import API_CONTENT_POLICY, Edge
from shared.web.health import Check, health_routes
from shared.web.rate_limits import UNLIMITED, Limits, Rates
from shared.web.viewers import Rule

if TYPE_CHECKING:
    from shared.database.database import Database

RIGHT_FIELD = "x-rollcall-right"
Part = Callable[[FastAPI], AbstractAsyncContextManager[Any]]


def create_app(
    title: str,
    routers: Sequence[APIRouter],
    *,
    authenticator: Checker | None,
    database: Database | None = None,
    parts: Sequence[Part] = (),
    checks: Mapping[str, Check] | None = None,
    limits: BodyLimits | None = None,
    content_policy: str = API_CONTENT_POLICY,
    version: str = "1",
    state: Mapping[str, Any] | None = None,
    described: bool = True,
    rates: Rates = UNLIMITED,
    strict_transport: bool = False,
    inner: Sequence[tuple[Any, Mapping[str, Any]]] = (),
) -> FastAPI:
    """A service's application.

    ``parts`` are entered in order when it starts and left in reverse order when it stops. ``checks`` decide readiness,
    beside the database when there is one. ``state`` is set on ``app.state`` for the routers (``request.app.state.x``);
    ``authenticator`` and ``database`` are there too. Routers carry their own prefix (``/v1``). ``described=False``
    leaves the OpenAPI description out (the portal). ``inner`` are further ASGI middlewares (class, arguments)
    inside the edge and the body limit. ``rates`` bounds how often one person or agency may ask;
    ``strict_transport`` has browsers come by https only from then on (behind TLS, in production).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in parts:
                await stack.enter_async_context(part(app))
            yield

    app = FastAPI(
        title=title,
        version=version,
        lifespan=lifespan,
        openapi_url="/openapi.json" if described else None,
        docs_url=None,  # the browsable pages of the framework load scripts from a CDN
        redoc_url=None,
    )
    app.state.authenticator, app.state.database, app.state.limits = authenticator, database, Limits(rates)
    for name, value in (state or {}).items():
        setattr(app.state, name, value)
    every_check = dict(checks or {})
    if database is not None:
        every_check.setdefault("database", lambda: _answers(database))
    problems.install(app)
    app.include_router(health_routes(every_check))
    for router in routers:
        app.include_router(router)
    for middleware, arguments in inner:
        app.add_middleware(middleware, **arguments)
    app.add_middleware(BodyLimit, limits=limits or BodyLimits())
    app.add_middleware(Edge, service=title, content_policy=content_policy, strict_transport=strict_transport)
    if described:
        _describe(app, _rules(route for router in routers for route in router.routes))
    return app


def _answers(database: Database) -> None:
    with database.working() as connection:
        connection.execute(text("SELECT 1"))


def _describe(app: FastAPI, rules: Mapping[tuple[str, str], list[str]]) -> None:
    """Say in the description that every POST carries an Idempotency-Key, that errors are problem+json, and which rights
    (one of them) each route asks for."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        schema = plain()
        for path, operations in schema.get("paths", {}).items():
            for method, operation in operations.items():
                if rights := rules.get((path, method)):
                    operation[RIGHT_FIELD] = rights
                if method == "post":
                    operation.setdefault("parameters", []).append(
                        {
                            "name": IDEMPOTENCY_HEADER,
                            "in": "header",
                            "required": True,
                            "schema": {"type": "string", "format": "uuid"},
                            "description": "Sending the same request again with the same key does it once.",
                        }
                    )
                operation.setdefault("responses", {})["default"] = {
                    "description": "Refused or failed (RFC 9457)",
                    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
        schema.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _rules(routes: Iterable[BaseRoute]) -> dict[tuple[str, str], list[str]]:
    """(path, method) → the rights of which one is needed. Rules that stand in a row all hold: the last one, the
    route's own, is told."""
    return {
        (route.path_format, method.lower()): [right.value for right in found[-1].rights]
        for route in routes
        if isinstance(route, APIRoute)
        if (found := rules_of(route.dependant))
        for method in route.methods or ()
    }


def rules_of(dependant: Dependant) -> list[Rule]:
    """The rules a route depends on, in the order in which they are asked."""
    own = [dependant.call] if isinstance(dependant.call, Rule) else []
    return [*(rule for inner in dependant.dependencies for rule in rules_of(inner)), *own]


_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "facts": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
