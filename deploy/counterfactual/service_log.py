"""A scratch log: what the rerun's policies and people append, given its place in the order and at the moment it has in
the rerun. The real sequencer would date everything now, and how old a decision is would be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.database.database import Database, driver
from shared.eventsourcing.event import Event, Logged
from shared.messaging.codec import Envelope

_FRESH = """
SELECT position, event_id, stream_id, version, type, effective_on, principal, command_id, cause_id, cause_recorded_at,
       data
FROM public.events WHERE position > %s ORDER BY position
"""
_MOMENT = timedelta(microseconds=1)


@dataclass
class ScratchLog:
    """The log of one scratch database, read by one thread. ``source`` as of the real log."""

    database: Database
    source: str
    _position: int = 0
    _index: int = 0
    _last: datetime | None = None

    def fresh(self, now: datetime) -> list[Envelope]:
        """What was appended since, in order, recorded from ``now`` on."""
        with self.database.working() as connection:
            rows = driver(connection).execute(_FRESH, (self._position,), binary=True).fetchall()
        found = []
        for position, *attributes in rows:
            self._last = now if self._last is None else max(now, self._last + _MOMENT)
            logged = Logged(self.source, self._index + 1, self._last, b"", Event(*attributes))
            found.append(Envelope(logged, self._index, None))
            self._position, self._index = position, self._index + 1
        return found


@dataclass
class FedLog:
    """The registry's log as the rerun tells it: events numbered anew in the order they are fed."""

    source: str
    _index: int = 0

    def next(self, events: list[Logged]) -> list[Envelope]:
        """These events with their places in this log."""
        found = []
        for logged in events:
            found.append(Envelope(logged._replace(log_index=self._index + 1), self._index, None))
            self._index += 1
        return found
