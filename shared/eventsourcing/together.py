"""Commands that arrive at the same moment, in one transaction: one commit to the disk for all of them.

Whoever comes while a group is being written waits for its turn; the next group is all who waited. What cannot go
together (a refusal, a repetition, two commands about one stream, any error) is rolled back as a whole, and each command
of the group is done by itself, as :meth:`EventStore.run` does it: what a caller gets is always the same.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from anyio.to_thread import run_sync
from sqlalchemy import Connection

from shared.database.database import Database
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.failpoints import step

GROUP_MOST = 200  # a transaction of so many rows takes a tenth of a second on a busy machine
CROWD = 3  # so many at once: more are on their way, and a transaction costs as much as ten rows
GATHER_SECONDS = 0.01
W = TypeVar("W")
DecideAll = Callable[[Connection, Sequence[W]], Sequence[Sequence[Proposed]]]


def one_by_one(connection: Connection, works: Sequence[Any]) -> list[Sequence[Proposed]]:
    """For work that decides by itself (:data:`Decide`)."""
    return [decide(connection) for decide in works]


@dataclass
class _Waiting(Generic[W]):
    command: Command
    work: W
    told: asyncio.Future[None] | None = None  # of a caller on the event loop
    tried: bool = False
    result: Result | None = None


@dataclass
class Together(Generic[W]):
    """Runs commands of one store and database; ``decide_all`` says what the works of some of them change, in their
    order, and may be called again after a rollback. :meth:`run` is thread-safe; :meth:`soon` belongs to one event
    loop."""

    store: EventStore
    database: Database
    decide_all: DecideAll[W] = one_by_one
    _waiting: deque[_Waiting[W]] = field(default_factory=deque)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _working: bool = False

    def run(self, command: Command, work: W) -> Result:
        """As :meth:`EventStore.run`, for a caller with a thread of its own."""
        mine = _Waiting(command, work)
        self._waiting.append(mine)
        with self._turn:
            while not mine.tried:
                self._try_some()
        return self._alone(mine) if mine.result is None else _committed(mine.result)

    async def soon(self, command: Command, work: W) -> Result:
        """As :meth:`EventStore.run`, for a caller on the event loop: one thread works for all who wait."""
        mine = _Waiting(command, work, asyncio.get_running_loop().create_future())
        assert mine.told is not None, "just made"
        self._waiting.append(mine)
        self._work()
        await mine.told
        return await run_sync(self._alone, mine) if mine.result is None else _committed(mine.result)

    def _work(self) -> None:
        if not self._working and self._waiting:
            self._working = True
            asyncio.get_running_loop().run_in_executor(None, self._work_off).add_done_callback(self._worked)

    def _worked(self, work: asyncio.Future[None]) -> None:
        work.result()  # nothing may fail there unheard
        self._working = False
        self._work()  # for who came when the thread had looked for the last time

    def _work_off(self) -> None:
        with self._turn:
            while self._waiting:
                if self._try_some() >= CROWD:
                    time.sleep(GATHER_SECONDS)

    def _try_some(self) -> int:
        group = [self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MOST))]
        for each in group:
            each.tried = True
        try:
            with self.database.writing() as connection:
                results = self.store.execute_all(
                    connection,
                    [each.command for each in group],
                    lambda: self.decide_all(connection, [each.work for each in group]),
                )
        except Exception:
            results = []  # whose it is shows when each is done by itself
        for each, result in zip(group, results, strict=False):
            each.result = result
        told = [each.told for each in group if each.told is not None]
        if told:
            told[0].get_loop().call_soon_threadsafe(_tell, told)  # one waking for all
        return len(group)

    def _alone(self, mine: _Waiting[W]) -> Result:
        return self.store.run(
            self.database, mine.command, lambda connection: self.decide_all(connection, [mine.work])[0]
        )


def _committed(result: Result) -> Result:
    step("append.committed")
    return result


def _tell(told: Sequence[asyncio.Future[None]]) -> None:
    for each in told:
        if not each.done():  # its caller may have gone
            each.set_result(None)
