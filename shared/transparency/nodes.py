"""Interior hashes of a log, kept at every eighth level, so that a proof over ten million events reads a few hundred.

A node between two kept levels is folded from at most 128 hashes of the kept level below it. Only complete nodes are
kept: they never change. Who keeps them reads the leaves in its own way (the service from its log, the witness anew from
the archived bytes), so this code knows no leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from shared.transparency.tree import HASH_BYTES, Node, NodeOf, folded, root_of

STEP = 8
TILE = 1 << STEP
REMEMBERED = 100_000  # more than ten million leaves have from the first kept level up; about 20 MB
GROW_TILES = 256  # 65,536 leaves a transaction: a tenth of a second

ReadLeaves = Callable[[int, int], list[bytes]]  # (first leaf from 0, count) → the leaves that are there, in order


class HashMissing(Exception):
    """A leaf or node that a log of this size must have is not there."""

    def __init__(self, level: int, place: int) -> None:
        super().__init__(f"no hash at level {level}, place {place}")
        self.level, self.place = level, place


def hashes_of(row: tuple[bytes | None] | None) -> list[bytes]:
    """Hashes that the database has strung together: one value travels many times faster than a row each. A hash of
    another length (somebody changed it) shifts the rest, which then is another tree: as it should be."""
    strung = b"" if row is None or row[0] is None else bytes(row[0])
    return [strung[at : at + HASH_BYTES] for at in range(0, len(strung), HASH_BYTES)]


class NodeStore:
    """The kept nodes of ``log`` in ``table`` (log, level, place, hash), in the caller's transaction."""

    def __init__(self, raw: psycopg.Connection[Any], table: str, log: str, leaves: ReadLeaves) -> None:
        self._raw, self._table, self._log, self._leaves = raw, table, log, leaves

    def grow(self, size: int, tiles: int = GROW_TILES) -> bool:
        """Keep what is complete in a tree of ``size`` leaves, at most ``tiles`` new nodes per level; whether that is
        all. Raises HashMissing."""
        level = STEP
        while size >> level:
            held, wanted = self._held(level), size >> level
            upto = min(wanted, held + tiles)
            if held < upto:
                below = self.hashes(level - STEP, held << STEP, (upto - held) << STEP)
                self._keep(level, held, (folded(below[at : at + TILE]) for at in range(0, len(below), TILE)))
            if upto < wanted:
                return False
            level += STEP
        return True

    def at(self, size: int) -> Nodes:
        """The nodes of the tree over the first ``size`` leaves."""
        return Nodes(self.hashes, size)

    def hashes(self, level: int, first: int, count: int) -> list[bytes]:
        """``count`` hashes of a kept level (or of the leaves) from ``first``. Raises HashMissing."""
        if level == 0:
            found = self._leaves(first, count)
        else:
            row = self._raw.execute(
                f"SELECT string_agg(hash, ''::bytea ORDER BY place) FROM {self._table}"
                " WHERE log = %s AND level = %s AND place >= %s AND place < %s",
                (self._log, level, first, first + count),
                binary=True,
            ).fetchone()
            found = hashes_of(row)
        if len(found) != count:
            raise HashMissing(level, first)
        return found

    def _held(self, level: int) -> int:
        row = self._raw.execute(
            f"SELECT coalesce(max(place) + 1, 0) FROM {self._table} WHERE log = %s AND level = %s", (self._log, level)
        ).fetchone()
        assert row is not None
        return int(row[0])

    def _keep(self, level: int, first: int, hashes: Iterable[bytes]) -> None:
        with self._raw.cursor().copy(f"COPY {self._table} (log, level, place, hash) FROM STDIN") as copy:
            for place, each in enumerate(hashes, first):
                copy.write_row((self._log, level, place, each))


class Nodes:
    """The complete nodes of a tree over ``size`` leaves, each tile of 256 read once. ``overlay`` puts other leaves in
    the place of a tile's: what would the root be if these were the right ones?"""

    def __init__(
        self, read: Callable[[int, int, int], list[bytes]], size: int, overlay: dict[int, list[bytes]] | None = None
    ) -> None:
        self._read, self.size = read, size
        self._overlay = overlay or {}
        self._tiles: dict[Node, list[bytes]] = {}

    def node(self, level: int, place: int) -> bytes:
        """The hash of a complete node. Raises HashMissing."""
        base = level // STEP * STEP
        width = 1 << (level - base)
        first = place * width
        tile = self._tile(Node(base, first >> STEP))
        return folded(tile[first % TILE : first % TILE + width])

    def root(self, size: int | None = None) -> bytes:
        """The tree head over the first ``size`` leaves (default: all). Raises HashMissing."""
        return root_of(0, self.size if size is None else size, self.node)

    def replacing(self, tile: int, leaves: list[bytes]) -> Nodes:
        """The same tree with these leaves in tile ``tile`` (all that the tree has of it)."""
        return Nodes(self._read, self.size, {**self._overlay, tile: leaves})

    def _tile(self, which: Node) -> list[bytes]:
        known = self._tiles.get(which)
        if known is None:
            first = which.place << STEP
            count = min(TILE, (self.size >> which.level) - first)
            if which.level == 0 and which.place in self._overlay:
                known = self._overlay[which.place][:count]
            else:
                known = self._read(which.level, first, count)
                for tile in self._overlay:
                    self._lay_over(which, known, tile)
            self._tiles[which] = known
        return known

    def _lay_over(self, which: Node, hashes: list[bytes], tile: int) -> None:
        """Put the hash above an overlaid tile into a tile of a higher level, where it has one."""
        place = tile >> (which.level - STEP) if which.level else -1
        at = place - (which.place << STEP)
        if which.level and 0 <= at < len(hashes):
            below = self._tile(Node(which.level - STEP, place))
            hashes[at] = folded(below)


class Remembered:
    """Nodes that proofs over a growing tree need again and again: everything from the first kept level up, and the
    right edge. Complete nodes never change, so one that is known stays right. Thread-safe: at worst one is worked out
    twice."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._known: dict[Node, bytes] = {}

    def over(self, nodes: Nodes) -> NodeOf:
        """The same nodes, looked up first."""
        edge = nodes.size >> STEP << STEP

        def node(level: int, place: int) -> bytes:
            if level < STEP and place << level < edge:
                return nodes.node(level, place)
            which = Node(level, place)
            known = self._known.get(which)
            if known is None:
                if len(self._known) >= self._limit:
                    self._known.clear()
                known = self._known[which] = nodes.node(level, place)
            return known

        return node
