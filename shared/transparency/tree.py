"""The RFC 9162 Merkle tree over a log: hashes of nodes, the root of a range, a tree grown leaf by leaf.

Leaves come hashed (SHA-256 with 0x00 in front, shared/eventsourcing/event.py) and count from 0: the event with log
index 1 is leaf 0. A *complete* node ``(level, place)`` spans the leaves from ``place << level`` to before
``(place + 1) << level``; it never changes once these leaves exist, so whoever keeps it can answer for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
_TILE = 256

NodeOf = Callable[[int, int], bytes]  # (level, place) → hash of a complete node


class Node(NamedTuple):
    """A complete node: it spans ``1 << level`` leaves from ``place << level``."""

    level: int
    place: int


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of an interior node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root over neighbouring nodes of one level, the last of which may be missing: over leaves, a tree head."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        joined = [parent(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        row = joined + row[len(row) & ~1 :]
    return row[0]


def split(count: int) -> int:
    """The largest power of two below ``count`` (which is at least 2): how many leaves the left child has."""
    return 1 << ((count - 1).bit_length() - 1)


def covering(first: int, after: int) -> Iterator[Node]:
    """The complete nodes of the subtree over leaves ``first`` … ``after`` - 1, left to right, widest first.

    ``first`` is a multiple of a power of two not below the width, as it is for every subtree that proofs are made of.
    """
    while first < after:
        level = (after - first).bit_length() - 1
        yield Node(level, first >> level)
        first += 1 << level


def root_of(first: int, after: int, node: NodeOf) -> bytes:
    """The hash of the subtree over leaves ``first`` … ``after`` - 1 (see :func:`covering`)."""
    peaks = [node(*each) for each in covering(first, after)]
    if not peaks:
        return EMPTY_ROOT
    root = peaks.pop()
    while peaks:
        root = parent(peaks.pop(), root)
    return root


@dataclass
class Tree:
    """A tree grown leaf by leaf; memory is logarithmic in its size."""

    size: int = 0
    _peaks: list[tuple[int, bytes]] = field(default_factory=list)  # (leaves below, hash), widest first

    @classmethod
    def grown(cls, size: int, node: NodeOf) -> Tree:
        """The tree over the first ``size`` leaves of a log whose complete nodes are kept; it grows on from there."""
        peaks = [(1 << level, node(level, place)) for level, place in covering(0, size)]
        return cls(size, peaks)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Append the next leaves, whole tiles of them at once: a third of the time."""
        start = min(-self.size % _TILE, len(leaves))
        after = start + (len(leaves) - start) // _TILE * _TILE
        for leaf in leaves[:start]:
            self.add(leaf)
        for at in range(start, after, _TILE):
            self._push(_TILE, folded(leaves[at : at + _TILE]))
        for leaf in leaves[after:]:
            self.add(leaf)

    def add(self, leaf: bytes) -> None:
        """Append the next leaf (already hashed with its 0x00 prefix)."""
        self._push(1, leaf)

    def _push(self, leaves: int, node: bytes) -> None:
        """A complete node over the next ``leaves``, where one of that width may begin."""
        width = leaves
        while self._peaks and self._peaks[-1][0] == width:
            node = parent(self._peaks.pop()[1], node)
            width *= 2
        self._peaks.append((width, node))
        self.size += leaves

    def root(self) -> bytes:
        """The tree head; SHA-256 of nothing for an empty log."""
        if not self._peaks:
            return EMPTY_ROOT
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = parent(left, node)
        return node
