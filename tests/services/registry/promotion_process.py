"""A registry's workers in a process of their own, to be killed: ``python -m`` this module, with the pickled settings on
standard input. Ends only by signal."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import services.registry.app as registry_app
from shared.hosting.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
DEATH_SECONDS = 60.0


def until_killed(settings: Settings, failpoint: str) -> None:
    """Run the workers as the service starts them, until the named step kills their process."""
    environment = {**os.environ, "ROLLCALL_FAILPOINT": failpoint, "ROLLCALL_ENV": "test"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.services.registry.promotion_process"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        close_fds=True,
    )
    try:
        child.communicate(pickle.dumps(settings), timeout=DEATH_SECONDS)
        assert child.returncode == -signal.SIGKILL, f"the step {failpoint} was not passed"
    finally:
        child.kill()
        child.wait(timeout=30)


def main() -> None:
    settings: Settings = pickle.load(sys.stdin.buffer)
    never = threading.Event()
    running = [threading.Thread(target=worker.run, args=(never,)) for worker in registry_app.build(settings).workers]
    for each in running:
        each.start()
    for each in running:
        each.join()


if __name__ == "__main__":
    main()
