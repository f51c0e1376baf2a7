"""The one ticker of a service: every day that begins in Asia/Shanghai becomes a DayOpened event (invariant 10).

Days missed while nothing ran are opened one by one, so that a rule that counts days sees each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import structlog
from sqlalchemy import Connection

from shared.eventsourcing.store import Command, Proposed
from shared.hosting.service import Service
from shared.kernel.clock import today
from shared.kernel.identifiers import keyed_id
from shared.kernel.refusals import Conflict

PRINCIPAL = "system:ticker"
LOOK_SECONDS = 5.0
MISSED_DAYS_MAX = 400  # more than a school year: an installation off for longer starts with the last of them

log = structlog.get_logger(__name__)


class Ticker:
    """Opens days for ``service``; any number of tickers may run, each day is opened once."""

    def __init__(self, service: Service, hmac_key: bytes, clock: Callable[[], date] = today) -> None:
        self._service, self._key, self._clock = service, hmac_key, clock
        self._stream = keyed_id(hmac_key, "clock")
        self._opened: date | None = None

    def run(self, stop: threading.Event) -> None:
        """Open days until ``stop`` is set; a database that is away is tried again at the next look."""
        while not stop.is_set():
            try:
                self.tick()
            except Exception as error:
                log.warning("the day could not be opened yet", service=self._service.name, error=type(error).__name__)
            stop.wait(LOOK_SECONDS)

    def tick(self) -> list[date]:
        """Open every day up to the clock's; returns those opened now."""
        now = self._clock()
        if self._opened == now:
            return []
        with self._service.database.writing() as connection:
            stored = self._service.store.load(connection, self._stream)
        last = stored[-1].event.effective_on if stored else None
        opened = []
        for day in _missing(last, now):
            if self._open(day):
                opened.append(day)
        self._opened = now
        return opened

    def _open(self, day: date) -> bool:
        make = self._service.day_opened
        if make is None:
            return False
        fact = make(day)
        command = Command(
            principal=PRINCIPAL,
            command_id=keyed_id(self._key, "day-opened", day.isoformat()),
            body=day.isoformat().encode(),
        )

        def decide(connection: Connection) -> Sequence[Proposed]:
            stored = self._service.store.load(connection, self._stream)
            if stored and stored[-1].event.effective_on >= day:
                raise Conflict("这一天已经开始", "This day was opened already", day=day.isoformat())
            return [Proposed(self._stream, len(stored), fact, day)]

        try:
            return not self._service.store.run(self._service.database, command, decide).replayed
        except Conflict:
            return False


def _missing(last: date | None, now: date) -> list[date]:
    if last is None:
        return [now]
    first = max(last + timedelta(days=1), now - timedelta(days=MISSED_DAYS_MAX - 1))
    return [first + timedelta(days=count) for count in range((now - first).days + 1)]
