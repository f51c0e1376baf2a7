"""Identifiers: time-ordered event ids (UUIDv7) and keyed, unguessable stream ids (UUIDv8). RFC 9562."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
import time
from collections.abc import Callable
from uuid import UUID

_VERSION_8 = 0x8 << 76 | 0b10 << 62
_FREE_BITS = ((1 << 128) - 1) ^ (0xF << 76 | 0b11 << 62)

_BLOCK_BYTES = 64  # of SHA-256

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
    message = b"".join([len(raw).to_bytes(4, "big") + raw for raw in [part.encode() for part in parts]])
    value = int.from_bytes(keyed_digest(key, message)[:16], "big")
    return UUID(int=value & _FREE_BITS | _VERSION_8)


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256, 32 bytes."""
    inner, outer = _keyed(key)
    digest, result = inner(), outer()
    digest.update(message)
    result.update(digest.digest())
    return result.digest()


@functools.lru_cache(maxsize=64)
def _keyed(key: bytes) -> tuple[Callable[[], hashlib._Hash], Callable[[], hashlib._Hash]]:
    """What makes the two hashes of RFC 2104, each after its half of the key: a bulk import names two streams and one
    content per row, and the library's object around them costs as much as both."""
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    return inner.copy, outer.copy
