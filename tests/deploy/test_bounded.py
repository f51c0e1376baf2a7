"""A bounded process cannot take more than it was given, and does not outlive who started it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[2]
MEGABYTE = 1 << 20


def bounded(statement: str, *, memory_bytes: int = 512 * MEGABYTE, file_bytes: int = MEGABYTE) -> list[str]:
    command = [sys.executable, "-m", "deploy.bounded", str(memory_bytes), str(file_bytes)]
    return [*command, "timeit", "-n1", "-r1", statement]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)


def test_memory_and_files_end_at_their_bound() -> None:
    assert run(bounded("bytes(100_000_000)")).returncode == 0
    assert "MemoryError" in run(bounded("bytes(1_000_000_000)")).stderr
    written = "import tempfile\nwith tempfile.TemporaryFile() as f: f.write(bytes(2_000_000))"
    assert "File too large" in run(bounded(written)).stderr


def test_it_ends_with_a_parent_that_is_killed() -> None:
    command = bounded("import time; time.sleep(120)")
    script = f"import subprocess, time\nprint(subprocess.Popen({command!r}).pid, flush=True)\ntime.sleep(120)"
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    end = time.monotonic() + 30
    while "timeit" not in child.cmdline() or "deploy.bounded" in child.cmdline():
        assert time.monotonic() < end
        time.sleep(0.02)
    parent.kill()
    parent.communicate()
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.02)
