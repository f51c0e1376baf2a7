"""One embedded Apache Kafka node (KRaft, broker and controller in one process) on the loopback address."""

from __future__ import annotations

import base64
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy import ports
from deploy.class_archive import ClassArchive, archive_folder
from deploy.errors import PartFailed
from deploy.jars import classpath
from deploy.java import find_java, java_version
from deploy.processes import ProcessIdentity, log_tail, spawn, stop, write_atomically
from shared.messaging.brokers import MECHANISM, Brokers

START_TIMEOUT_SECONDS = 90.0
HEAP_MEBIBYTES = 256

SETTINGS: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENTS",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    # A topic that appears by accident would have the wrong partition count for ever.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # The cleaner's default buffer is half of this broker's heap.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.cleaner.io.buffer.size": "131072",
    "controlled.shutdown.enable": "false",
    # A killed broker is refused until its old session ends (default 9 s).
    "broker.session.timeout.ms": "5000",
    "broker.heartbeat.interval.ms": "1000",
}

JVM_FLAGS = (
    f"-Xmx{HEAP_MEBIBYTES}m",
    "-Xms64m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:MaxDirectMemorySize=128m",
    "-XX:ReservedCodeCacheSize=96m",
    "-XX:MaxMetaspaceSize=160m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


@dataclass(frozen=True)
class Guard:
    """The passwords by which a guarded broker is run: its administrator's, and that of its own controller."""

    administrator: str
    password: str = field(repr=False)
    controller_password: str = field(repr=False)

    def settings(self) -> dict[str, str]:
        """Everybody proves who they are by SCRAM and does what their rights allow. Only the administrator may also come
        by a plain password, on the loopback address: it is the one who makes the SCRAM users, so it is known before."""
        controller = (
            f'username="controller" password="{self.controller_password}" user_controller="{self.controller_password}"'
        )
        plain = f'user_{self.administrator}="{self.password}"'
        scram = f'username="{self.administrator}" password="{self.password}"'
        clients = "listener.name.clients"
        return {
            "listener.security.protocol.map": "CONTROLLER:SASL_PLAINTEXT,CLIENTS:SASL_PLAINTEXT",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": f"{_PLAIN} required {controller};",
            f"{clients}.sasl.enabled.mechanisms": f"{MECHANISM},PLAIN",
            f"{clients}.plain.sasl.jaas.config": f"{_PLAIN} required {scram} {plain};",
            f"{clients}.{MECHANISM.lower()}.sasl.jaas.config": f"{_SCRAM} required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:controller;User:{self.administrator}",
            "allow.everyone.if.no.acl.found": "false",
        }


_OPEN = {"listener.security.protocol.map": "CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT"}
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"


class EmbeddedKafka:
    """The broker of one home. `bootstrap` is valid from the start on; `start` is idempotent per process. Without a
    `guard` it asks nobody who they are: it listens on the loopback address alone."""

    def __init__(
        self,
        home: Path,
        port: int,
        controller_port: int,
        *,
        guard: Guard | None = None,
        settings: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self.home = home / "kafka"
        self.port = port
        self.controller_port = controller_port
        self.data = self.home / "data"
        self.log = self.home / "logs" / "broker.log"
        self.identity: ProcessIdentity | None = None
        self._guard = guard
        self._settings = {**SETTINGS, **(_OPEN if guard is None else guard.settings()), **(settings or {})}
        self._progress = progress
        self._archive: ClassArchive | None = None
        self._properties = self.home / "server.properties"
        self._identity_file = self.home / "broker.pid.json"

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients."""
        return f"{ports.LOOPBACK}:{self.port}"

    @property
    def administrator(self) -> Brokers:
        """The broker as its administrator speaks to it."""
        if self._guard is None:
            return Brokers(self.bootstrap)
        user, password = self._guard.administrator, self._guard.password
        return Brokers(self.bootstrap, "SASL_PLAINTEXT", user, password, mechanism="PLAIN")

    def start(self) -> None:
        """Format the storage once, start, and return when the broker we started answers.

        A broker left over from a run that was killed is ended first.
        Raises: PortTaken, JavaMissing, DownloadFailed, PartFailed.
        """
        self.end_leftover()
        ports.require_free(self.port, "Kafka")
        ports.require_free(self.controller_port, "Kafka controller")
        java = find_java()
        jars = classpath(self._progress)
        write_atomically(self._properties, self._server_properties(), 0o600)
        command = [str(java), *self._jvm_flags(java), "-cp", jars]
        self._archive = ClassArchive(archive_folder(), java, jars)
        if not (self.data / "meta.properties").exists():
            self._format([command[0], *self._archive.reading_flags(), *command[1:]])
        command[1:1] = self._archive.flags()
        child = spawn([*command, "kafka.Kafka", str(self._properties)], self.log, directory=self.home)
        self.identity = ProcessIdentity.of(child.pid)
        self.identity.save(self._identity_file)
        self._wait_ready(child)

    def alive(self) -> bool:
        """Whether the broker process runs."""
        return self.identity is not None and self.identity.alive()

    def stop(self, timeout_seconds: float = 20.0) -> None:
        """Flush and close the logs; after the timeout, leave the rest to log recovery."""
        if self.identity is not None:
            in_order = stop(self.identity, [(signal.SIGTERM, timeout_seconds)])
            if not in_order:
                stop(self.identity, [(signal.SIGKILL, 5.0)])
            if self._archive is not None:
                self._archive.keep() if in_order else self._archive.discard()
        self._archive = None
        self.identity = None
        self._identity_file.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """Stop the broker a former run of this home left behind, if it still lives."""
        left = ProcessIdentity.load(self._identity_file)
        if left is not None and left.alive():
            self.identity = left
            self.stop()

    def cluster_id(self) -> str | None:
        """The id written when the storage was formatted: a new data folder is a new cluster to whoever kept offsets."""
        try:
            lines = (self.data / "meta.properties").read_text().splitlines()
        except FileNotFoundError:
            return None
        return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)

    def _server_properties(self) -> str:
        host = ports.LOOPBACK
        values = {
            **self._settings,
            "listeners": f"CLIENTS://{host}:{self.port},CONTROLLER://{host}:{self.controller_port}",
            "advertised.listeners": f"CLIENTS://{host}:{self.port}",
            "controller.quorum.voters": f"1@{host}:{self.controller_port}",
            "log.dirs": str(self.data),
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())

    def _jvm_flags(self, java: Path) -> list[str]:
        # Newer runtimes warn about the memory access that Kafka's native codecs use.
        late = ["--enable-native-access=ALL-UNNAMED"] if (java_version(java) or 0) >= 22 else []
        return [*JVM_FLAGS, *late, f"-XX:ErrorFile={self.log.with_name('crash.log')}"]

    def _format(self, command: list[str]) -> None:
        """Write meta.properties; a format cut short is simply done again (`--ignore-formatted`)."""
        self.data.mkdir(parents=True, exist_ok=True)
        arguments = ["format", "-t", _new_cluster_id(), "-c", str(self._properties), "--ignore-formatted"]
        done = subprocess.run(
            [*command, "kafka.tools.StorageTool", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.home,
        )
        if done.returncode != 0:
            said = " | ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
            raise PartFailed(f"Kafka's storage could not be formatted: {said}")

    def _wait_ready(self, child: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise PartFailed(f"Kafka ended with {child.returncode} ({log_tail(self.log)}); see {self.log}")
            if ports.listens(child.pid, self.port) and self._answers():
                return
            time.sleep(0.1)
        self.stop(timeout_seconds=5.0)
        raise PartFailed(f"Kafka was not ready after {START_TIMEOUT_SECONDS:.0f} s; see {self.log}")

    def _answers(self) -> bool:
        """Whether the broker names itself in its cluster's metadata; a listener alone is open before that."""
        from kafka.admin import KafkaAdminClient
        from kafka.errors import KafkaError

        try:
            admin = KafkaAdminClient(**self.administrator.options(), request_timeout_ms=5000)
        except KafkaError:
            return False
        try:
            cluster = admin.describe_cluster()
        except KafkaError:
            return False
        finally:
            admin.close()
        return bool(cluster.get("brokers")) and cluster.get("cluster_id") == self.cluster_id()


def _new_cluster_id() -> str:
    """22 characters of URL-safe base64 over 16 random bytes, the form Kafka demands; never starting with a hyphen."""
    return "R" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]
