"""Kafka's guard in one installation: who administers it, with which secrets, and when it is guarded at all.

KAFKA_SECURITY_PROTOCOL decides. PLAINTEXT, the embedded default, asks nobody, on the loopback address only.
SASL_PLAINTEXT guards the embedded broker. SASL_SSL is for brokers elsewhere, whose administrator KAFKA_ADMIN_USER names
(password: KAFKA_ADMIN_PASSWORD, else the secret kafka-admin); without one, the operator keeps users and rights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.broker import Guard
from deploy.errors import StartRefused
from deploy.principals import ADMINISTRATOR, CONSUMES, agency_principal, all_grants, ensure_principals, secret_of
from deploy.secrets import Secrets
from deploy.spec import Installation
from services.registry.lists.agency_topics import AgencyTopic
from shared.hosting.networks import brokers_from, principal_of
from shared.messaging.brokers import Brokers

OF_ONE_PROCESS = ("KAFKA_USER", "KAFKA_PASSWORD", "KAFKA_ADMIN_USER", "KAFKA_ADMIN_PASSWORD")


def guard_of(installation: Installation, secrets: Secrets) -> Guard | None:
    """What the embedded broker is guarded by; None = not at all. Raises: StartRefused."""
    if installation.kafka_protocol == "PLAINTEXT":
        return None
    if installation.kafka_protocol != "SASL_PLAINTEXT":
        raise StartRefused("the embedded Kafka has no certificate; set KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT or none")
    return Guard(ADMINISTRATOR, secrets.password("kafka-admin"), secrets.password("kafka-controller"))


def outside_administrator(env: Mapping[str, str], installation: Installation, secrets: Secrets) -> Brokers:
    """Brokers elsewhere as their administrator speaks to them. Raises: StartRefused."""
    try:
        told = brokers_from(env, installation.division, ADMINISTRATOR)
    except ValueError as odd:
        raise StartRefused(str(odd)) from None
    if not told.guarded:
        return told
    user = env.get("KAFKA_ADMIN_USER", "")
    if not user:
        raise StartRefused("the brokers ask who speaks; set KAFKA_ADMIN_USER and KAFKA_ADMIN_PASSWORD")
    password = env.get("KAFKA_ADMIN_PASSWORD") or secrets.password("kafka-admin")
    return Brokers(told.servers, told.protocol, user, password, told.ca)


def ensure_guard(
    administrator: Brokers, installation: Installation, topics: Sequence[AgencyTopic], secrets: Secrets
) -> None:
    """Every principal with its password and its rights; nothing where the brokers ask nobody. Raises: PartFailed."""
    if not administrator.guarded:
        return
    passwords = {principal_of(installation.division, name): secrets.password(secret_of(name)) for name in CONSUMES}
    passwords |= {
        agency_principal(each.agency): secrets.password(secret_of(f"agency-{each.agency.replace('_', '-')}"))
        for each in topics
    }
    ensure_principals(administrator, passwords, all_grants(installation.division, topics))
