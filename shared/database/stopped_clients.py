"""Ends sessions whose client has stopped in the middle of a statement.

PostgreSQL ends a transaction that is idle between two statements (idle_in_transaction_session_timeout). It ends none in
which it waits for the rest of a COPY or of a pipeline, or for its client to read an answer: no timeout counts there. A
process that is stopped at that point (a paused machine, SIGSTOP) would keep its locks as long as it stays stopped.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from shared.database.database import IDLE_IN_TRANSACTION_TIMEOUT_SECONDS, Database, driver

# COPY tells how far it is: who reads or writes a long one slowly is seen to move.
_WAITING = """
SELECT a.pid, a.backend_start, a.query_start, coalesce(c.bytes_processed, 0)
FROM pg_stat_activity a LEFT JOIN pg_stat_progress_copy c USING (pid)
WHERE a.datname = current_database() AND a.usename = current_user AND a.state = 'active'
  AND a.wait_event IN ('ClientRead', 'ClientWrite')
"""
_END = """
SELECT count(*) FROM (
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = %s AND backend_start = %s AND query_start = %s AND wait_event IN ('ClientRead', 'ClientWrite')
) AS ended
"""

log = structlog.get_logger(__name__)


class _Waiting(NamedTuple):
    """A session at one point of one statement."""

    pid: int
    backend_start: datetime
    query_start: datetime
    bytes_copied: int


class StoppedClients:
    """Watches the sessions of both logins of ``database``; each login may end its own.

    ``after_seconds``: how long a session must have stood at one point, seen there at every look.
    """

    def __init__(self, database: Database, after_seconds: float = IDLE_IN_TRANSACTION_TIMEOUT_SECONDS) -> None:
        self._database = database
        self._after_seconds = after_seconds
        self._since: dict[_Waiting, float] = {}

    def look(self) -> int:
        """Look once, and end what has stood too long; how many. Raises sqlalchemy.exc.DBAPIError."""
        now = time.monotonic()
        standing: dict[_Waiting, float] = {}
        ended = 0
        for door in (self._database.working, self._database.writing):
            with door() as connection:
                for waiting in _waiting(connection):
                    standing[waiting] = since = self._since.get(waiting, now)
                    if now - since >= self._after_seconds:
                        ended += _end(connection, waiting)
        self._since = standing
        return ended


def _waiting(connection: Connection) -> list[_Waiting]:
    return [_Waiting(*row) for row in driver(connection).execute(_WAITING).fetchall()]


def _end(connection: Connection, waiting: _Waiting) -> int:
    row = driver(connection).execute(_END, waiting[:3]).fetchone()
    count = int(row[0]) if row else 0
    if count:
        log.warning("a session whose client has stopped was ended", pid=waiting.pid, since=waiting.query_start)
    return count
