"""What the store really holds of a log, range by range, for the witness: hashes made anew from the event rows.

Both sides use this arithmetic, so that two ranges are compared by one hash and halved until the first difference is
found: a handful of questions, however long the log.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

import psycopg

from shared.eventsourcing.event import Event, leaf_hash
from shared.transparency.tree import HASH_BYTES, folded

RANGE_EVENTS = 1_024
ABSENT = bytes(HASH_BYTES)
FRESH_SECONDS = 60
SECRET = "store-reading"  # name of the secret, not the secret # noqa: S105 # nosec B105
SCHEME = "Witness"

_READ = """
SELECT l.log_index, l.recorded_at, l.leaf, e.event_id, e.stream_id, e.version, e.type, e.effective_on, e.principal,
       e.command_id, e.cause_id, e.cause_recorded_at, e.data
FROM log l LEFT JOIN events e ON e.position = l.position
WHERE l.log_index BETWEEN %s AND %s
"""


def held(raw: psycopg.Connection[Any], source: str, first: int, last: int) -> tuple[list[bytes], list[bytes]]:
    """Of each index from ``first`` to ``last``: the leaf its event row really has, and the one that is kept for it;
    :data:`ABSENT` for what is not there."""
    rows, leaves = [ABSENT] * (last - first + 1), [ABSENT] * (last - first + 1)
    for index, recorded_at, leaf, *attributes in raw.execute(_READ, (first, last), binary=True):
        leaves[index - first] = bytes(leaf) if len(leaf) == HASH_BYTES else ABSENT
        if attributes[0] is not None:
            event = Event(*attributes)
            cause_at = event.cause_recorded_at
            event = event._replace(cause_recorded_at=None if cause_at is None else cause_at.astimezone(UTC))
            rows[index - first] = leaf_hash(source, index, recorded_at.astimezone(UTC), event)
    return rows, leaves


def range_root(leaves: list[bytes]) -> bytes:
    """One hash for a range of leaves."""
    return folded(leaves)


def first_difference(first: int, last: int, same: Callable[[int, int], bool]) -> int:
    """The first index of a range, known to differ, at which it does: the range is halved about log2 times."""
    while first < last:
        middle = (first + last) // 2
        if same(first, middle):
            first = middle + 1
        else:
            last = middle
    return first


def proof_of_witness(secret: bytes, path: str, now: float | None = None) -> str:
    """The Authorization of a request of the witness: it knows the secret and asks now. ``path``: with its query."""
    moment = int(time.time() if now is None else now)
    return f"{SCHEME} {moment}.{_code(secret, path, moment)}"


def is_witness(secret: bytes, path: str, given: str, now: float | None = None) -> bool:
    """Whether ``given`` is :func:`proof_of_witness` for this path, made within the last minute."""
    scheme, _, rest = given.partition(" ")
    told, _, code = rest.partition(".")
    if scheme != SCHEME or not told.isascii() or not told.isdecimal():
        return False
    fresh = abs((time.time() if now is None else now) - int(told)) <= FRESH_SECONDS
    return hmac.compare_digest(code.encode(), _code(secret, path, int(told)).encode()) and fresh


def _code(secret: bytes, path: str, moment: int) -> str:
    return hmac.new(secret, f"{moment}\n{path}".encode(), hashlib.sha256).hexdigest()
