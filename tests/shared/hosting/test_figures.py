from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily

from shared.database.database import Database
from shared.hosting.figures import Figures, Gauge, Lags
from shared.messaging.watchdog import Lag
from tests.conftest import PostgresFixture

WAITING = Gauge("rollcall_waiting", "What waits", ("kind",), "SELECT * FROM (VALUES ('a', 3), ('b', 0)) AS waiting")
ABSENT = Gauge("rollcall_absent", "Of a table that is not there", (), "SELECT count(*) FROM no_such_table")


def samples(families: Iterable[GaugeMetricFamily]) -> dict[tuple[str, ...], float]:
    """(name, label values …) → figure."""
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_a_service_reports_the_common_figures_and_its_own(postgres: PostgresFixture) -> None:
    database = Database("trial", postgres.dsn("postgres"), name=postgres.create_database("figures"))
    database.prepare()
    try:
        found = samples(Figures(database, (WAITING, ABSENT)).collect())
    finally:
        database.close()
    assert found[("rollcall_sequencer_backlog_events",)] == 0
    assert found[("rollcall_relay_backlog_events",)] == 0
    assert (found[("rollcall_waiting", "a")], found[("rollcall_waiting", "b")]) == (3, 0)
    assert ("rollcall_absent",) not in found


def test_the_lag_of_a_projection_is_that_of_the_partition_furthest_behind() -> None:
    lags = [
        Lag("roster", "registry", 0, 90, 100, 0.0),
        Lag("roster", "registry", 1, 40, 99, 3.0),
        Lag("roster", "matching", 0, 7, 7, 0.0),
        Lag("roster", "matching", 1, 9, 7, 0.0),  # the head is a second old
    ]
    found = samples(Lags(lambda: lags).collect())
    assert found == {
        ("rollcall_projection_lag_events", "roster", "registry"): 59,
        ("rollcall_projection_lag_events", "roster", "matching"): 0,
    }
