"""Scratch databases of a run: made for it, gone with it, whatever becomes of the process.

Their names carry the run; who runs holds an advisory lock named after it for as long as it lives. So the next run knows
which databases nobody uses any more, and drops them.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shared.database.database import Database
from shared.database.roles import MAINTENANCE_DATABASE

PREFIX = "rollcall_whatif"
ROLE = "whatif"  # of the roles that use scratch databases; the services' own roles may enter none of them
_RUN_CHARACTERS = 12


@dataclass(frozen=True)
class Scratch:
    """The databases of one run, on the server of ``admin_url``. ``server`` holds the run's lock; every database is made
    on it, so that one which the server is still making when the process is gone belongs to a run until it is there."""

    admin_url: str
    run: str
    server: psycopg.Connection[Any]

    def make(self, part: str, template: str = "template0") -> Database:
        """The database of a part of the run, a copy of ``template``, which nobody may be using."""
        name = f"{PREFIX}_{self.run}_{part}"
        own, of = sql.Identifier(name), sql.Identifier(template)
        self.server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(own, of))
        # Nobody needs any of this after a crash, so no commit waits for the disk.
        self.server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(own))
        return Database(ROLE, make_conninfo(self.admin_url, dbname=name), name=name)


@contextmanager
def scratch(admin_url: str) -> Iterator[Scratch]:
    """A run of its own: what dead runs left is dropped first, what this one made at the end."""
    with psycopg.connect(_outside(admin_url), autocommit=True) as server:
        drop_leftovers(server)
        run = uuid.uuid4().hex[:_RUN_CHARACTERS]
        server.execute("SELECT pg_advisory_lock(%s)", (_lock(run),))
        try:
            yield Scratch(admin_url, run, server)
        finally:
            _drop(server, [name for name in _databases(server) if _run_of(name) == run])


def drop_leftovers(server: psycopg.Connection[Any]) -> list[str]:
    """Drop the scratch databases of runs that nobody runs any more; their names."""
    left = _databases(server)
    gone = []
    for run in sorted({_run_of(name) for name in left}):
        row = server.execute("SELECT pg_try_advisory_lock(%s)", (_lock(run),)).fetchone()
        if row is None or not row[0]:
            continue
        mine = [name for name in left if _run_of(name) == run]
        _drop(server, mine)
        server.execute("SELECT pg_advisory_unlock(%s)", (_lock(run),))
        gone += mine
    return gone


def _databases(server: psycopg.Connection[Any]) -> list[str]:
    rows = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1", (f"{PREFIX}\\_%",))
    return [row[0] for row in rows]


def _drop(server: psycopg.Connection[Any], names: list[str]) -> None:
    for name in names:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _run_of(name: str) -> str:
    return name.removeprefix(f"{PREFIX}_").partition("_")[0]


def _lock(run: str) -> int:
    return int.from_bytes(hashlib.sha256(f"counterfactual run {run}".encode()).digest()[:8], "big", signed=True)


def _outside(admin_url: str) -> str:
    """The server itself, beside every database of a service; its locks are the same for all who ask there."""
    given = conninfo_to_dict(admin_url)
    return make_conninfo(admin_url, dbname=MAINTENANCE_DATABASE, connect_timeout=str(given.get("connect_timeout", 10)))
