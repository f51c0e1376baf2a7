"""The tree over the archive, its leaves computed anew from the archived bytes; and where two trees part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg

from services.audit import archived
from shared.eventsourcing.event import leaf_hash
from shared.transparency.nodes import STEP, NodeStore
from shared.transparency.store_ranges import ABSENT

TABLE = "archive_nodes"
_TOP_LEVEL = 56

ReadHashes = Callable[[int, int, int], list[bytes]]  # (level, first, count) → hashes


class Cosigned(NamedTuple):
    """What the witness last put its name to."""

    size: int
    root: bytes
    note: str


def held(raw: psycopg.Connection[Any], service: str, first: int, last: int) -> list[bytes]:
    """The leaf that each archived event from index ``first`` to ``last`` really has; ABSENT where there is none."""
    leaves = [ABSENT] * (last - first + 1)
    after = first - 1
    while page := archived.log_page(raw, service, after, last):
        for logged in page:
            leaves[logged.log_index - first] = leaf_hash(
                logged.source, logged.log_index, logged.recorded_at, logged.event
            )
        after = page[-1].log_index
    return leaves


def nodes_of(raw: psycopg.Connection[Any], service: str) -> NodeStore:
    """The kept nodes of a log's archive."""

    def leaves(first: int, count: int) -> list[bytes]:
        return [each for each in held(raw, service, first + 1, first + count) if each != ABSENT]

    return NodeStore(raw, TABLE, service, leaves)


def last_cosigned(raw: psycopg.Connection[Any], service: str) -> Cosigned | None:
    """The last cosigned checkpoint of a log, if there is one."""
    row = raw.execute(
        "SELECT size, root, note FROM cosignatures WHERE service = %s ORDER BY size DESC LIMIT 1", (service,)
    ).fetchone()
    return None if row is None else Cosigned(row[0], bytes(row[1]), row[2])


def covering(raw: psycopg.Connection[Any], service: str, log_index: int) -> Cosigned | None:
    """The first cosigned checkpoint that covers the event at ``log_index``, if there is one yet."""
    row = raw.execute(
        "SELECT size, root, note FROM cosignatures WHERE service = %s AND size >= %s ORDER BY size LIMIT 1",
        (service, log_index),
    ).fetchone()
    return None if row is None else Cosigned(row[0], bytes(row[1]), row[2])


def first_parting(size: int, ours: ReadHashes, theirs: ReadHashes) -> int | None:
    """The first leaf (from 0) in which two trees over ``size`` leaves differ, None when none does: level by level down
    the kept nodes, one tile of 256 hashes at each, however long the log."""
    start, below = 0, False
    for level in range(_TOP_LEVEL, -1, -STEP):
        first = start >> level
        count = (size >> level) - first
        if below:
            count = min(count, 1 << STEP)
        if count <= 0:
            continue
        for at, (one, other) in enumerate(zip(ours(level, first, count), theirs(level, first, count), strict=True)):
            if one != other:
                start, below = (first + at) << level, True
                break
        else:
            if below:
                return None  # a node differs and nothing below it: the nodes themselves were changed
            start = (first + count) << level
            continue
        if level == 0:
            return start
    return None
