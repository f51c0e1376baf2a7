"""The gauges of a service process: what waits, what was put aside, how far behind each projection is.

Read from the service's own database at each scrape of /metrics; ``./rollcall status`` shows the same figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
import structlog
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from shared.database.database import Database, driver
from shared.messaging.watchdog import Lag

log = structlog.get_logger(__name__)


class Gauge(NamedTuple):
    """One gauge: its name and help, its labels, and the query whose rows are the label values and then the figure."""

    name: str
    help: str
    labels: tuple[str, ...]
    query: str


GAUGES = (
    Gauge(
        "rollcall_sequencer_backlog_events",
        "Committed events that have no place in the log yet",
        (),
        """SELECT count(*) FROM events AS e, sequencer_state AS s
           WHERE e.position > s.settled AND NOT EXISTS (SELECT FROM log AS l WHERE l.position = e.position)""",
    ),
    Gauge(
        "rollcall_relay_backlog_events",
        "Events of the log that Kafka has not acknowledged yet",
        (),
        "SELECT s.head - r.log_index FROM sequencer_state AS s, relay_state AS r",
    ),
    Gauge(
        "rollcall_unsigned_events",
        "Events of the log that no signed checkpoint covers yet",
        (),
        "SELECT head - coalesce((SELECT max(size) FROM log_checkpoints), 0) FROM sequencer_state",
    ),
    Gauge(
        "rollcall_dead_letters",
        "Events put aside because they could not be applied",
        ("projection",),
        """SELECT projection, count(*) FROM dead_letters JOIN builds USING (projection, build)
           WHERE builds.state = 'live' AND dead_letters.state = 'poison' GROUP BY projection""",
    ),
    Gauge(
        "rollcall_parked_streams",
        "Streams whose later events wait behind one that could not be applied",
        ("projection",),
        """SELECT projection, count(*) FROM parked_streams JOIN builds USING (projection, build)
           WHERE builds.state = 'live' GROUP BY projection""",
    ),
)


class Figures(Collector):
    """Collects :data:`GAUGES` and the service's ``own`` from one database. A gauge whose table is not there (a service
    without a processor) has no samples."""

    def __init__(self, database: Database, own: Sequence[Gauge] = ()) -> None:
        self._database, self._gauges = database, (*GAUGES, *own)

    def register(self) -> None:
        """Make the gauges part of this process's /metrics."""
        REGISTRY.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels) for gauge in self._gauges]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for gauge in self._gauges:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for *labels, figure in self._rows(gauge):
                family.add_metric([str(label) for label in labels], float(figure))
            yield family

    def _rows(self, gauge: Gauge) -> list[tuple[Any, ...]]:
        try:
            with self._database.working() as connection:
                return driver(connection).execute(gauge.query.encode()).fetchall()
        except (psycopg.Error, OSError) as error:
            log.warning("figure not readable", gauge=gauge.name, error=type(error).__name__)
            return []


class Lags(Collector):
    """How far this process's projections are behind the logs they read, as their watchdog last saw it."""

    NAME = "rollcall_projection_lag_events"
    HELP = "Log indexes between a projection and the head of the log it reads, over the partition furthest behind"

    def __init__(self, lags: Callable[[], Sequence[Lag]]) -> None:
        self._lags = lags

    def register(self) -> None:
        """Make the gauge part of this process's /metrics."""
        REGISTRY.register(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily(self.NAME, self.HELP, labels=("projection", "log"))]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        furthest: dict[tuple[str, str], int] = {}
        for lag in self._lags():
            key = (lag.projection, lag.service)
            furthest[key] = max(furthest.get(key, 0), lag.head_log_index - lag.last_log_index)
        family = GaugeMetricFamily(self.NAME, self.HELP, labels=("projection", "log"))
        for key, behind in sorted(furthest.items()):
            family.add_metric(key, float(behind))
        yield family
