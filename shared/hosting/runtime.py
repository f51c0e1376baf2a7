"""Runs one service's roles in one process: web edge, sequencer, relay, processor, ticker.

Order of a start: database and keys, builds of the projections, configuration seeds, then the roles. Order of a stop: no
new requests, then the processor after its running transactions, then relay and sequencer. Nothing depends on a clean
stop: a killed process leaves nothing that the next one does not finish.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import FrameType

import anyio.to_thread
import psycopg
import sqlalchemy.exc
import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from shared.eventsourcing.sequencer import Sequencer
from shared.hosting.collecting import calm_collector
from shared.hosting.descriptions import asyncapi_routes
from shared.hosting.figures import Figures, Lags
from shared.hosting.live_lists import live_lists
from shared.hosting.seeding import plant
from shared.hosting.service import Service
from shared.hosting.settings import PARTITIONS, Settings
from shared.hosting.ticker import Ticker
from shared.messaging.builds import BuildOutdated, prepare
from shared.messaging.host import ProcessorHost
from shared.messaging.rebuild import rebuild
from shared.messaging.relay import Relay
from shared.messaging.runner import Runner
from shared.messaging.supply import TopicSupply
from shared.transparency.checkpointer import Checkpointer
from shared.transparency.checkpoints import log_signers, origin_of
from shared.transparency.routes import log_routes, store_routes
from shared.transparency.store_ranges import SECRET as STORE_READING
from shared.web.acts import Acts
from shared.web.application import create_app
from shared.web.authentication import Issuers
from shared.web.live import SseHub
from shared.web.revocations import REVOCATIONS, Revocations

ROLES = ("api", "relay", "processor")
DATABASE_WAIT_SECONDS = 60.0
THREAD_STOP_SECONDS = 10.0
REQUEST_THREADS = 16  # requests that work at once; more only wait for each other on few cores
GRACE_SECONDS = 3  # for requests under way; open live streams are ended by then

log = structlog.get_logger(__name__)


class Loop:
    """A thread that runs until told to stop; dying earlier makes the process unready."""

    def __init__(self, name: str, run: Callable[[threading.Event], None]) -> None:
        self.name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=run, args=(self._stop,), name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> str | None:
        return None if self._thread.is_alive() else f"the {self.name} has ended"

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, THREAD_STOP_SECONDS)


def prepared(service: Service, settings: Settings) -> None:
    """Bring the service's databases, builds and configuration to where its code expects them. Waits for a database
    that is still starting; then raises what it says."""
    deadline = time.monotonic() + DATABASE_WAIT_SECONDS
    while True:
        try:
            service.keyring.prepare()
            service.database.prepare(service.steps)
            _prepare_builds(service, settings)
            plant(service, settings.hmac_key)
            return
        except (psycopg.OperationalError, sqlalchemy.exc.OperationalError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _prepare_builds(service: Service, settings: Settings) -> None:
    """The first build of each projection; one whose tables have changed with the code is folded anew beside the old
    one before anything else starts."""
    for projection in service.projections:
        try:
            prepare(service.database, [projection])
        except BuildOutdated:
            log.warning("a projection is rebuilt for changed tables", projection=projection.name)
            topics = {name: settings.topic(name) for name in projection.logs}
            supply = TopicSupply(settings.brokers, topics)
            rebuild(projection, service.database, service.keyring, supply)
    prepare(service.database, service.projections)


def application(service: Service, settings: Settings, roles: frozenset[str]) -> FastAPI:
    """The service's web application with its roles as parts: they start and stop with it."""
    checks: dict[str, Callable[[], str | None]] = dict(service.checks or {})
    loops: list[Loop] = []
    relays = "relay" in roles and service.day_opened is not None  # a service without a clock has no log of its own
    if relays:
        loops.append(Loop("sequencer", Sequencer(service.database, settings.source, settings.pace).run))
        loops.append(Loop("ticker", Ticker(service, settings.hmac_key).run))
        signing = Checkpointer(
            service.database, origin_of(settings.source), log_signers(settings.source, settings.log_seeds)
        )
        loops.append(Loop("checkpointer", signing.run))
        checks["signing"] = lambda: signing.problem
    if "processor" in roles:
        loops.extend(Loop(worker.name, worker.run) for worker in service.workers)
    acts = None if service.acts is None else Acts(service.store, service.database, service.acts, settings.division)
    if acts is not None and "api" in roles:
        loops.append(Loop("refusals", acts.run))
    checks.update({loop.name: loop.check for loop in loops})
    hub = SseHub(service.database.app_conninfo, subscribers=live_lists())
    checks["changes"] = hub.check
    revocations = Revocations(f"{settings.addresses.get('access', '')}{REVOCATIONS}")
    revocations.on_ended(hub.end_sessions)
    parts = [_few_threads, _looping(loops), hub.part, revocations.part]
    if relays:
        parts.append(_relaying(service, settings))
    if "processor" in roles and service.projections:
        host = _host(service, settings)
        checks["processor"] = lambda: _first_problem(host)
        Lags(host.lags).register()
        parts.append(_hosting(host))
    return create_app(
        service.name,
        (*_own_log(service, settings), *service.routers) if "api" in roles else (),
        authenticator=Issuers.fetching(settings.issuers, settings.audience),
        database=service.database,
        parts=parts,
        checks=checks,
        state={"hub": hub, "settings": settings, "revocations": revocations},
        rates=settings.rates,
        strict_transport=settings.environment == "production",
        acts=acts,
    )


def _own_log(service: Service, settings: Settings) -> tuple[APIRouter, ...]:
    """What every service with a log of its own serves of it: the description of its events, and proofs."""
    if service.day_opened is None:
        return ()
    source = settings.source
    return (
        asyncapi_routes(service.name, settings.topic()),
        log_routes(service.database, source, settings.division),
        store_routes(service.database, source, lambda: settings.secret(STORE_READING)),
    )


def run(service: Service, settings: Settings, roles: frozenset[str]) -> None:
    """Serve ``roles`` of the service on its port until SIGTERM or Ctrl-C."""
    prepared(service, settings)
    Figures(service.database, service.gauges).register()
    app = application(service, settings, roles)
    calm_collector()
    serve(app, settings.port, settings.proxies)


@asynccontextmanager
async def _few_threads(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = REQUEST_THREADS
    yield


class _Server(uvicorn.Server):
    """Ends open live streams as soon as it is told to stop, instead of cutting them after the grace."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        hub: SseHub | None = getattr(self.config.app.state, "hub", None)  # type: ignore[union-attr]
        if hub is not None:
            asyncio.get_running_loop().call_soon_threadsafe(hub.close)
        super().handle_exit(sig, frame)


def serve(app: FastAPI, port: int, proxies: str = "") -> None:
    """Serve an application on loopback until SIGTERM or Ctrl-C. ``proxies``: addresses of what ends TLS in front of it,
    comma-separated; what anybody else says of a request's scheme and origin is not believed."""
    server = _Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(1)


def _host(service: Service, settings: Settings) -> ProcessorHost:
    runners = [Runner(projection, service.database, service.keyring) for projection in service.projections]
    logs: set[str] = {name for projection in service.projections for name in projection.logs}
    topics: Mapping[str, str] = {name: settings.topic(name) for name in sorted(logs)}
    app_id = f"rollcall.{settings.division}.{service.name}"
    heads = {name: settings.heads_topic(name) for name in topics}
    return ProcessorHost(app_id, settings.brokers, topics, runners, heads=heads, pace=settings.pace, on_fatal=_end)


def _end(reason: str) -> None:
    """A processor that may not go on ends its process: the supervisor starts it again from the database's state."""
    log.critical("the process ends itself", reason=reason)
    signal.raise_signal(signal.SIGKILL)


def _first_problem(host: ProcessorHost) -> str | None:
    problems = host.problems()
    return "; ".join(f"{each.kind} {each.where}: {each.detail}" for each in problems[:3]) or None


Part = Callable[[FastAPI], AbstractAsyncContextManager[object]]


def _looping(loops: list[Loop]) -> Part:
    @asynccontextmanager
    async def part(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for loop in loops:
                loop.start()
                stack.push_async_callback(loop.stop)
            yield

    return part


def _relaying(service: Service, settings: Settings) -> Part:
    @asynccontextmanager
    async def part(_app: FastAPI) -> AsyncIterator[None]:
        relay = Relay(service.database, settings.brokers, settings.topic(), settings.heads_topic(), PARTITIONS)
        task = asyncio.create_task(relay.run(), name="relay")
        task.add_done_callback(_relay_ended)
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return part


def _relay_ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("the relay has ended", error=type(error).__name__, detail=str(error))
        _end("the relay has ended")


def _hosting(host: ProcessorHost) -> Part:
    @asynccontextmanager
    async def part(_app: FastAPI) -> AsyncIterator[None]:
        await host.start()
        try:
            yield
        finally:
            await host.stop()

    return part
