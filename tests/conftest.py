"""One PostgreSQL and one Kafka for the whole run, started when a test first asks for them.

`postgres` and `kafka` live in a temporary home on free loopback ports and end by process id when the run ends, also
after a failure. Tests marked `long` run only with `--long`.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from deploy.broker import EmbeddedKafka
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from shared.kernel.clock import utc_now
from tests.support.midnight import seconds_to_wait

# Nothing is timed here: what one example takes depends on what else the machine does.
settings.register_profile("rollcall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rollcall")

LONGEST = (
    "tests/faults",
    "tests/shared/messaging",
    "tests/journeys/pages",
    "tests/journeys",
    "tests/services/matching",
)
MEMORY_FOLDER = Path("/dev/shm")
MEMORY_NEEDED_BYTES = 12 << 30


class PostgresFixture:
    """A running server with fresh databases on demand."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._models: dict[str, str] = {}

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A psycopg URL: the superuser's, or another user's (whose password is their name unless one is given)."""
        if user is None:
            return self.server.dsn(database)
        return self.server.dsn(database, user, user if password is None else password)

    def create_database(self, prefix: str) -> str:
        """Create an empty database and return its name."""
        name = f"{prefix}_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return name

    def copy_model(self, shape: str, name: str) -> bool:
        """Make database ``name`` a copy of the one kept for ``shape``; False where none is kept yet."""
        if shape in self._models:
            self._copy(self._models[shape], name)
        return shape in self._models

    def keep_model(self, shape: str, name: str) -> None:
        """Keep a copy of database ``name``, to which nobody is connected, for others of its ``shape``: preparing one
        took most of the time of many a test."""
        self._models[shape] = f"model_{uuid.uuid4().hex[:10]}"
        self._copy(name, self._models[shape])

    def _copy(self, source: str, name: str) -> None:
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(made)

    def drop_databases(self, names: Iterable[str]) -> None:
        """Forget these databases, whoever is still connected to them; one that never came to be is no matter."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            for name in names:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class KafkaFixture:
    """A running broker. Topics are not made by merely using them: create each with its partition count."""

    def __init__(self, broker: EmbeddedKafka) -> None:
        self.broker = broker

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return self.broker.bootstrap

    def unique(self, prefix: str) -> str:
        """A topic name nobody used before."""
        return f"{prefix}.{uuid.uuid4().hex[:10]}"

    def create_topic(self, prefix: str, partitions: int = 4) -> str:
        """Create an empty topic and return its name."""
        from kafka.admin import KafkaAdminClient, NewTopic

        name = self.unique(prefix)
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            admin.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
        finally:
            admin.close()
        return name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`."""
    parser.addoption("--long", action="store_true", default=False, help="also run the tests marked long")


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist carries no types
    """One worker runs all of a folder's tests, because they share what they start."""

    def _split_scope(self, nodeid: str) -> str:
        return _folder(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:
    """Deal the tests out by folder."""
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect long tests unless they were asked for. The longest folders come first, so that all workers end at
    nearly the same time."""
    folders = [*LONGEST, *sorted({_folder(item.nodeid) for item in items} - {*LONGEST})]
    items.sort(key=lambda item: folders.index(_folder(item.nodeid)))
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_collection_finish() -> None:
    """What was collected stays to the end, so nobody looks through it again while the tests run."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """No test begins so shortly before midnight in Asia/Shanghai that its today and a service's would differ."""
    time.sleep(seconds_to_wait(utc_now()))


@pytest.fixture(scope="session")
def rollcall_home() -> Iterator[Path]:
    """A home of this run's own, short enough for every path limit, removed at the end.

    In memory where there is room: hundreds of databases come and go, and writing them back took a third of the run."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-test-", dir=_roomy_memory()))
    yield home
    shutil.rmtree(home, ignore_errors=True)


def _folder(nodeid: str) -> str:
    return nodeid.split("::")[0].rpartition("/")[0]


def _roomy_memory() -> Path | None:
    """The machine's folder in memory if it can hold what a whole run writes, else None: the usual temporary folder."""
    if not MEMORY_FOLDER.is_dir() or not os.access(MEMORY_FOLDER, os.W_OK):
        return None
    free = min(shutil.disk_usage(MEMORY_FOLDER).free, psutil.virtual_memory().available)
    return MEMORY_FOLDER if free >= MEMORY_NEEDED_BYTES else None


@pytest.fixture(scope="session")
def postgres(rollcall_home: Path) -> Iterator[PostgresFixture]:
    """The run's PostgreSQL. It waits for no disk: no test here cuts the power, and what a killed server has handed to
    the kernel is still there. The systems of the fault tests start servers of their own, as installed."""
    server = EmbeddedPostgres(rollcall_home, free_port(), settings={"fsync": "off"})
    try:
        server.start()
        yield PostgresFixture(server)
    finally:
        server.stop(timeout_seconds=10.0)


@pytest.fixture(scope="session")
def kafka(rollcall_home: Path) -> Iterator[KafkaFixture]:
    """The run's Kafka."""
    broker = EmbeddedKafka(rollcall_home, free_port(), free_port())
    try:
        broker.start()
        yield KafkaFixture(broker)
    finally:
        broker.stop(timeout_seconds=10.0)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and keep the environment of a running installation away from the tests. While thousands of
    tests are collected, looking for garbage among them takes longer than collecting them: there is none."""
    gc.disable()
    config.addinivalue_line("markers", "long: takes minutes; runs only with --long")
    for name in [name for name in os.environ if name.startswith("DATABASE_URL_")]:
        del os.environ[name]
