"""What the environment says of the networks around a process: who it is to Kafka, whom it believes in front of it,
and that in production nothing crosses a network readable. Each raises ValueError with a sentence naming the setting.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from ipaddress import ip_network

from psycopg.conninfo import conninfo_to_dict

from shared.messaging.brokers import PROTOCOLS, Brokers, on_loopback


def principal_of(division: str, name: str) -> str:
    """Whom a service is known as by the brokers."""
    return f"rollcall.{division}.{name}"


def password_of(secret: bytes) -> str:
    """A secret as a password: 43 URL-safe characters."""
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def brokers_from(env: Mapping[str, str], division: str, name: str) -> Brokers:
    """Kafka as the environment has ``name`` speak to it; the password is still to come where a secret holds it."""
    named = env.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT"
    protocol = next((each for each in PROTOCOLS if each == named), None)
    if protocol is None:
        raise ValueError(f"KAFKA_SECURITY_PROTOCOL is one of {', '.join(PROTOCOLS)}, not {named!r}")
    user = env.get("KAFKA_USER") or principal_of(division, name)
    servers = env.get("KAFKA_BOOTSTRAP_SERVERS", "")
    return Brokers(servers, protocol, user, env.get("KAFKA_PASSWORD", ""), env.get("KAFKA_CA", ""))


def proxies_from(env: Mapping[str, str]) -> str:
    """Addresses and networks of ROLLCALL_PROXIES, comma-separated; empty = nobody is believed."""
    given = [each.strip() for each in env.get("ROLLCALL_PROXIES", "").split(",") if each.strip()]
    try:
        for each in given:
            ip_network(each)
    except ValueError:
        raise ValueError("ROLLCALL_PROXIES are IP addresses or networks, comma-separated") from None
    return ",".join(given)


def require_encryption(kafka: Brokers, databases: Iterable[str]) -> None:
    """Refuses servers on other machines that are spoken to in the clear, or that nobody vouches for."""
    if kafka.crosses_a_network:
        raise ValueError("Kafka stands on another machine: set KAFKA_SECURITY_PROTOCOL=SASL_SSL (and KAFKA_CA)")
    for address in databases:
        told = conninfo_to_dict(address)
        places = str(told.get("host") or "").split(",")
        near = all(not place or place.startswith("/") or on_loopback(place) for place in places)
        if not near and told.get("sslmode") != "verify-full":
            raise ValueError("a database stands on another machine: give its address sslmode=verify-full")
