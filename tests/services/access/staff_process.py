"""A sheet of people taken in by a process of its own, to be killed: ``python -m`` this module, with the pickled
settings, sheet and command on standard input."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from uuid import UUID

from services.access import app
from services.access.staff.importing import Sender
from shared.eventsourcing.store import Command
from shared.hosting.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
DEATH_SECONDS = 60.0


def until_killed(settings: Settings, path: Path, command_id: UUID, now: datetime, failpoint: str) -> None:
    """Take the sheet in until the named step kills the process."""
    environment = {**os.environ, "ROLLCALL_FAILPOINT": failpoint, "ROLLCALL_ENV": "test"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.services.access.staff_process"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        close_fds=True,
    )
    try:
        child.communicate(pickle.dumps((settings, path, command_id, now)), timeout=DEATH_SECONDS)
        assert child.returncode == -signal.SIGKILL, f"the step {failpoint} was not passed"
    finally:
        child.kill()
        child.wait(timeout=30)


def main() -> None:
    from services.access.staff import applying
    from tests.services.access.staff_sheets import county, sent

    settings, path, command_id, now = pickle.load(sys.stdin.buffer)
    applying.CHUNK_ROWS = 4
    desk = app.desk_of(settings, settings.keyring())
    Sender.of(desk, county()).take(sent(path), Command("county", command_id, b""), now)


if __name__ == "__main__":
    main()
