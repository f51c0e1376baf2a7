"""Commands that arrive at the same moment, in one transaction: one commit to the disk for all of them.

Whoever comes while a group is being written waits for its turn; the first of those who waited then writes for all. What
cannot go together (a refusal, a repetition, two commands about one stream, any error) is rolled back as a whole, and
each command of the group is done by itself, as :meth:`EventStore.run` does it: what a caller gets is always the same.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from shared.database.database import Database
from shared.eventsourcing.store import Command, Decide, EventStore, Result
from shared.kernel.failpoints import step

GROUP_MOST = 64


@dataclass
class _Waiting:
    command: Command
    decide: Decide
    tried: bool = False
    result: Result | None = None


@dataclass
class Together:
    """Runs commands of one store and database. Thread-safe."""

    store: EventStore
    database: Database
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def run(self, command: Command, decide: Decide) -> Result:
        """As :meth:`EventStore.run`. ``decide`` may be called again after a rollback."""
        mine = _Waiting(command, decide)
        self._waiting.append(mine)
        with self._turn:
            while not mine.tried:
                self._try([self._waiting.popleft() for _ in range(min(len(self._waiting), GROUP_MOST))])
        if mine.result is None:
            return self.store.run(self.database, command, decide)
        step("append.committed")
        return mine.result

    def _try(self, group: list[_Waiting]) -> None:
        for each in group:
            each.tried = True
        try:
            with self.database.writing() as connection:
                works = [(each.command, each.decide) for each in group]
                results = self.store.execute_all(connection, works)
        except Exception:
            return  # whose it is shows when each is done by itself
        for each, result in zip(group, results, strict=True):
            each.result = result
