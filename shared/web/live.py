"""Lists that change by themselves: Server-Sent Events over PostgreSQL's ``changed`` notifications.

The hub carries ids only. Each subscriber has the rows read again *as the viewer* (row-level security decides), so a row
that left the viewer's scope or filter arrives as a removal and nothing else of it does (design.md §3, invariant 12).

One thread of the process listens; each change gets a position ``<boot>-<number>``, the SSE event id. A client coming
back with ``Last-Event-ID`` (or a page that names the position it was read at, ``?since=``) gets what it missed from a
bounded memory; when that no longer reaches back, or too much changed at once, it is told to read the list again.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import psycopg
import structlog
from starlette.requests import Request

from shared.web.logs import exception_outline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI

log = structlog.get_logger("live")

CHANNEL = "changed"
MEMORY_CHANGES = 10_000
LISTEN_POLL_SECONDS = 1.0
RECONNECT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
LAST_EVENT_CHARACTERS = 64
SUBSCRIBERS = 2_000  # of a process, unless it is told otherwise: each holds a descriptor and about 40 KiB
CONCURRENT_READS = 4  # of the process's database connections, however many clients wait


class Notice(msgspec.Struct, frozen=True):
    """What a projection tells after its commit. ``more``: the ids are not all."""

    projection: str
    table: str
    entities: tuple[UUID, ...] = ()
    more: bool = False


@dataclass(frozen=True)
class Change:
    """A notice with its number. ``entities`` None means: anything in ``tables`` (None = any table) may have changed."""

    number: int
    table: str | None
    entities: tuple[UUID, ...] | None


class Subscription:
    """One client's changes still to be looked at, under its ``session``; touched only on the event loop. Ids wait once
    however often they change; past ``limit`` ids the client is told to read its list again instead."""

    def __init__(self, tables: frozenset[str], limit: int) -> None:
        self.tables, self.limit = tables, limit
        self.pending: dict[UUID, None] = {}
        self.reload = False
        self.closed = False
        self.session = ""
        self.number = 0
        self.woken = asyncio.Event()

    def offer(self, change: Change) -> None:
        """Take note of a change, if it concerns these tables."""
        if change.table is not None and change.table not in self.tables:
            return
        self.number = change.number
        if change.entities is None or self.reload:
            self._collapse()
        else:
            self.pending.update(dict.fromkeys(change.entities))
            if len(self.pending) > self.limit:
                self._collapse()
        self.woken.set()

    def _collapse(self) -> None:
        self.reload = True
        self.pending.clear()

    def take(self, count: int) -> tuple[list[UUID], bool]:
        """Up to ``count`` ids in the order they first changed, and whether the list must be read again."""
        reload, self.reload = self.reload, False
        ids = list(self.pending)[:count]
        for entity in ids:
            del self.pending[entity]
        if not self.pending:
            self.woken.clear()
        return ids, reload


class SseHub:
    """The process's one listener and everyone who waits for it.

    Enter it as a part of the application: ``create_app(..., parts=[hub.part], state={"hub": hub})``; it listens on a
    connection of its own to ``dsn`` (psycopg URL of the service's database).
    """

    def __init__(self, dsn: str, *, memory_changes: int = MEMORY_CHANGES, subscribers: int = SUBSCRIBERS) -> None:
        self._dsn, self._limit = dsn, subscribers
        self._boot = os.urandom(6).hex()
        self._number = 0
        self._memory: deque[Change] = deque(maxlen=memory_changes)
        self._subscriptions: set[Subscription] = set()
        self.reads = asyncio.Semaphore(CONCURRENT_READS)
        self._stop = threading.Event()
        self._listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def part(self, _app: FastAPI) -> AsyncIterator[SseHub]:
        """Listen for as long as the application runs."""
        self._loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._listen, name="changed-listener", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self.close()
            await asyncio.to_thread(thread.join, 5)

    def close(self) -> None:
        """End every open stream with a farewell. On the event loop; call it before the server is told to stop, because
        servers wait for open answers before they let the application clean up."""
        for subscription in self._subscriptions:
            subscription.closed = True
            subscription.woken.set()

    def end_sessions(self, sessions: frozenset[str]) -> None:
        """End the streams of sessions that are over. On the event loop."""
        for subscription in self._subscriptions:
            if subscription.session in sessions:
                subscription.closed = True
                subscription.woken.set()

    def position(self) -> str:
        """Where the changes stand now. Read it *before* the rows of a page, and hand it to the page as ``since``."""
        return f"{self._boot}-{self._number}"

    def check(self) -> str | None:
        """For readiness: the listener is connected."""
        return None if self._listening.is_set() else "not listening for changes"

    def subscribe(self, tables: Sequence[str], last_event_id: str | None, limit: int) -> Subscription:
        """Join, with what changed since ``last_event_id`` already waiting. Raises OverflowError when full."""
        if len(self._subscriptions) >= self._limit:
            raise OverflowError("too many live lists are open")
        subscription = Subscription(frozenset(tables), limit)
        subscription.number = self._number
        for change in self._missed(last_event_id):
            subscription.offer(change)
        self._subscriptions.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """The client is gone."""
        self._subscriptions.discard(subscription)

    def event_id(self, number: int) -> str:
        """The SSE id of a change."""
        return f"{self._boot}-{number}"

    def _missed(self, last_event_id: str | None) -> Sequence[Change]:
        if not last_event_id:
            return ()
        boot, _, counted = last_event_id[:LAST_EVENT_CHARACTERS].partition("-")
        everything = [Change(self._number, None, None)]
        if boot != self._boot or not counted.isdigit() or int(counted) > self._number:
            return everything
        seen = int(counted)
        if seen == self._number:
            return ()
        if not self._memory or self._memory[0].number > seen + 1:
            return everything
        return [change for change in self._memory if change.number > seen]

    def publish(self, notice: Notice | None) -> None:
        """Number a notice and offer it to everyone; None = anything may have changed. On the event loop only."""
        self._number += 1
        if notice is None:
            change = Change(self._number, None, None)
        else:
            change = Change(self._number, notice.table, None if notice.more else notice.entities)
        self._memory.append(change)
        for subscription in self._subscriptions:
            subscription.offer(change)

    def _publish_from_thread(self, notice: Notice | None) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self.publish, notice)
        except RuntimeError:  # the loop has closed: the application is stopping
            self._stop.set()

    def _listen(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True, application_name="rollcall changed") as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    if failures:
                        self._publish_from_thread(None)  # what was told meanwhile was told to nobody
                    failures = 0
                    self._listening.set()
                    self._hear(connection)
            except psycopg.Error as lost:
                log.warning("listener_lost", failure=exception_outline(lost))
                self._listening.clear()
                pause = RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)]
                failures += 1
                self._stop.wait(pause)

    def _hear(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stop.is_set():
            for heard in connection.notifies(timeout=LISTEN_POLL_SECONDS):
                try:
                    notice = msgspec.json.decode(heard.payload.encode(), type=Notice)
                except msgspec.MsgspecError:
                    log.error("notice_unreadable")
                    self._publish_from_thread(None)
                else:
                    self._publish_from_thread(notice)


def last_event_id(request: Request) -> str | None:
    """Where the client stands: the browser's own header on a reconnect, else the position its page was read at."""
    return request.headers.get("last-event-id") or request.query_params.get("since")
