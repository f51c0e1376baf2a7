"""Which failure is the database's passing trouble, and which is the event's own."""

from __future__ import annotations

import psycopg
import sqlalchemy
from psycopg import errors

from shared.kernel.refusals import VersionConflict

_PASSING: tuple[type[BaseException], ...] = (
    psycopg.OperationalError,  # connection lost, deadlock, serialization, lock timeout, shutdown, disk or memory full
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
    sqlalchemy.exc.TimeoutError,  # no free connection in the pool
    VersionConflict,  # somebody appended to the stream a policy is writing: it reads it again
)


def is_passing(error: BaseException) -> bool:
    """Whether trying again may help without anybody repairing anything."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        if error.connection_invalidated:
            return True
        if error.orig is not None:
            error = error.orig
    return isinstance(error, _PASSING)


class DatabaseAway(Exception):
    """The database failed as often as it may within one call; whoever reads the log keeps the batch and waits."""


class BuildRetired(Exception):
    """This build no longer is the live one: look up the new one and start from its checkpoints."""
