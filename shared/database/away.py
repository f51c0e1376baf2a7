"""Whether a failure means that the database cannot be reached for the moment, and not that what was asked is wrong."""

from __future__ import annotations

import psycopg
import sqlalchemy

# SQLSTATE classes: connection exceptions, insufficient resources, and (57P) a server that stops or starts. Others that
# the driver calls operational (a statement that took too long, a lock, a deadlock) are of a server that answers.
_AWAY = ("08", "53", "57P")


def is_away(failure: BaseException) -> bool:
    """Refused or lost connections, a server that stops, starts or is full, no free connection in the pool."""
    if isinstance(failure, sqlalchemy.exc.TimeoutError):
        return True
    if isinstance(failure, sqlalchemy.exc.DBAPIError):
        if failure.connection_invalidated:
            return True
        return failure.orig is not None and is_away(failure.orig)
    if isinstance(failure, psycopg.OperationalError | psycopg.InterfaceError):
        return failure.sqlstate is None or failure.sqlstate.startswith(_AWAY)
    return False
