"""A tree of 70,000 leaves with its kept levels in memory: three levels deep, as a log of millions is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from shared.transparency.nodes import STEP, TILE
from shared.transparency.tree import folded

SIZE = 70_000


def leaves(size: int = SIZE) -> list[bytes]:
    return [hashlib.sha256(b"\x00%d" % number).digest() for number in range(size)]


class Kept:
    """``read`` answers as a node store does, and counts what it is asked."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.levels, self.asked, self.read_hashes = {0: list(hashes)}, 0, 0
        level = 0
        while len(self.levels[level]) >= TILE:
            below = self.levels[level]
            whole = len(below) // TILE * TILE
            level += STEP
            self.levels[level] = [folded(below[at : at + TILE]) for at in range(0, whole, TILE)]

    def read(self, level: int, first: int, count: int) -> list[bytes]:
        found = self.levels.get(level, [])[first : first + count]
        assert len(found) == count, "a hash was asked for that is not kept"
        self.asked, self.read_hashes = self.asked + 1, self.read_hashes + count
        return found
