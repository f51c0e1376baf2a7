"""The processor time a thread spends in the database driver: making statements of values and values of answers, waiting
included as far as it costs the processor. What is left of an event's time is what the service itself computes."""

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


@dataclass
class DriverTime:
    """``seconds`` of the processor spent in the driver so far, by the one thread that is measured."""

    seconds: float = 0.0
    _inside: bool = False

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
                self.seconds += time.thread_time() - begun
                self._inside = False

        return call


@contextmanager
def driver_time() -> Iterator[DriverTime]:
    """Count until the block ends."""
    counting = DriverTime()
    with ExitStack() as stack:
        for kind, names in _OF_THE_DRIVER:
            for name in names:
                patched = counting.counted(getattr(kind, name))
                stack.enter_context(mock.patch.object(kind, name, patched))
        yield counting
