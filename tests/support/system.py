"""A whole Rollcall of real processes for a test: its own home, division, ports and databases, ended by process id.

Every process is started from deploy/services.py with the same variables the supervisor gives it, but by hand, so that a
test may kill, stop and restart each one when it wants to. PostgreSQL and Kafka are the run's own, or, where a test
kills them, a pair that belongs to the system.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import random
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg

from deploy.broker import EmbeddedKafka
from deploy.local import declared_processes
from deploy.parts import ServiceProcess, healthy
from deploy.ports import free_port, is_taken
from deploy.postgres import EmbeddedPostgres
from deploy.processes import log_tail, wait_gone
from deploy.public_keys import publish
from deploy.secrets import Secrets
from deploy.spec import DATABASES, PROJECT, SECRETS, SERVICES, Installation, ProcessSpec
from deploy.topics import declared_topics, ensure_topics
from shared.hosting.service import Service
from shared.hosting.settings import Settings
from tests.support.callers import Callers
from tests.support.quiet import Quiet, StillMoving

READY_SECONDS = 120.0
PORTS_IN_A_ROW = 10
SECOND_OFFSET = 8


class NotReady(AssertionError):
    """A part did not come up in time; the message shows the end of its log."""


class System:
    """``start`` everything, then reach it through ``callers``. ``own_servers`` brings a PostgreSQL and a Kafka that
    this test may kill; otherwise the servers given are used, with databases and topics nobody else has. ``processes``
    are those of deploy/services.py unless given."""

    def __init__(
        self,
        postgres: EmbeddedPostgres | None = None,
        broker: EmbeddedKafka | None = None,
        processes: Sequence[ProcessSpec] = (),
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="rollcall-system-"))
        chance = random.SystemRandom()
        self.division = f"46{chance.randrange(10, 99)}{chance.randrange(21, 90)}"  # a county's own code
        self.port = _ports_in_a_row()
        self._owns_postgres, self._owns_broker = postgres is None, broker is None
        self.postgres = postgres or EmbeddedPostgres(self.home, free_port())
        self.broker = broker or EmbeddedKafka(self.home, free_port(), free_port())
        self.installation = Installation(self.home, self.port, self.division, "test")
        self.processes: dict[str, ServiceProcess] = {}
        self._specs = {spec.name: spec for spec in processes or declared_processes()}
        self._suffix = uuid.uuid4().hex[:8]
        self._quiet: Quiet | None = None
        self.callers: Callers

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> System:
        """Start servers and processes and wait until all are ready."""
        if self._owns_postgres:
            self.postgres.start()
        if self._owns_broker:
            self.broker.start()
        secrets = Secrets(self.home, production=False)
        for name in SECRETS:
            secrets.bytes(name)
        publish(self.home, self.division, secrets)
        ensure_topics(self.broker.bootstrap, declared_topics(self.division))
        for spec in self._specs.values():
            if spec.kind == "step":
                ServiceProcess(spec, self.installation, self.variables()).run_step()
            else:
                self.start_process(spec.name, wait=False)
        self.callers = Callers(self.division, self.port, secrets.bytes("jwt"))
        self.wait_ready()
        return self

    def stop(self) -> None:
        """End every process by its id, then the servers that are this system's own."""
        if hasattr(self, "callers"):
            self.callers.close()
        if self._quiet is not None:
            self._quiet.forget()
        for process in self.processes.values():
            process.ask_to_stop()
        for process in self.processes.values():
            process.stop()
        if self._owns_broker:
            self.broker.stop(timeout_seconds=5.0)
        if self._owns_postgres:
            self.postgres.stop(timeout_seconds=5.0)
        if not os.environ.get("ROLLCALL_KEEP_TEST_HOMES"):
            shutil.rmtree(self.home, ignore_errors=True)

    def variables(self, failpoint: str | None = None) -> dict[str, str]:
        """The environment of one process; ``failpoint`` is ``step:count``."""
        # Compiled modules are kept: a test that kills forty processes would else compile every library forty times.
        left_out = ("ROLLCALL_", "DATABASE_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        given = {
            "PYTHONPATH": str(PROJECT),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "ROLLCALL_HOME": str(self.home),
            "ROLLCALL_PORT": str(self.port),
            "ROLLCALL_DIVISION": self.division,
            "ROLLCALL_ENV": "test",
            "ROLLCALL_RATES": "off",  # many tests at once are one and the same clerk
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap,
            "ROLLCALL_ADMIN_DATABASE_URL": self.postgres.dsn(),
            "ROLLCALL_AGENCY_TOPICS": "-",  # systems share a broker, and these topics name no division
            **{f"DATABASE_URL_{name.upper()}": self.dsn(name) for name in DATABASES},
        }
        if failpoint is not None:
            given["ROLLCALL_FAILPOINT"] = failpoint
        return {**kept, **given}

    def dsn(self, service: str) -> str:
        """The superuser's address of a service's database (or of ``keys``)."""
        return self.postgres.dsn(f"rollcall_{service}_{self._suffix}")

    # -- processes ------------------------------------------------------------------------------------------------

    def start_process(self, name: str, *, failpoint: str | None = None, wait: bool = True) -> None:
        """Start a process that is not running, armed with a failpoint if one is given."""
        spec = self._specs[name]
        process = ServiceProcess(spec, self.installation, self.variables(failpoint))
        # A killed process is a zombie to its parent before its last thread has let go of the port.
        self.eventually(lambda: not is_taken(process.port or 0), f"the port of {name} is free")
        process.start()
        self.processes[name] = process
        if wait:
            self.wait_ready(name)

    def kill(self, name: str) -> None:
        """SIGKILL, and wait until it is gone."""
        self._signal(name, signal.SIGKILL)
        self.wait_gone(name)

    def restart(self, name: str, *, failpoint: str | None = None) -> None:
        """Kill it if it still runs and start it again, ready."""
        if self.processes[name].alive():
            self.kill(name)
        self.start_process(name, failpoint=failpoint)

    def freeze(self, name: str) -> None:
        """SIGSTOP: it keeps its sockets and its transactions and does nothing."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self._signal(name, signal.SIGCONT)

    def wait_gone(self, name: str, timeout_seconds: float = 30.0) -> None:
        """Until the process has ended, by whatever hand. Raises NotReady."""
        identity = self.processes[name].identity
        if identity is not None and not wait_gone(identity, timeout_seconds):
            raise NotReady(f"{name} still runs")

    def alive(self, name: str) -> bool:
        """Whether the process runs."""
        return self.processes[name].alive()

    def wait_ready(self, *names: str, timeout_seconds: float = READY_SECONDS) -> None:
        """Until these processes (default: all) answer /health/ready as themselves. Raises NotReady."""
        waiting = list(names or self.processes)
        deadline = time.monotonic() + timeout_seconds
        while waiting:
            for name in list(waiting):
                process = self.processes[name]
                if not process.alive():
                    raise NotReady(f"{name} ended: {log_tail(process.log, 12)}")
                if process.ready():
                    waiting.remove(name)
            if waiting and time.monotonic() > deadline:
                shown = "; ".join(f"{name}: {log_tail(self.processes[name].log, 5)}" for name in waiting)
                raise NotReady(f"not ready after {timeout_seconds:.0f} s: {shown}")
            if waiting:
                time.sleep(0.1)

    def start_second(self, name: str, *, wait: bool = True) -> str:
        """A second process of a service beside the first, sharing its partitions and waiting for its locks; its
        name, for the other methods. Raises NotReady."""
        second = f"{name}-second"
        spec = self._specs[name]
        self._specs[second] = dataclasses.replace(spec, name=second, port_offset=SECOND_OFFSET)
        self.start_process(second, wait=wait)
        return second

    def end_second(self, second: str) -> None:
        """End it by SIGTERM, in order."""
        self.processes.pop(second).stop()
        del self._specs[second]

    def tend(self) -> list[str]:
        """Start again whatever has ended, as the supervisor would, without waiting; the names of what had ended."""
        ended = [name for name, process in self.processes.items() if not process.alive()]
        for name in ended:
            self.start_process(name, wait=False)
        return ended

    def revive(self) -> None:
        """Tend until every process is ready. Raises NotReady."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self.tend()  # a process may give up itself while a server is away
            if all(process.alive() and healthy(process.port or 0) for process in self.processes.values()):
                return
            if time.monotonic() > deadline:
                self.wait_ready(timeout_seconds=0.1)
            time.sleep(0.1)

    def _signal(self, name: str, number: signal.Signals) -> None:
        identity = self.processes[name].identity
        living = identity.process() if identity is not None else None
        if living is not None:
            living.send_signal(number)

    # -- servers --------------------------------------------------------------------------------------------------

    def kill_postgres(self) -> None:
        """SIGKILL of the postmaster, as by the out-of-memory killer; its sessions end by themselves."""
        assert self._owns_postgres, "another test's server is not killed"
        _kill(self.postgres)

    def kill_kafka(self) -> None:
        """SIGKILL of the broker."""
        assert self._owns_broker, "another test's broker is not killed"
        _kill(self.broker)

    def start_postgres(self) -> None:
        """Start it again on its data, when its port is free."""
        self.eventually(lambda: not is_taken(self.postgres.port), "the port of PostgreSQL is free")
        self.postgres.start()

    def start_kafka(self) -> None:
        """Start it again on its data, when its ports are free."""
        ports = (self.broker.port, self.broker.controller_port)
        self.eventually(lambda: not any(is_taken(port) for port in ports), "the ports of Kafka are free")
        self.broker.start()

    def ask(self, service: str, query: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of a service's database, read as its superuser."""
        if self._quiet is None:
            run = {argument for spec in self._specs.values() for argument in spec.args}
            self._quiet = Quiet(self.dsn, self.variables(), [service for service in SERVICES if service in run])
        try:
            return self._quiet.ask(service, query, *values)
        except psycopg.OperationalError:  # the server was killed since the last question: ask the new one
            return self._quiet.ask(service, query, *values)

    def built(self, service: str) -> Service:
        """The service's parts in this process, as a command at the console would build them."""
        settings = Settings.from_environment(service, self.variables())
        built: Service = importlib.import_module(f"services.{service}.app").build(settings)
        return built

    def topic(self, service: str) -> str:
        """The topic of a service's log."""
        return f"rollcall.{self.division}.{service}.log"

    # -- quiet ----------------------------------------------------------------------------------------------------

    def settle(self, timeout_seconds: float = 60.0, quiet_seconds: float = 0.6) -> None:
        """Wait until nothing moves any more (:mod:`tests.support.quiet`). Raises StillMoving."""
        self.ask("registry", "SELECT 1")
        assert self._quiet is not None
        try:
            self._quiet.wait(timeout_seconds, quiet_seconds)
        except StillMoving as still:
            late = [name for name in self.processes if name in str(still)]
            for name in late:
                still.add_note(f"the end of the log of {name}:\n{log_tail(self.processes[name].log, 40)}")
            raise

    def eventually(self, met: Callable[[], bool], what: str, timeout_seconds: float = 30.0) -> None:
        """Until ``met`` is true. Raises AssertionError naming ``what``."""
        deadline = time.monotonic() + timeout_seconds
        while not met():
            if time.monotonic() > deadline:
                raise AssertionError(f"after {timeout_seconds:.0f} s still not: {what}")
            time.sleep(0.05)


def _kill(server: EmbeddedPostgres | EmbeddedKafka) -> None:
    identity = server.identity
    living = identity.process() if identity is not None else None
    if living is not None:
        living.send_signal(signal.SIGKILL)
    if identity is not None and not wait_gone(identity, 10.0):
        raise NotReady("the server survived SIGKILL")


def _ports_in_a_row() -> int:
    """A first port with nobody listening on it and on the ones after it, below those the kernel gives to clients."""
    chance = random.SystemRandom()
    while True:
        first = chance.randrange(12_000, 32_000)
        if not any(is_taken(port) for port in range(first, first + PORTS_IN_A_ROW)):
            return first
