"""The processor time a thread spends in the database driver: making statements of values and values of answers, waiting
included as far as it costs the processor. What is left of an event's time is what the service itself computes.

Counting costs time, too: what a counted call costs outside the two looks at the clock is measured at the start, and
counted with the driver's."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import psycopg
import sqlalchemy

_OF_THE_DRIVER: tuple[tuple[type[Any], tuple[str, ...]], ...] = (
    (psycopg.Cursor, ("execute", "executemany", "fetchall", "fetchone", "fetchmany", "copy", "__next__", "close")),
    (psycopg.Connection, ("execute", "commit", "rollback", "cursor")),
    (psycopg.Copy, ("write", "__enter__", "__exit__")),
    (sqlalchemy.Engine, ("connect",)),
    (sqlalchemy.Connection, ("begin", "execute", "commit", "rollback", "close")),
)


CALIBRATING_CALLS = 20_000


@dataclass
class DriverTime:
    """``seconds`` of the processor spent in the driver so far, by the one thread that is measured. ``outer``:
    seconds that counting adds to a call outside of what it counts; a call within another is counted with that one."""

    seconds: float = 0.0
    outer: float = 0.0
    _inside: bool = False

    @classmethod
    def calibrated(cls) -> DriverTime:
        """One that knows what its own counting costs on this machine."""
        counting = cls()
        empty = counting.counted(_nothing)
        begun = time.thread_time()
        for _ in range(CALIBRATING_CALLS):
            empty()
        whole = time.thread_time() - begun
        begun = time.thread_time()
        for _ in range(CALIBRATING_CALLS):
            _nothing()
        whole -= time.thread_time() - begun
        return cls(outer=max(0.0, whole - counting.seconds) / CALIBRATING_CALLS)

    def counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, its time added; what it calls of the driver itself is not counted twice."""

        @functools.wraps(method)
        def call(*given: Any, **named: Any) -> Any:
            if self._inside:
                return method(*given, **named)
            self._inside, begun = True, time.thread_time()
            try:
                return method(*given, **named)
            finally:
                self.seconds += time.thread_time() - begun + self.outer
                self._inside = False

        return call


@contextmanager
def driver_time() -> Iterator[DriverTime]:
    """Count until the block ends."""
    counting = DriverTime.calibrated()
    with ExitStack() as stack:
        for kind, names in _OF_THE_DRIVER:
            for name in names:
                patched = counting.counted(getattr(kind, name))
                stack.enter_context(mock.patch.object(kind, name, patched))
        yield counting


def _nothing() -> None:
    """What counting a call costs is measured on this one."""
