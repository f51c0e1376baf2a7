"""A service's database as it is while the server does not let the service in: its connections are ended, new ones are
refused. What the tests' own connections do goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from shared.database.database import Database, driver


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Nobody but the owner comes in meanwhile; the application's sessions are ended first."""
    _admit(database, 0)
    try:
        with database.owner() as owner:
            driver(owner).execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = %s",
                (f"rollcall_{database.service}_app",),
            )
        yield
    finally:
        _admit(database, -1)


def _admit(database: Database, connections: int) -> None:
    name, most = sql.Identifier(database.name), sql.Literal(connections)
    with database.owner() as owner:
        driver(owner).execute(sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(name, most))
