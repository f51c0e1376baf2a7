"""The check tool's work for the portal: the matching command as a bounded child process. The portal knows neither."""

from __future__ import annotations

import sys
from pathlib import Path

from services.portal.checking.check_jobs import Checker, Given

MEMORY_BYTES = 4 << 30  # address space; 437,000 students in a csv of 48 MB take 0.9 GB resident
FILE_BYTES = 1 << 30  # any one file it writes
_PROJECT = Path(__file__).resolve().parent.parent


def checker(home: Path) -> Checker:
    """The checker of an installation; its jobs live in ``<home>/check`` and nowhere else."""
    return Checker(_command, home.absolute() / "check", _PROJECT)


def _command(given: Given, out: Path) -> list[str]:
    files = [*(f"--students={path}" for path in given.register), *(f"--list={path}" for path in given.lists)]
    limits = [str(MEMORY_BYTES), str(FILE_BYTES)]
    command = [sys.executable, "-m", "deploy.bounded", *limits, "cli.match", "--stages"]
    return [*command, *files, f"--model={given.model}", f"--as-of={given.as_of.isoformat()}", f"--out={out}"]
