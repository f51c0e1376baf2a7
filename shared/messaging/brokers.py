"""Where Kafka is and as whom to speak to it: the same few settings for both clients.

=========================  ==============================================================================
KAFKA_BOOTSTRAP_SERVERS    host:port, …
KAFKA_SECURITY_PROTOCOL    PLAINTEXT (default: the embedded broker on loopback), SASL_PLAINTEXT or SASL_SSL
KAFKA_CA                   PEM file that vouches for the brokers (default: whom the machine trusts)
KAFKA_USER                 principal of this process (default: its service's own)
KAFKA_PASSWORD             its password, else the secret kafka-<service>
=========================  ==============================================================================
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Literal, get_args

MECHANISM = "SCRAM-SHA-512"
Protocol = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"]
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)


@dataclass(frozen=True)
class Brokers:
    """``servers``: host:port, …. ``user`` and ``password`` count with a SASL protocol only; ``ca`` with TLS only."""

    servers: str
    protocol: Protocol = "PLAINTEXT"
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""
    mechanism: str = MECHANISM

    @property
    def guarded(self) -> bool:
        """Whether the brokers ask who speaks."""
        return self.protocol != "PLAINTEXT"

    @property
    def crosses_a_network(self) -> bool:
        """Whether what is said leaves this machine unencrypted."""
        return self.protocol != "SASL_SSL" and not all(map(on_loopback, hosts(self.servers)))

    def options(self) -> dict[str, Any]:
        """Keyword arguments of aiokafka's and kafka-python's clients alike."""
        told: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": self.protocol}
        if self.guarded:
            told |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        if self.protocol == "SASL_SSL":
            told["ssl_context"] = ssl.create_default_context(cafile=self.ca or None)
        return told


def brokers_of(given: str | Brokers) -> Brokers:
    """A bare ``host:port`` is a broker that asks nobody who they are."""
    return given if isinstance(given, Brokers) else Brokers(given)


def hosts(servers: str) -> Iterable[str]:
    """The hosts of ``host:port, …``."""
    return [each.strip().rpartition(":")[0].strip("[]") for each in servers.split(",")]


def on_loopback(host: str) -> bool:
    """Whether a host is this machine by its name alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
