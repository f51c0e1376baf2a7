"""Live inboxes held open on one process by another: memory of each, and from an event to the last of them."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psutil
import structlog
import uvicorn
from fastapi import FastAPI

from bench.report import BenchResult, Measure, result, timed
from bench.stage import stage
from deploy.ports import free_port
from services.notifications.delivery import message_api, message_store
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.message_store import Growth
from services.notifications.delivery.places import Place
from services.notifications.projections import ALERTS_VIEW
from services.notifications.streams import Streams
from services.portal.people.demo_issuer import DemoIssuer, Persona
from shared.database.database import Database, driver
from shared.eventsourcing.store import EventStore
from shared.hosting.live_lists import live_lists
from shared.messaging.builds import prepare
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub

DIVISION, ISSUER = "469080", "https://issuer.test"
TARGET_KIB = 200.0
CHANGES, STALLED_SHARE = 5, 0.1


def run(events: int = 5_000) -> BenchResult:
    """``events``: connections, all of one county's clerks, so that every change concerns every one of them. The last
    tenth then stops reading, and one of these comes back where it stopped. Raises when a list misses its row."""
    live_lists({"ROLLCALL_LIVE_LISTS": str(events)})  # for the descriptors
    with _no_line_per_request(), stage() as parts:
        database = parts.database
        database.prepare(message_store.STEPS)
        prepare(database, (ALERTS_VIEW,))
        desk = Desk(database, EventStore("bench", parts.keyring, b"bench"), Streams(b"bench"), DIVISION)
        issuer = DemoIssuer(bytes(32), issuer=ISSUER, audience="rollcall", environment="test")
        hub = SseHub(database.app_conninfo, subscribers=events)
        app = create_app(
            "notifications",
            (message_api.router(desk),),
            authenticator=Authenticator(issuer=ISSUER, audience="rollcall", jwks=issuer.jwks()),
            database=database,
            parts=[hub.part],
            state={"hub": hub},
        )
        with _serving(app) as port, _client() as (said, heard):
            before = _memory()
            began = time.perf_counter()
            _say(said, {"port": port, "token": issuer.token(Persona("aid_clerk", DIVISION)), "count": events})
            _hear(heard, "open")
            opening = Measure("live lists opened", events, time.perf_counter() - began)
            kib = (_memory() - before) / 1_024 / events
            every, last = _changes(database, said, heard, events)
            reading = int(events * (1 - STALLED_SHARE))
            others, last_of_others = _changes(database, said, heard, reading)
            _say(said, {"again": True})
            back = json.loads(heard.readline())
    measures = [
        opening,
        timed(f"change → each of {events} lists", sum(last), every),
        timed("change → the last of them", sum(last), last),
        timed(f"the same while {events - reading} have stopped reading", sum(last_of_others), others),
        timed("change → the last of those who read", sum(last_of_others), last_of_others),
    ]
    facts = {"kib_per_list": round(kib, 1), "target_kib": TARGET_KIB, "came_back": len(back) == 1}
    return result("sse", measures, connections=events, **facts)


def _changes(database: Database, said: IO[str], heard: IO[str], reading: int) -> tuple[list[float], list[float]]:
    """Of every change and list the seconds, and of every change those to the last list."""
    every: list[float] = []
    last: list[float] = []
    for _ in range(CHANGES):
        _say(said, {"reading": reading})
        _hear(heard, "ready")
        began = time.monotonic()
        _grow(database)
        seconds = [moment - began for moment in json.loads(heard.readline())]
        every += seconds
        last.append(max(seconds))
    return every, last


def _grow(database: Database) -> None:
    """The county's open message counts one more."""
    now = datetime.now(UTC)
    name = uuid.uuid4()
    growth = Growth("alerts_raised", Place(DIVISION, None), name, now, now, name, name)
    growth.counts["dropped_out"] += 1
    with database.working() as connection:
        message_store.grow(driver(connection), [growth])


@contextmanager
def _no_line_per_request() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


@contextmanager
def _serving(app: FastAPI) -> Iterator[int]:
    port = free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(10)


@contextmanager
def _client() -> Iterator[tuple[IO[str], IO[str]]]:
    command = [sys.executable, "-m", "bench.sse_client"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as client:
        assert client.stdin is not None and client.stdout is not None
        try:
            yield client.stdin, client.stdout
        finally:
            client.kill()


def _say(to: IO[str], what: object) -> None:
    to.write(json.dumps(what) + "\n")
    to.flush()


def _hear(heard: IO[str], word: str) -> None:
    if (line := heard.readline().strip()) != word:
        raise RuntimeError(f"the client said {line!r}")


def _memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)
