"""When nothing moves any more: everything appended is sequenced and published, every projection has read to the end of
its logs, and no row waits to be decided."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg

from deploy.spec import SERVICES
from shared.hosting.settings import Settings

POLL_SECONDS = 0.1


class StillMoving(AssertionError):
    """It did not become quiet in time; the message says what still moves."""


class Quiet:
    """Watches the databases of one installation. ``dsn`` gives a service's address, ``variables`` the environment its
    processes were started with; ``services`` are those it runs."""

    def __init__(
        self, dsn: Callable[[str], str], variables: Mapping[str, str], services: Sequence[str] = SERVICES
    ) -> None:
        self._dsn, self._services = dsn, services
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        self._reads: dict[str, list[tuple[str, str]]] = {}
        for name in services:
            service = importlib.import_module(f"services.{name}.app").build(Settings.from_environment(name, variables))
            self._reads[name] = [(each.name, log) for each in service.projections for log in each.logs]

    def wait(self, timeout_seconds: float, quiet_seconds: float) -> None:
        """Until it has been quiet for a while. Raises StillMoving."""
        deadline = time.monotonic() + timeout_seconds
        quiet_since: float | None = None
        before: Mapping[str, int] = {}
        while True:
            pending, heads = self.pending()
            if pending or heads != before:
                quiet_since, before = None, heads
            elif quiet_since is None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= quiet_seconds:
                return
            if time.monotonic() > deadline:
                raise StillMoving(f"not quiet after {timeout_seconds:.0f} s: {'; '.join(pending) or 'new events come'}")
            time.sleep(POLL_SECONDS)

    def pending(self) -> tuple[list[str], dict[str, int]]:
        """What is still under way, in words, and how many events each log holds."""
        pending: list[str] = []
        heads: dict[str, int] = {}
        ends: dict[str, dict[int, int]] = {}
        try:
            for service in self._services:
                count, sequenced, published = self.ask(service, _HEADS)[0]
                heads[service] = count
                if sequenced < count:
                    pending.append(f"{service} has sequenced {sequenced} of {count}")
                if published < sequenced:
                    pending.append(f"{service} has published {published} of {sequenced}")
                ends[service] = dict(self.ask(service, "SELECT partition, log_index FROM relay_partitions"))
            for service in self._services:
                pending += self._lagging(service, ends)
        except psycopg.Error as error:
            self.forget()
            pending.append(f"a database does not answer ({type(error).__name__})")
        return pending, heads

    def ask(self, service: str, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of a service's database, read as its superuser on a connection that is kept."""
        connection = self._connections.get(service)
        if connection is None or connection.closed:
            connection = psycopg.connect(self._dsn(service), autocommit=True, connect_timeout=5)
            self._connections[service] = connection
        try:
            return connection.execute(query.encode(), values or None).fetchall()
        except psycopg.OperationalError:
            connection.close()
            raise

    def forget(self) -> None:
        """End the connections; the next question opens new ones."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _lagging(self, service: str, ends: Mapping[str, Mapping[int, int]]) -> list[str]:
        standing = {row[:3]: row[3] for row in self.ask(service, _CHECKPOINTS)}
        lagging = []
        for projection, log in self._reads[service]:
            for partition, end in ends.get(log, {}).items():
                last = standing.get((projection, log, partition), 0)
                if last < end:
                    lagging.append(f"{service}.{projection} has read {log}/{partition} to {last} of {end}")
        if service == "matching":
            waiting = self.ask(service, "SELECT count(*) FROM matching_work")[0][0]
            if waiting:
                lagging.append(f"matching has {waiting} rows to decide")
        return lagging


_HEADS = """
SELECT (SELECT count(*) FROM events), (SELECT head FROM sequencer_state), (SELECT log_index FROM relay_state)
"""
_CHECKPOINTS = """
SELECT c.projection, c.log, c.partition, c.last_log_index FROM checkpoints c
JOIN builds b ON b.projection = c.projection AND b.build = c.build WHERE b.state = 'live'
"""
