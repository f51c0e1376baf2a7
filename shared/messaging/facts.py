"""Opening events: from sealed bytes to facts, with the keys of all the people in a batch fetched at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.eventsourcing.projection import Projection, Recorded
from shared.eventsourcing.sealing import people_in, unseal
from shared.keys.keyring import KeyRing
from shared.messaging.arrivals import Arrival

Opened = dict[int, Recorded | Exception]


def open_facts(projection: Projection, keyring: KeyRing, items: Sequence[Arrival]) -> Opened:
    """By log index, each fact the projection folds, or why it cannot be read; other events are left out.

    Raises only what the key service raises: a missing key is an erased person, not an error.
    """
    folds, sealed = projection.by_type, projection.sealed_types
    facts: Opened = {}
    readable: list[Arrival] = []
    people: set[UUID] = set()
    for item in items:
        if item.type not in folds:
            continue
        if item.logged is None:
            facts[item.log_index] = item.error or ValueError("unreadable")
            continue
        try:
            if item.type in sealed:
                people |= people_in(item.logged.event)
            readable.append(item)
        except Exception as error:
            facts[item.log_index] = error
    keys = keyring.keys(people)
    for item in readable:
        assert item.logged is not None
        try:
            facts[item.log_index] = Recorded(item.logged, unseal(item.logged.event, keys), item.traceparent)
        except Exception as error:
            facts[item.log_index] = error
    return facts
