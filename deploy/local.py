"""Starting, finding and ending the installation of one home; what the commands `up`, `down`, `demo` and `status` call.

python -m deploy.local      run the supervisor in this process, as `start_detached` does
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence

from deploy.errors import PartFailed, StartRefused
from deploy.processes import ProcessIdentity, end_saved, log_tail, spawn, stop
from deploy.spec import PROJECT, Installation, ProcessSpec
from deploy.state import State
from deploy.supervisor import Supervisor

START_TIMEOUT_SECONDS = 600.0
STOP_TIMEOUT_SECONDS = 120.0


def declared_processes() -> Sequence[ProcessSpec]:
    """The processes of deploy/services.py, or of the module named in ROLLCALL_PROCESSES (for tests and split roles)."""
    module = importlib.import_module(os.environ.get("ROLLCALL_PROCESSES") or "deploy.services")
    processes: Sequence[ProcessSpec] = module.PROCESSES
    return processes


def run_here(
    installation: Installation, say: Callable[[str], None], on_ready: Callable[[], None] | None = None
) -> None:
    """Supervise in this process until Ctrl-C or SIGTERM. Raises: StartRefused."""
    Supervisor(installation, declared_processes(), say).run(on_ready)


def running(installation: Installation) -> State | None:
    """The state of this home when its supervisor lives and all is started, else None."""
    state = State.load(installation.home)
    return state if state is not None and state.alive() and state.phase == "running" else None


def ensure_running(installation: Installation, say: Callable[[str], None]) -> State:
    """The running installation of this home, started in the background when it does not run yet.

    Waits for a start or a stop under way. Raises: StartRefused with the reason the supervisor gave.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    state = State.load(installation.home)
    while state is not None and state.alive() and state.phase == "stopping" and time.monotonic() < deadline:
        time.sleep(0.2)
        state = State.load(installation.home)
    if state is not None and state.alive():
        return _follow(installation, state.supervisor, say, deadline)
    log = installation.logs / "supervisor.log"
    variables = {
        **os.environ,
        "ROLLCALL_HOME": str(installation.home),
        "PYTHONPATH": str(PROJECT),
        "PYTHONSAFEPATH": "1",
    }
    child = spawn([sys.executable, "-m", "deploy.local"], log, variables, directory=PROJECT)
    return _follow(installation, ProcessIdentity.of(child.pid), say, deadline)


def bring_down(installation: Installation) -> bool:
    """End the supervisor and all it started, also what a killed one left behind. False when nothing ran.

    Raises: PartFailed when something of ours would not end.
    """
    state = State.load(installation.home)
    ran = state is not None and state.alive()
    if state is not None and ran:
        steps = [(signal.SIGTERM, STOP_TIMEOUT_SECONDS), (signal.SIGKILL, 5.0)]
        if not stop(state.supervisor, steps):
            raise PartFailed(f"the supervisor (process {state.supervisor.pid}) does not end")
    ran |= end_saved(sorted(installation.run.glob("*.json")), signal.SIGTERM)
    # After the services, so that nobody loses the server under its feet.
    ran |= end_saved([installation.home / "kafka" / "broker.pid.json"], signal.SIGTERM)
    ran |= end_saved([installation.home / "postgres" / "server.pid.json"], signal.SIGINT)
    (installation.home / "state.json").unlink(missing_ok=True)
    return ran


def _follow(
    installation: Installation, supervisor: ProcessIdentity, say: Callable[[str], None], deadline: float
) -> State:
    """Report progress until the supervisor says running. Raises: PartFailed."""
    said = ""
    while time.monotonic() < deadline:
        lives = supervisor.alive()
        state = State.load(installation.home)
        if state is not None and state.supervisor == supervisor:
            if state.phase == "running":
                return state
            if state.phase == "failed":
                raise PartFailed(state.message)
            if state.message != said:
                said = state.message
                say(said)
        if not lives:
            break
        time.sleep(0.1)
    log = installation.logs / "supervisor.log"
    raise PartFailed(f"the start did not finish ({log_tail(log, 1)}); see {log}")


def main() -> None:
    """Run the supervisor for the home in the environment, its progress on standard error."""

    def say(line: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        sys.stderr.write(f"{stamp} {line}\n")
        sys.stderr.flush()

    try:
        run_here(Installation.from_environment(), say)
    except StartRefused as refused:
        say(f"refused: {refused}")
        sys.exit(1)


if __name__ == "__main__":
    main()
