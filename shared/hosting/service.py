"""What a service is made of, as plain data: ``services/<name>/app.py`` builds one, the runtime starts its roles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from shared.kernel.acts import ActFacts
from shared.kernel.facts import Fact

if TYPE_CHECKING:
    from fastapi import APIRouter

    from shared.database.database import Database
    from shared.eventsourcing.projection import Projection
    from shared.eventsourcing.store import EventStore
    from shared.hosting.figures import Gauge
    from shared.keys.keyring import KeyRing


class Worker(NamedTuple):
    """A loop of the processor role that runs in a thread of its own until ``stop`` is set. It wakes by LISTEN, commits
    its effects itself and may be killed at any moment."""

    name: str
    run: Callable[[threading.Event], None]


class Seed(NamedTuple):
    """A configuration event the service starts with (rules, rates, thresholds). ``name`` and the fact's content make
    the command id: starting again changes nothing, new content appends a new event. ``stream`` names its stream.
    ``first_only``: only a stream without events is planted; from then on people decide what comes next."""

    name: str
    stream: str
    fact: Fact
    effective_on: date
    first_only: bool = False


@dataclass(frozen=True)
class Service:
    """``name`` as in topics and databases. ``projections`` holds views and policies alike. ``steps`` are the service's
    own write-side tables, (name, SQL), run by its database after the event store's. ``day_opened`` makes the fact of
    a new day; None = the service has no clock. ``checks`` add readiness conditions: name → problem or None; ``gauges``
    add figures to /metrics. ``acts``: how its log calls refusals and exports."""

    name: str
    database: Database
    store: EventStore
    keyring: KeyRing
    routers: tuple[APIRouter, ...] = ()
    projections: tuple[Projection, ...] = ()
    workers: tuple[Worker, ...] = ()
    seeds: tuple[Seed, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()
    day_opened: Callable[[date], Fact] | None = None
    checks: Mapping[str, Callable[[], str | None]] | None = None
    gauges: tuple[Gauge, ...] = ()
    acts: ActFacts | None = None
