"""One way to make every service's web application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from sqlalchemy import text

from shared.web import problems
from shared.web.authentication import Checker
from shared.web.bodies import BodyLimit, BodyLimits
from shared.web.descriptions import describe_alike
from shared.web.disclosing import Disclosing
from shared.web.edge import API_CONTENT_POLICY, Edge
from shared.web.health import Check, health_routes
from shared.web.nul import NoNul
from shared.web.rate_limits import UNLIMITED, Limits, Rates

if TYPE_CHECKING:
    from shared.database.database import Database
    from shared.web.acts import Acts

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
    acts: Acts | None = None,
) -> FastAPI:
    """A service's application.

    ``parts`` are entered in order when it starts and left in reverse order when it stops. ``checks`` decide readiness,
    beside the database when there is one. ``state`` is set on ``app.state`` for the routers (``request.app.state.x``);
    ``authenticator`` and ``database`` are there too. Routers carry their own prefix (``/v1``). ``described=False``
    leaves the OpenAPI description out (the portal). ``inner`` are further ASGI middlewares (class, arguments)
    inside the edge and the body limit. ``rates`` bounds how often one person or agency may ask;
    ``strict_transport`` has browsers come by https only from then on (behind TLS, in production). ``acts`` records
    refusals, exports and reads in full; without it (the portal, which has no log) nothing is.
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
    app.state.acts = acts
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
    if acts is not None:
        app.add_middleware(Disclosing, acts=acts)
    app.add_middleware(NoNul)
    app.add_middleware(BodyLimit, limits=limits or BodyLimits())
    app.add_middleware(Edge, service=title, content_policy=content_policy, strict_transport=strict_transport)
    if described:
        describe_alike(app, [route for router in routers for route in router.routes])
    return app


def _answers(database: Database) -> None:
    with database.working() as connection:
        connection.execute(text("SELECT 1"))
