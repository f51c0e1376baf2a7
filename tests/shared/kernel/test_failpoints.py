from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "from shared.kernel.failpoints import step\nfor n in range(5):\n    step('here')\n    print(n, flush=True)\n"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROLLCALL_")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_armed_step_kills_at_its_count() -> None:
    done = run(ROLLCALL_FAILPOINT="here:3")
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["0", "1"]


def test_other_steps_and_no_setting_pass() -> None:
    assert run(ROLLCALL_FAILPOINT="elsewhere").returncode == 0
    assert run().returncode == 0


def test_production_refuses_failpoints() -> None:
    done = run(ROLLCALL_FAILPOINT="here", ROLLCALL_ENV="production")
    assert done.returncode == 1
    assert "refused in production" in done.stderr
