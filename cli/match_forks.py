"""Work beside the main process: a forked child shares everything read so far and sends back bytes.

The child must not use polars, whose threads do not survive a fork. Where nothing can be forked, or the child fails, the
caller does the work itself: the result is the same, only later.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable


def cores() -> int:
    """Processes worth starting, the main one included: 1 where the platform cannot fork."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Child:
    """One forked process at work. `result` waits for what it sends; None when it failed or could not be started."""

    def __init__(self, work: Callable[[], bytes]) -> None:
        self._received: list[bytes] = []
        self._pid = 0
        if cores() == 1:
            return
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reading)
            _run_and_leave(work, writing)
        os.close(writing)
        # Read while the main process works on: a full pipe would stop the child.
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._reader.start()

    def result(self) -> bytes | None:
        if not self._pid:
            return None
        self._reader.join()
        _, status = os.waitpid(self._pid, 0)
        self._pid = 0
        return b"".join(self._received) if status == 0 else None

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as pipe:
            while chunk := pipe.read(1 << 20):
                self._received.append(chunk)


def _run_and_leave(work: Callable[[], bytes], writing: int) -> None:
    """In the child: never returns, runs no clean-up of the parent's."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(work())
        status = 0
    finally:
        os._exit(status)
