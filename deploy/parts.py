"""The parts a supervisor keeps alive, the two embedded servers and the service processes, behind one interface."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from deploy import ports
from deploy.errors import PartFailed
from deploy.processes import ProcessIdentity, log_tail, spawn, stop, wait_gone
from deploy.spec import PROJECT, Installation, ProcessSpec

STOP_TIMEOUT_SECONDS = 15.0
STEP_TIMEOUT_SECONDS = 120.0
HEALTH_TIMEOUT_SECONDS = 4.0  # longer than a service's own checks may take


class Part(Protocol):
    """A server or service that is started, watched and stopped."""

    identity: ProcessIdentity | None

    def start(self) -> None:
        """Start it. Raises: StartRefused."""

    def alive(self) -> bool:
        """Whether its process runs."""

    def stop(self) -> None:
        """End it in order; harmless when it does not run."""


class ServiceProcess:
    """One Python process of the system."""

    def __init__(self, spec: ProcessSpec, installation: Installation, variables: Mapping[str, str]) -> None:
        self.spec = spec
        self.port = installation.port_of(spec)
        self.log: Path = installation.logs / f"{spec.name}.log"
        self.identity: ProcessIdentity | None = None
        self._asked_to_stop = False
        self._identity_file = installation.run / f"{spec.name}.json"
        self._variables = {**variables, **spec.environment, "ROLLCALL_PROCESS": spec.name}
        self._variables["ROLLCALL_ROLES"] = ",".join(spec.roles)
        if self.port is not None:
            self._variables["ROLLCALL_LISTEN_PORT"] = str(self.port)

    def start(self) -> None:
        """Spawn the process; it is not ready yet (see `ready`). Raises: PortTaken."""
        if self.port is not None:
            ports.require_free(self.port, self.spec.name)
        arguments = [argument.format(port=self.port) for argument in self.spec.args]
        command = [sys.executable, "-m", self.spec.module, *arguments]
        child = spawn(command, self.log, self._variables, directory=PROJECT)
        self.identity = ProcessIdentity.of(child.pid)
        self.identity.save(self._identity_file)

    def run_step(self) -> None:
        """Run a step to its end. Raises: PartFailed when it ends with another code than 0 or takes too long."""
        arguments = [argument.format(port=self.port) for argument in self.spec.args]
        child = spawn(
            [sys.executable, "-m", self.spec.module, *arguments], self.log, self._variables, directory=PROJECT
        )
        self.identity = ProcessIdentity.of(child.pid)
        self.identity.save(self._identity_file)
        try:
            code: int | None = child.wait(STEP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            self.stop()
        if code != 0:
            raise PartFailed(f"{self.spec.name} failed ({log_tail(self.log)}); see {self.log}")

    def alive(self) -> bool:
        """Whether its process runs."""
        return self.identity is not None and not wait_gone(self.identity, 0)

    def ready(self) -> bool:
        """Whether our own process, not somebody else's, answers /health/ready with 200."""
        if self.identity is None or not self.alive():
            return False
        if self.port is None:
            return True
        return healthy(self.port) and ports.listens(self.identity.pid, self.port)

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after the timeout."""
        self.ask_to_stop()
        self._asked_to_stop = False
        if self.identity is not None:
            wait_gone(self.identity, STOP_TIMEOUT_SECONDS)
            stop(self.identity, [(signal.SIGKILL, 5.0)])
        self.identity = None
        self._identity_file.unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        """SIGTERM without waiting, so that all services end together; sent once, since a second one means haste."""
        if self.identity is not None and not self._asked_to_stop:
            self._asked_to_stop = True
            stop(self.identity, [(signal.SIGTERM, 0.0)])


def healthy(port: int, path: str = "/health/ready") -> bool:
    """Whether the loopback port answers the path with 200 within the timeout."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=HEALTH_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
