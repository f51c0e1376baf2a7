"""Opening events: from sealed bytes to facts, with the keys of all the people in a batch fetched at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.eventsourcing.event import Logged
from shared.eventsourcing.projection import Projection, Recorded
from shared.eventsourcing.sealing import opened, people_of_sealed, sealed_of
from shared.keys.keyring import KeyRing
from shared.messaging.arrivals import Arrival

Opened = dict[int, Recorded | Exception]


def open_facts(projection: Projection, keyring: KeyRing, items: Sequence[Arrival]) -> Opened:
    """By log index, each fact the projection folds, or why it cannot be read; other events are left out.

    Raises only what the key service raises: a missing key is an erased person, not an error.
    """
    folds = projection.by_type
    mine = [item for item in items if item.type in folds]
    readable = [item for item in mine if item.logged is not None]
    found = open_logged(projection, keyring, [item.logged for item in readable if item.logged is not None])
    facts: Opened = {item.log_index: item.error or ValueError("unreadable") for item in mine if item.logged is None}
    for item, each in zip(readable, found, strict=True):
        if item.traceparent is not None and not isinstance(each, Exception):
            each = each._replace(traceparent=item.traceparent)
        facts[item.log_index] = each
    return facts


def open_logged(projection: Projection, keyring: KeyRing, events: Sequence[Logged]) -> list[Recorded | Exception]:
    """For each of these events, all of types the projection folds, its fact or why it cannot be read."""
    sealed_types = projection.sealed_types
    read: list[Any] = []
    people: list[UUID] = []
    for logged in events:
        event = logged.event
        try:
            sealed = sealed_of(event)
            if event.type in sealed_types:
                people += people_of_sealed(event, sealed)
            read.append(sealed)
        except Exception as error:
            read.append(error)
    keys = keyring.keys(people)
    facts: list[Recorded | Exception] = []
    for logged, sealed in zip(events, read, strict=True):
        if isinstance(sealed, Exception):
            facts.append(sealed)
            continue
        try:
            facts.append(Recorded(logged, opened(logged.event, sealed, keys), None))
        except Exception as error:
            facts.append(error)
    return facts
