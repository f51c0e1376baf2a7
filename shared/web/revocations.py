"""Sessions that have ended: each process follows access's list, refuses their tokens and ends their live lists.

When access is away, what it last said stands and a token ends by itself within minutes: nobody is locked out of a valid
one, and nobody who was refused comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import structlog

from shared.outgoing.neighbours import async_neighbour_client
from shared.web.authentication import Unauthenticated

log = structlog.get_logger("revocations")

REVOCATIONS = "/v1/revocations"  # of access
WAIT_SECONDS = 20  # how long one question waits for an answer
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0)  # between questions while access does not answer
KEPT_SECONDS = 20 * 60  # longer than a token lives, leeway included

Ended = Callable[[frozenset[str]], None]


class Revocations:
    """``url``: where access publishes them. ``on_ended`` callbacks hear of new ones on the event loop."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url, self._transport = url, transport
        self._ended: dict[str, float] = {}
        self._listeners: list[Ended] = []
        self._after = 0

    def on_ended(self, listener: Ended) -> None:
        """Call ``listener`` with the ids of sessions that have just ended."""
        self._listeners.append(listener)

    def check(self, session: str) -> None:
        """Raises Unauthenticated for a session that has ended."""
        if session and session in self._ended:
            raise Unauthenticated("the session has ended")

    @asynccontextmanager
    async def part(self, _app: Any) -> AsyncIterator[None]:
        """Follow the list for as long as the application runs."""
        task = asyncio.create_task(self._follow(), name="revocations")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        timeout = httpx.Timeout(WAIT_SECONDS + 10, connect=3.0)
        failures = 0
        async with async_neighbour_client(
            [self._url], timeout, connections=1, kept_alive=1, transport=self._transport
        ) as client:
            while True:
                try:
                    answer = await client.get(self._url, params={"after": self._after, "wait": WAIT_SECONDS})
                    answer.raise_for_status()
                    self._heard(answer.json())
                    failures = 0
                except (httpx.HTTPError, ValueError, KeyError, TypeError) as lost:
                    if failures == 0:
                        log.warning("revocations_lost", failure=type(lost).__name__)
                    await asyncio.sleep(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                    failures += 1

    def _heard(self, told: dict[str, Any]) -> None:
        now = time.monotonic()
        fresh = frozenset(str(each) for each in told["sessions"]) - self._ended.keys()
        self._after = int(told["last"])
        self._ended = {each: at for each, at in self._ended.items() if now - at < KEPT_SECONDS}
        self._ended |= dict.fromkeys(fresh, now)
        if fresh:
            for listener in self._listeners:
                listener(fresh)
