"""Configuration a service starts with, appended as events (design.md §3, invariant 10).

Starting again appends nothing: the command id comes from the seed's name and content. A changed content is a new
command and so a new version in the same stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from shared.eventsourcing.store import Command, Proposed
from shared.hosting.service import Seed, Service
from shared.kernel.identifiers import keyed_id

PRINCIPAL = "system:configuration"


def configuration_stream(hmac_key: bytes, name: str) -> UUID:
    """The stream in which the versions of one configuration follow each other."""
    return keyed_id(hmac_key, "configuration", name)


def plant(service: Service, hmac_key: bytes) -> None:
    """Append every seed of the service that does not stand in its log yet. Raises what the store raises."""
    for seed in service.seeds:
        _plant(service, seed, hmac_key)


def _plant(service: Service, seed: Seed, hmac_key: bytes) -> None:
    stream = configuration_stream(hmac_key, seed.stream)
    body = msgspec.json.encode([seed.name, type(seed.fact).__name__, seed.fact, seed.effective_on])
    command = Command(
        principal=PRINCIPAL, command_id=keyed_id(hmac_key, "configuration-command", body.decode()), body=body
    )

    def decide(connection: Connection) -> Sequence[Proposed]:
        version = len(service.store.load(connection, stream))
        if version and seed.first_only:
            return []
        return [Proposed(stream, version, seed.fact, seed.effective_on)]

    service.store.run(service.database, command, decide)
