"""Identifiers: time-ordered event ids (UUIDv7) and keyed, unguessable stream ids (UUIDv8). RFC 9562."""

from __future__ import annotations

import hmac
import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def new_event_id() -> UUID:
    """A UUIDv7, strictly increasing within this process: 48 bits of milliseconds, then a counter seeded at random."""
    return new_event_ids(1)[0]


def new_event_ids(count: int) -> list[UUID]:
    """``count`` of them in order; drawn at once because a bulk append would spend most of its time on single ones."""
    global _last
    with _lock:
        fresh = (time.time_ns() // 1_000_000) << 74 | int.from_bytes(os.urandom(10), "big") >> 6
        first = fresh if fresh >> 74 > _last >> 74 else _last + 1
        _last = first + count - 1 if count else _last
    return [
        UUID(int=value >> 74 << 80 | 0x7 << 76 | (value >> 62 & 0xFFF) << 64 | 0b10 << 62 | value & ((1 << 62) - 1))
        for value in range(first, first + count)
    ]


def keyed_id(key: bytes, *parts: str) -> UUID:
    """UUIDv8 from HMAC-SHA-256(key, length-prefixed parts): the same parts always name the same stream, and the id
    reveals nothing of them to whoever lacks the key (design.md §3, invariant 4)."""
    message = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))
    digest = bytearray(hmac.digest(key, message, "sha256")[:16])  # at once: a bulk import names two streams per row
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return UUID(bytes=bytes(digest))
