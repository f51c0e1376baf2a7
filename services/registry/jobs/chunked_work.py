"""Long work as a durable job: a chunk is one transaction, and how far the work came is kept in the chunk's own.

Whatever kills a process, the next one goes on with the next chunk, and the end is the same (promotions, mass changes).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy.exc
import structlog
from sqlalchemy import Connection

from services.registry.handlers import Registry
from shared.database.database import driver
from shared.eventsourcing.store import Command, PersonErased, Proposed
from shared.kernel.refusals import VersionConflict

Raw = psycopg.Connection[Any]
LOOK_SECONDS = 1.0
REST_SECONDS = 0.005  # between two chunks, so that requests of the same process come first
PAUSES_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)

log = structlog.get_logger(__name__)


class Chunk(NamedTuple):
    """What a chunk appends, and what it keeps of the work's progress in the same transaction."""

    proposed: Sequence[Proposed]
    keep: Callable[[Raw], None]


class Overtaken(Exception):
    """Another process did this chunk meanwhile."""


def run_until(stop: threading.Event, name: str, do_some: Callable[[], bool]) -> None:
    """Go on with whatever is ordered until ``stop``; outlives the database, and whatever else goes wrong. ``do_some``
    does one chunk and tells whether there was one to do; ``name`` is what the log calls the work."""
    failures = 0
    while not stop.is_set():
        try:
            stop.wait(REST_SECONDS if do_some() else LOOK_SECONDS)
            failures = 0
            continue
        except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError, VersionConflict) as lost:
            log.warning(f"{name} waits", error=type(lost).__name__)
        except Exception:
            log.exception(f"{name} does not get on")
        stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
        failures += 1


def do_chunk(
    registry: Registry, command: Command, decide: Callable[[Connection], Chunk], renumber: Callable[[Raw], None]
) -> None:
    """One chunk of a job in one transaction. ``decide`` locks the job and raises Overtaken when it is not where it was
    seen; ``renumber`` gives the next attempt another command id."""
    done: list[Chunk] = []

    def decided(connection: Connection) -> Sequence[Proposed]:
        done[:] = [decide(connection)]
        return done[0].proposed

    try:
        registry.store.run(registry.database, command, decided, lambda connection, _: done[0].keep(driver(connection)))
    except Overtaken:
        log.info("a chunk was done by another process", command_id=str(command.command_id))
    except PersonErased:
        # Erased between reading and writing. The refusal stays with this command id for ever: take another one.
        with registry.database.writing() as connection:
            renumber(driver(connection))


def students_after(raw: Raw, after: UUID, limit: int) -> list[UUID]:
    """The next students by id, whoever and wherever they are. Asked of the events: a view may lag behind."""
    rows = raw.execute(
        "SELECT stream_id FROM events WHERE version = 1 AND type = 'registry.StudentEnrolled.v1' AND stream_id > %s"
        " ORDER BY stream_id LIMIT %s",
        (after, limit),
        binary=True,
    )
    return [row[0] for row in rows]
