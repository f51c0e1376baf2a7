"""Processes are recognised by pid and start time, and ended in bounded time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from deploy.processes import ProcessIdentity, end_saved, log_tail, spawn, stop, wait_gone, write_atomically

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def started(code: str, log: Path) -> ProcessIdentity:
    child = spawn([sys.executable, "-c", code], log)
    while not log.read_text():
        time.sleep(0.01)
    return ProcessIdentity.of(child.pid)


def test_a_process_with_the_same_pid_but_another_start_is_a_stranger(tmp_path: Path) -> None:
    own = ProcessIdentity.of(os.getpid())
    assert own.alive()
    stranger = replace(own, started_at_seconds=own.started_at_seconds - 10)
    assert not stranger.alive()
    assert stop(stranger, [(signal.SIGKILL, 1.0)]), "a stranger counts as ended and is left alone"
    own.save(tmp_path / "own.json")
    assert ProcessIdentity.load(tmp_path / "own.json") == own


def test_a_process_is_known_again_when_the_wall_clock_was_set_and_not_after_another_boot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine that slept or was corrected by NTP tells other start times; one that booted counts anew."""
    own = ProcessIdentity.of(os.getpid())
    told = psutil.Process.create_time
    monkeypatch.setattr(psutil.Process, "create_time", lambda process: told(process) + 1.0)
    assert own.alive()
    assert not replace(own, boot="another").alive()


def test_a_torn_identity_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "torn.json").write_text('{"pid": 1')
    assert ProcessIdentity.load(tmp_path / "torn.json") is None
    assert ProcessIdentity.load(tmp_path / "none.json") is None


def test_a_process_deaf_to_sigterm_is_killed_after_its_time(tmp_path: Path) -> None:
    identity = started(STUBBORN, tmp_path / "log")
    begun = time.monotonic()
    assert stop(identity, [(signal.SIGTERM, 0.3), (signal.SIGKILL, 5.0)])
    assert 0.3 <= time.monotonic() - begun < 4
    assert not identity.alive()


def test_a_stopped_process_can_still_be_ended(tmp_path: Path) -> None:
    identity = started("import time; print('up', flush=True); time.sleep(60)", tmp_path / "log")
    os.kill(identity.pid, signal.SIGSTOP)
    time.sleep(0.05)
    assert stop(identity, [(signal.SIGTERM, 5.0)])


def test_saved_processes_are_ended_and_their_files_removed(tmp_path: Path) -> None:
    identity = started(STUBBORN, tmp_path / "log")
    file = tmp_path / "run.json"
    identity.save(file)
    assert end_saved([file], signal.SIGTERM, timeout_seconds=0.2)
    assert not identity.alive()
    assert not file.exists()
    assert not end_saved([file], signal.SIGTERM)


def test_a_zombie_has_ended() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    identity = ProcessIdentity.of(child.pid)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive()
    child.wait()


def test_a_replaced_file_is_never_seen_half(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    write_atomically(path, "old")
    write_atomically(path, "new", mode=0o600)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_the_tail_of_a_log_fits_one_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\n\nsecond\nthird\nfourth\n")
    assert log_tail(log) == "second | third | fourth"
    assert log_tail(tmp_path / "none") == "no log"


def test_a_child_that_ends_while_it_is_looked_at_leaves_no_zombie(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    identity = ProcessIdentity.of(child.pid)
    truly_alive = ProcessIdentity.alive

    def ending(self: ProcessIdentity) -> bool:
        assert child.stdin is not None
        child.stdin.close()
        while truly_alive(self):
            time.sleep(0.01)
        return False

    monkeypatch.setattr(ProcessIdentity, "alive", ending)
    assert wait_gone(identity, 0)
    assert not psutil.pid_exists(identity.pid), "PostgreSQL would take it for a server that still runs"
    child.wait()
