"""One supervisor per home: ordered start, health, restarts with bounded backoff, ordered end.

Order: PostgreSQL, its databases, Kafka, its topics, then the processes of services.py; the end runs backwards.
A crashed part is started again after 0.5 s, then after twice as long each time up to 30 s; a part that stayed up for a
minute starts anew at 0.5 s. The whole state is in `<home>/state.json`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from deploy.broker import EmbeddedKafka
from deploy.errors import AlreadyRunning, DiskTooFull, PartFailed, StartRefused
from deploy.guarding import OF_ONE_PROCESS, ensure_guard, guard_of, outside_administrator
from deploy.parts import Part, ServiceProcess
from deploy.ports import require_free
from deploy.postgres import EmbeddedPostgres
from deploy.processes import ProcessIdentity, end_saved
from deploy.public_keys import publish
from deploy.secrets import Secrets
from deploy.spec import (
    KAFKA_CONTROLLER_OFFSET,
    KAFKA_OFFSET,
    POSTGRES_OFFSET,
    PROJECT,
    SECRETS,
    Installation,
    ProcessSpec,
)
from deploy.state import PartState, Phase, State
from deploy.topics import asked_for, declared_agency_topics, declared_topics, ensure_topics
from shared.hosting.settings import agency_topics

NEEDED_FREE_BYTES = 2 * 1024**3
READY_TIMEOUT_SECONDS = 180.0
START_ATTEMPTS = 3
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 60.0
WATCH_INTERVAL_SECONDS = 0.25


class StopRequested(Exception):
    """A signal asked to stop while the start was under way."""


@dataclass
class Watched:
    """A part and its history under this supervisor."""

    name: str
    part: Part
    port: int | None
    ready: bool = False
    restarts: int = 0
    started_at_seconds: float = 0.0
    backoff_seconds: float = FIRST_BACKOFF_SECONDS
    restart_at_seconds: float | None = None

    def state(self) -> PartState:
        """For state.json."""
        pid = self.part.identity.pid if self.part.identity else None
        if self.restart_at_seconds is not None:
            return PartState(self.name, None, self.port, "restarting", self.restarts)
        return PartState(self.name, pid, self.port, "ready" if self.ready else "starting", self.restarts)


class Supervisor:
    """Runs an installation in this process until a signal or `request_stop`."""

    def __init__(
        self, installation: Installation, specs: Sequence[ProcessSpec], say: Callable[[str], None] | None = None
    ) -> None:
        self.installation = installation
        self.specs = specs
        self.watched: list[Watched] = []
        self.kafka_bootstrap: str | None = installation.outside_kafka
        self._say = say or (lambda line: None)
        self._stop = threading.Event()
        self._starting = False
        self._phase: Phase = "starting"
        self._message = ""
        self._saved: State | None = None

    def run(self, on_ready: Callable[[], None] | None = None) -> None:
        """Start everything, call `on_ready`, keep it alive, end it. Raises: StartRefused."""
        with self._exclusive(), self._signals():
            try:
                self._starting = True
                self._start()
                self._starting = False
                self._progress("running", f"Running: {self.installation.page}")
                if on_ready is not None:
                    on_ready()
                self._watch()
            except StopRequested:
                pass
            except StartRefused as refused:
                self._starting = False
                self._end()
                self._progress("failed", str(refused))
                raise
            finally:
                self._starting = False
                if self._phase != "failed":
                    self._end()
                    self._forget_state()

    def request_stop(self) -> None:
        """Ask `run` to end everything and return."""
        self._stop.set()

    # --- start

    def _start(self) -> None:
        installation = self.installation
        free_bytes = shutil.disk_usage(installation.home).free
        if free_bytes < NEEDED_FREE_BYTES:
            raise DiskTooFull(f"only {free_bytes / 1024**3:.1f} GB free at {installation.home}; 2 GB are needed")
        postgres, kafka = self._embedded_parts()
        self._end_leftovers(postgres, kafka)
        self._require_ports()
        self._make_secrets()
        if postgres is not None:
            self._progress("starting", "Starting PostgreSQL")
            self._start_part("postgres", postgres, postgres.port)
        if kafka is not None:
            self._progress("starting", "Starting Kafka")
            self._start_part("kafka", kafka, kafka.port)
            self.kafka_bootstrap = kafka.bootstrap
        self._prepare_kafka(kafka)
        self._start_services(self._service_variables(postgres))

    def _prepare_kafka(self, kafka: EmbeddedKafka | None) -> None:
        """Topics, and where the brokers ask who speaks, principals with their rights."""
        installation, secrets = self.installation, self._secrets()
        asked = agency_topics(os.environ)
        administrator = (
            kafka.administrator if kafka is not None else outside_administrator(os.environ, installation, secrets)
        )
        ensure_topics(administrator, [*declared_topics(installation.division), *declared_agency_topics(asked)])
        ensure_guard(administrator, installation, asked_for(asked), secrets)

    def _secrets(self) -> Secrets:
        return Secrets(self.installation.home, production=self.installation.environment == "production")

    def _embedded_parts(self) -> tuple[EmbeddedPostgres | None, EmbeddedKafka | None]:
        home, port = self.installation.home, self.installation.port
        postgres = kafka = None
        if not self.installation.outside_databases:
            postgres = EmbeddedPostgres(home, port + POSTGRES_OFFSET)
        if not self.installation.outside_kafka:
            tell = self._tell
            guard = guard_of(self.installation, self._secrets())
            kafka = EmbeddedKafka(home, port + KAFKA_OFFSET, port + KAFKA_CONTROLLER_OFFSET, guard=guard, progress=tell)
        return postgres, kafka

    def _make_secrets(self) -> None:
        """Before the processes start, so that none of them has to; in production a missing one is refused here."""
        secrets = self._secrets()
        for name in SECRETS:
            secrets.bytes(name)
        if os.environ.get("ROLLCALL_OIDC_ISSUER"):
            secrets.text("oidc-client")
        publish(self.installation.home, self.installation.division, secrets)

    def _end_leftovers(self, postgres: EmbeddedPostgres | None, kafka: EmbeddedKafka | None) -> None:
        """End, in order, what a killed supervisor left running: its processes hold our ports and data folders."""
        end_saved(sorted(self.installation.run.glob("*.json")), signal.SIGTERM)
        for part in (kafka, postgres):
            if part is not None:
                part.end_leftover()

    def _require_ports(self) -> None:
        """Look at every port before anything is started, so that a refusal leaves nothing to undo."""
        for spec in self.specs:
            port = self.installation.port_of(spec)
            if port is not None:
                require_free(port, spec.name)

    def _start_part(self, name: str, part: Part, port: int | None) -> Watched:
        watched = Watched(name, part, port, started_at_seconds=time.monotonic())
        self.watched.append(watched)
        part.start()
        watched.ready = not isinstance(part, ServiceProcess)
        return watched

    def _start_services(self, variables: dict[str, str]) -> None:
        """Start the services between two steps together, and wait for all of them before the next step."""
        batch: list[Watched] = []
        for spec in self.specs:
            process = ServiceProcess(spec, self.installation, variables)
            if spec.kind == "step":
                self._wait_ready(batch)
                batch = []
                self._progress("starting", f"Running {spec.name}")
                process.run_step()
            else:
                self._progress("starting", f"Starting {spec.name}")
                batch.append(self._start_part(spec.name, process, process.port))
        self._wait_ready(batch)

    def _wait_ready(self, batch: Sequence[Watched]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while waiting := [each for each in batch if not each.ready]:
            for each in waiting:
                process = each.part
                assert isinstance(process, ServiceProcess)
                if not process.alive():
                    each.restarts += 1
                    if each.restarts >= START_ATTEMPTS:
                        raise PartFailed(f"{each.name} does not start; see {process.log}")
                    process.start()
                each.ready = process.ready()
            if time.monotonic() > deadline:
                names = ", ".join(each.name for each in waiting)
                raise PartFailed(
                    f"not ready after {READY_TIMEOUT_SECONDS:.0f} s: {names}; see {self.installation.logs}"
                )
            left = sum(not each.ready for each in batch)
            if left:
                self._progress("starting", f"Waiting for {left} of {len(batch)} processes")
                time.sleep(0.1)

    def _service_variables(self, postgres: EmbeddedPostgres | None) -> dict[str, str]:
        installation = self.installation
        variables = {
            # Each service speaks to Kafka as itself, never as whoever started it.
            **{name: value for name, value in os.environ.items() if name not in OF_ONE_PROCESS},
            "PYTHONPATH": str(PROJECT),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
            "ROLLCALL_HOME": str(installation.home),
            "ROLLCALL_PORT": str(installation.port),
            "ROLLCALL_DIVISION": installation.division,
            "ROLLCALL_ENV": installation.environment,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap or "",
        }
        if postgres is not None:
            variables["ROLLCALL_ADMIN_DATABASE_URL"] = postgres.dsn()
        return variables

    # --- watch

    def _watch(self) -> None:
        while not self._stop.wait(WATCH_INTERVAL_SECONDS):
            for each in self.watched:
                if self._stop.is_set():
                    return
                self._look_after(each)
            self._save_state()

    def _look_after(self, each: Watched) -> None:
        now = time.monotonic()
        if each.restart_at_seconds is not None:
            if now >= each.restart_at_seconds:
                self._restart(each)
        elif not each.part.alive():
            if now - each.started_at_seconds > STEADY_SECONDS:
                each.backoff_seconds = FIRST_BACKOFF_SECONDS
            self._schedule_restart(each, "ended unexpectedly")
        elif isinstance(each.part, ServiceProcess) and not each.ready:
            each.ready = each.part.ready()

    def _schedule_restart(self, each: Watched, reason: str) -> None:
        each.ready = False
        each.restart_at_seconds = time.monotonic() + each.backoff_seconds
        self._tell(f"{each.name} {reason}; next start in {each.backoff_seconds:g} s")
        each.backoff_seconds = min(each.backoff_seconds * 2, LONGEST_BACKOFF_SECONDS)

    def _restart(self, each: Watched) -> None:
        each.restarts += 1
        each.restart_at_seconds = None
        try:
            each.part.start()
        except StartRefused as refused:
            self._schedule_restart(each, f"did not start: {refused}")
            return
        each.started_at_seconds = time.monotonic()
        each.ready = not isinstance(each.part, ServiceProcess)

    # --- end

    def _end(self) -> None:
        """Services together, then Kafka, then PostgreSQL: nobody loses the server under its feet."""
        if not self.watched:
            return
        self._progress("stopping", "Stopping")
        for each in self.watched:
            if isinstance(each.part, ServiceProcess):
                each.part.ask_to_stop()
        for each in reversed(self.watched):
            each.part.stop()
        self.watched.clear()

    # --- state, lock, signals

    def _progress(self, phase: Phase, message: str) -> None:
        self._phase = phase
        if message != self._message:
            self._message = message
            self._say(message)
        self._save_state()

    def _tell(self, line: str) -> None:
        self._say(line)

    def _save_state(self) -> None:
        state = State(
            supervisor=ProcessIdentity.of(os.getpid()),
            phase=self._phase,
            message=self._message,
            port=self.installation.port,
            page=self.installation.page,
            kafka_bootstrap=self.kafka_bootstrap,
            parts=tuple(each.state() for each in self.watched),
        )
        if state != self._saved:
            state.save(self.installation.home)
            self._saved = state

    def _forget_state(self) -> None:
        (self.installation.home / "state.json").unlink(missing_ok=True)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        home = self.installation.home
        home.mkdir(parents=True, exist_ok=True)
        with (home / "supervisor.lock").open("a") as guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(f"{home} is already running; see ./rollcall status, or ./rollcall down") from None
            yield

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT, SIGTERM and SIGHUP ask to stop; during the start they interrupt it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: FrameType | None) -> None:
            self._stop.set()
            if self._starting:
                self._starting = False
                raise StopRequested

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        former = {number: signal.signal(number, ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
