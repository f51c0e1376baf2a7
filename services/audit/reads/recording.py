"""That somebody opens a whole file in full is recorded before anything of it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from services.audit.erasure.desk import Desk
from services.audit.events import PersonFileRead
from shared.eventsourcing.store import Command, Proposed, Result


def note_file_read(desk: Desk, read: PersonFileRead, command: Command, day: date) -> Result:
    """Record the read, once for a command; a reader's reads of one day stand in one stream."""
    reader = desk.streams.reader(read.viewer, day)

    def decide(connection: Connection) -> Sequence[Proposed]:
        return [Proposed(reader, len(desk.store.load(connection, reader)), read, day)]

    return desk.store.run(desk.database, command, decide)
