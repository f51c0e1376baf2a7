"""A whole installation on real processes: start, crash, recovery, end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy import local
from deploy.errors import AlreadyRunning, PartFailed
from deploy.ports import is_taken
from deploy.processes import ProcessIdentity
from deploy.spec import KAFKA_OFFSET, POSTGRES_OFFSET, PROJECT, SECRETS, Installation
from deploy.state import PartState, State
from deploy.status import gather
from deploy.supervisor import Supervisor

WAIT_SECONDS = 60.0


def eventually(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition, bounded."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def free_range() -> int:
    """A base port whose whole range nobody uses."""
    for base in range(21000, 60000, 100):
        if not any(is_taken(base + offset) for offset in (0, 1, POSTGRES_OFFSET, KAFKA_OFFSET, KAFKA_OFFSET + 1)):
            return base
    raise AssertionError("no free range of ports")


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """A home of its own, brought down whatever happened."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-up-"))
    found = Installation(home=home, port=free_range())
    settings = {
        "ROLLCALL_PROCESSES": "tests.deploy.sample_processes",
        "ROLLCALL_HOME": str(home),
        "ROLLCALL_PORT": str(found.port),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield found
        local.bring_down(found)
    shutil.rmtree(home, ignore_errors=True)


def part(installation: Installation, name: str) -> PartState:
    """A part as the state file shows it."""
    state = State.load(installation.home)
    assert state is not None
    return next(each for each in state.parts if each.name == name)


def test_up_starts_everything_and_a_second_up_finds_it(installation: Installation) -> None:
    lines: list[str] = []
    state = local.ensure_running(installation, lines.append)
    assert [each.name for each in state.parts] == ["postgres", "kafka", "portal", "registry"]
    assert all(each.state == "ready" for each in state.parts)
    assert "Starting PostgreSQL" in lines
    assert local.ensure_running(installation, lines.append).supervisor == state.supervisor
    with pytest.raises(AlreadyRunning):
        Supervisor(installation, local.declared_processes()).run()


def test_status_names_each_process_and_the_figures_it_reports(installation: Installation) -> None:
    local.ensure_running(installation, lambda line: None)
    report = gather(installation)
    assert report.ready
    assert {figure.name for figure in report.figures} == {"dead letters (projection=roster)"}
    assert {figure.value for figure in report.figures} == {3.0}
    assert all((each.memory_bytes or 0) > 1_000_000 for each in report.parts)


@pytest.mark.parametrize("name", ["registry", "kafka", "postgres"])
def test_a_killed_part_comes_back_on_the_same_port(installation: Installation, name: str) -> None:
    local.ensure_running(installation, lambda line: None)
    before = part(installation, name)
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    eventually(lambda: part(installation, name).restarts > before.restarts)
    eventually(lambda: part(installation, name).state == "ready")
    after = part(installation, name)
    assert after.pid != before.pid
    assert after.port == before.port


def test_what_a_killed_supervisor_left_running_is_taken_over(installation: Installation) -> None:
    state = local.ensure_running(installation, lambda line: None)
    orphans = [ProcessIdentity.of(each.pid) for each in state.parts if each.pid is not None]
    os.kill(state.supervisor.pid, signal.SIGKILL)
    eventually(lambda: not state.alive())
    assert all(orphan.alive() for orphan in orphans)
    assert gather(installation).phase == "not running"
    recovered = local.ensure_running(installation, lambda line: None)
    assert not any(orphan.alive() for orphan in orphans)
    assert all(each.state == "ready" for each in recovered.parts)


def test_the_secrets_are_there_before_the_services_and_only_their_owner_reads_them(installation: Installation) -> None:
    local.ensure_running(installation, lambda line: None)
    made = {path.name: path.stat().st_mode & 0o777 for path in (installation.home / "secrets").iterdir()}
    assert set(made) == {*SECRETS, "postgres"}
    assert set(made.values()) == {0o600}


def test_down_ends_every_process_and_frees_every_port(installation: Installation) -> None:
    state = local.ensure_running(installation, lambda line: None)
    identities = [ProcessIdentity.of(each.pid) for each in state.parts if each.pid is not None]
    assert local.bring_down(installation)
    assert not any(identity.alive() for identity in identities)
    assert not any(is_taken(each.port) for each in state.parts if each.port is not None)
    assert not local.bring_down(installation)


def test_a_taken_port_is_refused_before_anything_starts_and_names_its_holder(installation: Installation) -> None:
    local.bring_down(installation)
    held = installation.port + 1
    expected = rf"port {held} \(registry\) is held by process {os.getpid()}"
    with socket.create_server(("127.0.0.1", held)), pytest.raises(PartFailed, match=expected):
        local.ensure_running(installation, lambda line: None)
    assert not is_taken(installation.port + POSTGRES_OFFSET)


def test_ctrl_c_in_the_foreground_ends_all_in_order(installation: Installation) -> None:
    local.bring_down(installation)
    command = [sys.executable, "-m", "cli.main", "up"]
    child = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        eventually(lambda: local.running(installation) is not None)
        state = local.running(installation)
        assert state is not None
        child.send_signal(signal.SIGINT)
        assert child.wait(WAIT_SECONDS) == 0
        assert not any(is_taken(each.port) for each in state.parts if each.port is not None)
        assert State.load(installation.home) is None
    finally:
        child.kill()
        child.wait()
