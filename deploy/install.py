"""The Python environment of one home, built once per set of pins; runs before any package is installed.

    python deploy/install.py HOME      prints the folder of the finished environment

`HOME/venv/<key>` is one environment, key = SHA-256 of the pins and the Python version. `HOME/venv/current` names the
finished one and is replaced last: an interrupted build is never used and the next run builds anew. Another set of pins
makes another folder, so a running installation keeps the files it was started from. Standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
INSTALLER_PINS = PROJECT / "requirements-installer.txt"
PINS = PROJECT / "requirements.txt"
TEST_PINS = PROJECT / "requirements-dev.txt"
NEEDED_FREE_BYTES = 2 * 1024**3
COMPLETE = "complete"
KEPT_ENVIRONMENTS = 2


class InstallRefused(Exception):
    """The environment cannot be built; `str()` is one line that says what to do."""


def ensure_environment(home: Path) -> Path:
    """The folder of an environment with everything pinned in requirements.txt.

    Raises: InstallRefused.
    """
    folder = home / "venv"
    environment = folder / _key()
    with _only_one(folder):
        if not (environment / COMPLETE).exists():
            _build(home, environment)
        _point(folder, environment)
        _remove_old(folder, keep=environment)
    return environment


def ensure_test_packages(home: Path, environment: Path) -> None:
    """Add what requirements-dev.txt pins to a finished environment, once per content.

    Raises: InstallRefused.
    """
    stamp = environment / f"tests-{_digest(TEST_PINS)}"
    with _only_one(home / "venv"):
        if not stamp.exists():
            _say("Installing what the tests need (once)")
            _install(environment, TEST_PINS)
            stamp.touch()


def _key() -> str:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return hashlib.sha256(PINS.read_bytes() + INSTALLER_PINS.read_bytes() + version.encode()).hexdigest()[:12]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two runs at once: the second waits and then finds the work done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        guard = (folder / ".lock").open("w")
    except OSError as error:
        raise InstallRefused(
            f"cannot write {folder} ({error.strerror}); set ROLLCALL_HOME to a folder of yours"
        ) from None
    with guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def _build(home: Path, environment: Path) -> None:
    free_bytes = shutil.disk_usage(home).free
    if free_bytes < NEEDED_FREE_BYTES:
        raise InstallRefused(
            f"only {free_bytes / 1024**3:.1f} GB free at {home}, 2 GB are needed; free some or set ROLLCALL_HOME"
        )
    _say(f"Preparing Python packages in {environment} (once)")
    shutil.rmtree(environment, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(environment)], "cannot make a virtual environment")
    # An installer that cannot be had is no reason to stop: pip does the same work, only slower.
    _run([*_pip(environment), "-r", str(INSTALLER_PINS)], None)
    _install(environment, PINS)
    (environment / COMPLETE).touch()


def _install(environment: Path, pins: Path) -> None:
    python = str(environment / "bin" / "python")
    fast = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--require-hashes"]
    if _run([*fast, "--compile-bytecode", "-r", str(pins)], None):
        return
    # uv does not read pip's configuration; where only pip is set up for the network, pip still gets through.
    _run(
        [*_pip(environment), "-r", str(pins)],
        f"cannot install the packages of {pins.name}; check the network and run again",
    )


def _pip(environment: Path) -> list[str]:
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    return [*pip, "install", "--quiet", "--require-hashes"]


def _run(command: Sequence[str], refusal: str | None) -> bool:
    """Run a step. A failing step is refused with the tool's last words, or only reported as False without a refusal."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=variables, check=False)
    if done.returncode == 0:
        return True
    if refusal is None:
        return False
    words = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    raise InstallRefused(f"{refusal} ({words[-1][:200] if words else f'exit {done.returncode}'})")


def _point(folder: Path, environment: Path) -> None:
    # cksum's own form, so that the launcher compares it with one cheap command and no Python.
    with PINS.open("rb") as pins:
        sum_line = subprocess.run(["cksum"], stdin=pins, capture_output=True, text=True, check=True).stdout.strip()
    draft = folder / f".current.{os.getpid()}"
    draft.write_text(f"{sum_line}\n{environment}\n")
    draft.replace(folder / "current")


def _remove_old(folder: Path, keep: Path) -> None:
    """Keep the environment in use and the one before it: a running installation may still stand on that."""
    others = sorted(
        (each for each in folder.iterdir() if each.is_dir() and each != keep),
        key=lambda each: each.stat().st_mtime,
        reverse=True,
    )
    for each in others[KEPT_ENVIRONMENTS - 1 :]:
        shutil.rmtree(each, ignore_errors=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # standard output carries the result


if __name__ == "__main__":
    # The unprivileged user that PostgreSQL runs as must be able to read its own programs.
    os.umask(0o022)
    try:
        sys.stdout.write(f"{ensure_environment(Path(sys.argv[1]))}\n")
    except InstallRefused as refused:
        sys.exit(f"rollcall: {refused}")
    except KeyboardInterrupt:
        sys.exit(130)
