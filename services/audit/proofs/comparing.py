"""Compares what the store holds with the archive, and says which of them is wrong, and from which index on.

Two that disagree do not say who is right; the root that was cosigned does. The archive's tile of 256 events around the
index is hashed anew and put under the kept nodes: if that leads to the cosigned root, the archive is what it was, and
the store is not.
"""

from __future__ import annotations

from typing import Any

import psycopg

from services.audit.domain import (
    ARCHIVE_DIFFERS,
    CHECKPOINT_DIFFERS,
    KAFKA_DIFFERS,
    STORE_DIFFERS,
    Alarm,
)
from services.audit.proofs.archive_tree import Cosigned, first_parting, held, last_cosigned, nodes_of
from services.audit.proofs.store_client import Stores
from services.audit.proofs.witnessing import Disputed
from shared.transparency.answers import StoreRange
from shared.transparency.nodes import STEP, TILE, HashMissing
from shared.transparency.store_ranges import ABSENT, first_difference, range_root


def compare(raw: psycopg.Connection[Any], stores: Stores, service: str, first: int, last: int) -> Alarm | None:
    """The first index of a cosigned range at which store and archive differ, as an alarm about the one that is wrong;
    None when they agree. Raises StoreSilent."""
    ours = held(raw, service, first, last)

    def same(start: int, end: int) -> bool:
        theirs = stores.held(service, start, end)
        return theirs.rows == theirs.leaves == range_root(ours[start - first : end - first + 1])

    if same(first, last):
        return None
    return _verdict(raw, stores, service, first_difference(first, last, same))


def look_into(raw: psycopg.Connection[Any], stores: Stores, service: str, disputed: Disputed) -> Alarm:
    """Where a signed checkpoint parts from the archive, and who is wrong there. Raises StoreSilent."""
    size = disputed.checkpoint.size

    def theirs(level: int, first: int, count: int) -> list[bytes]:
        found: list[bytes] = []
        for start in range(first, first + count, TILE):
            found += stores.tile(service, level, start, min(TILE, first + count - start))
        return found

    try:
        parting = first_parting(size, nodes_of(raw, service).hashes, theirs)
    except HashMissing as missing:
        wrong = (missing.place << missing.level) + 1
        return Alarm(service, ARCHIVE_DIFFERS, wrong, "archived events are gone from here on, or from shortly after")
    if parting is None:
        return Alarm(
            service, CHECKPOINT_DIFFERS, size, f"the root signed over {size} events is not that of store and Kafka"
        )
    return _verdict(raw, stores, service, parting + 1)


def _verdict(raw: psycopg.Connection[Any], stores: Stores, service: str, index: int) -> Alarm:
    """Who is wrong at an index at which store and archive differ."""
    (ours,), theirs = held(raw, service, index, index), stores.held(service, index, index)
    kept = last_cosigned(raw, service)
    if kept is not None and index <= kept.size:
        if _as_cosigned(raw, service, index, kept):
            return Alarm(service, STORE_DIFFERS, index, _how(ours, theirs))
        missing = "is gone from the archive" if ours == ABSENT else "is another in the archive"
        return Alarm(service, ARCHIVE_DIFFERS, index, f"the event {missing} than the one that was cosigned")
    if theirs.rows == theirs.leaves != ABSENT:
        return Alarm(service, KAFKA_DIFFERS, index, "Kafka brought another event than the one in the signed log")
    return Alarm(service, STORE_DIFFERS, index, _how(ours, theirs))


def _as_cosigned(raw: psycopg.Connection[Any], service: str, index: int, kept: Cosigned) -> bool:
    """Whether the archived events around ``index`` still lead to the cosigned root."""
    tile = (index - 1) >> STEP
    leaves = held(raw, service, tile * TILE + 1, min((tile + 1) * TILE, kept.size))
    if ABSENT in leaves:
        return False
    try:
        return nodes_of(raw, service).at(kept.size).replacing(tile, leaves).root() == kept.root
    except HashMissing:
        return False


def _how(ours: bytes, theirs: StoreRange) -> str:
    """In which way the store is wrong."""
    if theirs.leaves == ABSENT:
        return f"the event is gone from the log, which ends at {theirs.size}"
    if theirs.rows == ABSENT:
        return "the event's row is gone"
    if theirs.rows == ours:
        return "the leaf kept beside the event was changed"
    if theirs.leaves == ours:
        return "the event was changed, its leaf was not"
    return "another event stands in this place, with its leaf"
