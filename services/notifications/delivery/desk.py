"""What delivery's handlers need, and how one command of theirs is done in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from services.notifications.streams import Streams
from shared.database.database import Database, driver
from shared.eventsourcing.store import Command, EventStore, Proposed, Result, Stored
from shared.kernel.refusals import Conflict, VersionConflict

VIEW = "alerts"  # whose scope delivery's own tables are read under


@dataclass(frozen=True)
class Desk:
    """``division`` is the installation's."""

    database: Database
    store: EventStore
    streams: Streams
    division: str

    def settle(
        self,
        stream_id: UUID,
        command: Command,
        decide: Callable[[Connection, Sequence[Stored]], Sequence[Proposed]],
        then: Callable[[psycopg.Connection[object]], None],
    ) -> Result:
        """Append what ``decide`` makes of the stream, and note it in delivery's tables in the same transaction, under
        the worker's role: the caller has checked the viewer's scope. Kept refusals are committed, then raised. Raises
        as EventStore.execute."""
        refused: Conflict | None = None
        result = Result((), False, {})
        with self.database.working() as connection:
            self.streams.lock(connection, [stream_id])

            def decided() -> Sequence[Proposed]:
                return decide(connection, self.store.load(connection, stream_id))

            try:
                result = self.store.execute(connection, command, decided)
                if not result.replayed:
                    then(driver(connection))
            except VersionConflict:
                raise
            except Conflict as refusal:
                refused = refusal
        if refused is not None:
            raise refused
        return result
