"""A process to kill: ``python -m tests.support.log_process sequencer|relay|append NAME …`` on a trial database.

The admin address comes in TRIAL_ADMIN_URL. Ends only by signal (append: when done).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.database import Database
from shared.eventsourcing.sequencer import Sequencer
from shared.messaging.relay import Relay
from tests.support.trial import SOURCE, open_trial

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(admin_url: str, *arguments: str, failpoint: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Start one, and kill it at the end if it still runs."""
    environment = {**os.environ, "TRIAL_ADMIN_URL": admin_url, "ROLLCALL_FAILPOINT": failpoint, "ROLLCALL_ENV": "test"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.log_process", *arguments], cwd=ROOT, env=environment, close_fds=True
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait(timeout=30)


def main(role: str, name: str, *rest: str) -> None:
    admin_url = os.environ["TRIAL_ADMIN_URL"]
    database = Database("trial", admin_url, name=f"trial_{name}")
    if role == "sequencer":
        Sequencer(database, SOURCE).run(threading.Event())
    elif role == "relay":
        bootstrap, topic, heads = rest
        asyncio.run(Relay(database, bootstrap, topic, heads, 4).run())
    elif role == "append":
        trial = open_trial(admin_url, name)
        for _ in range(int(rest[0])):
            trial.join(int(rest[1]))


if __name__ == "__main__":
    main(*sys.argv[1:])
