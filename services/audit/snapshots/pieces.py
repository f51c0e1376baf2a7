"""Sealed pieces of a snapshot: rows in pieces of about a mebibyte, packed, each sealed with AES-256-GCM.

A key seals one snapshot and never anything else, so a piece's place is its nonce. The additional data binds a piece to
the snapshot's head, its place, its table and whether it is the last: none can be altered, swapped, taken from another
snapshot or left out at the end. The closing piece says how many each table has, and what a replay remembers besides.
"""

from __future__ import annotations

import hashlib
import zlib
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CLOSING = ""  # the part of the last piece, where others name their table
_PACKED_LEVEL = 1  # level 6 takes four times as long for a tenth less


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The last piece. ``pieces``: table → how many, in the order they stand; ``left_out`` and ``parked`` as the replay
    engine gave them, (service, log index) and (service, stream)."""

    pieces: dict[str, int]
    left_out: list[tuple[str, int]]
    parked: list[tuple[str, UUID]]


class PieceBroken(Exception):
    """A piece is not the one that was sealed in this place."""


class Seal:
    """Seals and opens the pieces of one snapshot. ``head``: as it is kept."""

    def __init__(self, key: bytes, head: bytes) -> None:
        self._box, self._head = AESGCM(key), hashlib.sha256(head).digest()

    def sealed(self, place: int, part: str, content: bytes) -> bytes:
        """The piece as it is kept."""
        return self._box.encrypt(_nonce(place), zlib.compress(content, _PACKED_LEVEL), self._bound(place, part))

    def opened(self, place: int, part: str, piece: bytes) -> bytes:
        """What was sealed. Raises PieceBroken."""
        try:
            return zlib.decompress(self._box.decrypt(_nonce(place), piece, self._bound(place, part)))
        except InvalidTag as broken:
            raise PieceBroken(f"piece {place} does not open") from broken

    def _bound(self, place: int, part: str) -> bytes:
        return self._head + place.to_bytes(8, "big") + part.encode()


def _nonce(place: int) -> bytes:
    return place.to_bytes(12, "big")
