"""What one installation consists of: its settings from the environment and the processes that serve it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deploy.errors import StartRefused
from shared.messaging.brokers import PROTOCOLS

PROJECT = Path(__file__).resolve().parent.parent

SERVICES = ("access", "registry", "matching", "disbursement", "visits", "notifications")
# Each makes its own database under the server's owner; `keys` holds the per-person keys apart from what they open.
DATABASES = (*SERVICES, "audit", "keys")
# Key-encryption key, signing key of the demo issuer, a key per service for its stream ids and command bodies; the keys
# that sign each log's checkpoints, the witness's own, and what it shows when it reads a store.
SECRETS = (
    *("kek", "jwt", "witness", "store-reading"),
    # What signs tokens; how the page proves whom it speaks for; what `./rollcall accounts` shows.
    *("access-signing", "access-portal", "access-operator"),
    *(f"hmac-{service}" for service in (*SERVICES, "audit", "portal")),
    *(f"log-{service}" for service in (*SERVICES, "audit")),
)
ENVIRONMENTS = ("demo", "test", "production")

# Ports relative to ROLLCALL_PORT. The page is 0, services stay below FIRST_PART_OFFSET.
FIRST_PART_OFFSET = 90
POSTGRES_OFFSET = 90
KAFKA_OFFSET = 92
KAFKA_CONTROLLER_OFFSET = 93


@dataclass(frozen=True)
class ProcessSpec:
    """One process of the system, run as `python -m module args`.

    name         unique; names its log and pid file
    module       the module to run
    args         its arguments; `{port}` stands for its port
    port_offset  its HTTP port relative to ROLLCALL_PORT (0 = page), also in ROLLCALL_LISTEN_PORT; None: it serves
                 none and counts as ready while it runs
    roles        what it does (api, sequencer, relay, processor …), comma-joined in ROLLCALL_ROLES
    kind         "service" runs until stopped; "step" (a migration) must end with 0 before what follows it is started
    environment  further variables
    """

    name: str
    module: str
    args: tuple[str, ...] = ()
    port_offset: int | None = None
    roles: tuple[str, ...] = ()
    kind: Literal["service", "step"] = "service"
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            raise ValueError(f"not a process name: {self.name!r}")
        if self.port_offset is not None and not 0 <= self.port_offset < FIRST_PART_OFFSET:
            raise ValueError(f"{self.name}: port_offset must be in 0..{FIRST_PART_OFFSET - 1}")


@dataclass(frozen=True)
class Installation:
    """The settings of one installation; one installation is one division (county or city)."""

    home: Path
    port: int = 8000
    division: str = "469080"
    environment: str = "demo"
    outside_kafka: str | None = None
    kafka_protocol: str = "PLAINTEXT"
    outside_databases: bool = False

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None) -> Installation:
        """Read ROLLCALL_* and the two switches to outside servers.

        Raises: StartRefused for a value that cannot be meant.
        """
        given = os.environ if variables is None else variables
        port = given.get("ROLLCALL_PORT") or "8000"
        if not port.isdecimal() or not 1024 <= int(port) <= 65000:
            raise StartRefused(f"ROLLCALL_PORT is {port!r}; give a number from 1024 to 65000")
        division = given.get("ROLLCALL_DIVISION") or "469080"
        if not re.fullmatch(r"[1-9]\d{5}", division):
            raise StartRefused(f"ROLLCALL_DIVISION is {division!r}; give a six-digit division code (GB/T 2260)")
        environment = given.get("ROLLCALL_ENV") or "demo"
        if environment not in ENVIRONMENTS:
            raise StartRefused(f"ROLLCALL_ENV is {environment!r}; give one of {', '.join(ENVIRONMENTS)}")
        protocol = given.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT"
        if protocol not in PROTOCOLS:
            raise StartRefused(f"KAFKA_SECURITY_PROTOCOL is {protocol!r}; give one of {', '.join(PROTOCOLS)}")
        each_given = all(given.get(f"DATABASE_URL_{name.upper()}") for name in DATABASES)
        return cls(
            home=Path(given.get("ROLLCALL_HOME") or PROJECT / ".rollcall").absolute(),
            port=int(port),
            division=division,
            environment=environment,
            outside_kafka=given.get("KAFKA_BOOTSTRAP_SERVERS") or None,
            kafka_protocol=protocol,
            outside_databases=bool(given.get("ROLLCALL_ADMIN_DATABASE_URL")) or each_given,
        )

    @property
    def page(self) -> str:
        """The portal's address."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def logs(self) -> Path:
        """Folder of the processes' logs."""
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Folder of the processes' identities."""
        return self.home / "run"

    def port_of(self, spec: ProcessSpec) -> int | None:
        """The HTTP port of a process, or None when it serves none."""
        return None if spec.port_offset is None else self.port + spec.port_offset
