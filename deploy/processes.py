"""Starting, recognising and ending child processes by identity (pid and start time), never by name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

LOG_ROTATE_BYTES = 10 * 1024 * 1024
START_TIME_TOLERANCE_SECONDS = 0.05
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STAT_START = 19  # of the fields behind the name in /proc/PID/stat: clock ticks from the boot to the start


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that cannot be confused with a later one of the same pid. ``started_at_seconds`` counts from the boot
    ``boot`` names: what the wall clock tells moves when that clock is set, and then nobody would be known again."""

    pid: int
    started_at_seconds: float
    boot: str = ""

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """Identity of a living process. Raises: psutil.NoSuchProcess."""
        return cls(pid, _started_at(pid), _boot())

    def process(self) -> psutil.Process | None:
        """The living process, or None when it ended (a zombie has ended) or its pid was given to another."""
        try:
            found = psutil.Process(self.pid)
            if abs(_started_at(self.pid) - self.started_at_seconds) > START_TIME_TOLERANCE_SECONDS:
                return None
            if self.boot != _boot():
                return None
            return None if found.status() == psutil.STATUS_ZOMBIE else found
        except psutil.NoSuchProcess:
            return None

    def alive(self) -> bool:
        """Whether exactly this process still runs."""
        return self.process() is not None

    def save(self, path: Path) -> None:
        """Write the identity where a later run finds it."""
        fields = {"pid": self.pid, "started_at_seconds": self.started_at_seconds, "boot": self.boot}
        write_atomically(path, json.dumps(fields))

    @classmethod
    def load(cls, path: Path) -> ProcessIdentity | None:
        """The identity written by `save`, or None when there is none that can be read."""
        try:
            fields = json.loads(path.read_text())
            return cls(int(fields["pid"]), float(fields["started_at_seconds"]), str(fields["boot"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


@cache
def _boot() -> str:
    """The kernel's name for this boot; empty where it has none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def _started_at(pid: int) -> float:
    """Seconds from the boot to the start of a process; where the kernel does not tell, the wall clock's. Raises
    psutil.NoSuchProcess."""
    if not _boot():
        return psutil.Process(pid).create_time()
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return int(told.rpartition(")")[2].split()[_STAT_START]) / os.sysconf("SC_CLK_TCK")


def write_atomically(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace `path` as a whole: a reader or a crash sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)


def spawn(
    arguments: Sequence[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, its output appended to `log`.

    The own session keeps a terminal's Ctrl-C away from it: the supervisor decides the order in which parts end.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_ROTATE_BYTES:
        log.replace(log.with_name(log.name + ".1"))
    with log.open("ab") as stream:
        return subprocess.Popen(
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=directory,
            user=user,
            group=None if user is None else _primary_group(user),
            extra_groups=None if user is None else [],
            start_new_session=True,
        )


def _primary_group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def wait_gone(identity: ProcessIdentity, timeout_seconds: float) -> bool:
    """Wait until the process ended; False when it still lives after the timeout. Reaps it when it is our child."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        gone = not identity.alive()
        # After that look: one that ended a moment before is reaped too. PostgreSQL takes a zombie for a living server.
        try:
            os.waitpid(identity.pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if gone:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)


def stop(identity: ProcessIdentity, steps: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Send each signal in turn and wait its seconds, until the process ended. True when it did.

    A stopped (SIGSTOP) process is continued first, otherwise it could not act on the signal.
    """
    for number, timeout_seconds in steps:
        process = identity.process()
        if process is None:
            break
        try:
            process.send_signal(number)
            if process.status() == psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGCONT)
        except psutil.NoSuchProcess:
            break
        if wait_gone(identity, timeout_seconds):
            return True
    return wait_gone(identity, 0)


def end_saved(files: Sequence[Path], number: signal.Signals, timeout_seconds: float = 30.0) -> bool:
    """End the processes whose identities these files keep, graceful first, all at once. True when one still lived."""
    living = [left for left in map(ProcessIdentity.load, files) if left is not None and left.alive()]
    for left in living:
        stop(left, [(number, 0.0)])
    for left in living:
        if not wait_gone(left, timeout_seconds):
            stop(left, [(signal.SIGKILL, 5.0)])
    for file in files:
        file.unlink(missing_ok=True)
    return bool(living)


def log_tail(log: Path, lines: int = 3) -> str:
    """The last lines of a log as one line, for an error message."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - 4096))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return "no log"
    return " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:]) or "empty log"
