"""Which positions below the frontier may still be committed, and when one of them is surely dead.

Positions are drawn before their transaction commits, so a higher one can become visible first. The sequencer never
waits for such a *hole*; it looks for late arrivals in the open holes only.

Why a hole can be declared dead: whoever drew it had a transaction id before drawing (the store writes the command
first), and drew before the higher position that showed the hole was drawn. An id ``fence`` that is assigned after the
hole was observed is therefore higher than the drawer's. Once the oldest running transaction is at ``fence`` or above,
the drawer has ended; if its position is invisible to a snapshot taken after that, it was rolled back. (A snapshot's own
``xmax`` would not do as fence: it is the latest *completed* id + 1, and the drawer may run under a higher one.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

# More open ranges than this are joined: still right, since late arrivals are compared with the log, only slower.
RANGES_LIMIT = 1_000


@dataclass
class Hole:
    """Positions ``first`` … ``last`` that were not visible; ``fence`` is None until an id was assigned after them."""

    first: int
    last: int
    fence: int | None = None


@dataclass
class Holes:
    """The open holes below ``frontier``, the highest position seen. In order of positions, never overlapping."""

    frontier: int = 0
    ranges: list[Hole] = field(default_factory=list)

    @property
    def settled(self) -> int:
        """Every position up to here is in the log or dead."""
        return self.ranges[0].first - 1 if self.ranges else self.frontier

    @property
    def unfenced(self) -> bool:
        """Whether a transaction id is needed to date new holes."""
        return any(hole.fence is None for hole in self.ranges)

    def fence(self, transaction_id: int) -> None:
        """Date the new holes by an id that was assigned after they were observed."""
        for hole in self.ranges:
            if hole.fence is None:
                hole.fence = transaction_id

    def found(self, positions: Sequence[int], oldest_running: int) -> None:
        """Take in what one look found: ``positions`` (ascending), now in the log, are all that was visible in the open
        holes and from the frontier to the highest of them; ``oldest_running`` is from a snapshot taken before that
        look (0 when the look was cut short, so that no hole may be given up)."""
        beyond = [position for position in positions if position > self.frontier]
        late = positions[: len(positions) - len(beyond)]
        open_holes = [hole for hole in self.ranges if hole.fence is None or hole.fence > oldest_running]
        self.ranges = _without(open_holes, late) if late else open_holes
        if beyond:
            self._advance(beyond)
        if len(self.ranges) > RANGES_LIMIT:
            fences = [hole.fence for hole in self.ranges]
            newest = None if None in fences else max(fence for fence in fences if fence is not None)
            self.ranges = [Hole(self.ranges[0].first, self.ranges[-1].last, newest)]

    def _advance(self, beyond: Sequence[int]) -> None:
        if beyond[-1] - self.frontier != len(beyond):
            before = self.frontier
            for position in beyond:
                if position != before + 1:
                    self.ranges.append(Hole(before + 1, position - 1))
                before = position
        self.frontier = beyond[-1]


def _without(ranges: Sequence[Hole], late: Sequence[int]) -> list[Hole]:
    """The ranges minus the positions that arrived; what is left of a range keeps its fence."""
    left: list[Hole] = []
    arrived = iter([*late, None])
    position = next(arrived)
    for hole in ranges:
        first = hole.first
        while position is not None and position <= hole.last:
            if position > first:
                left.append(Hole(first, position - 1, hole.fence))
            if position >= first:
                first = position + 1
            position = next(arrived)
        if first <= hole.last:
            left.append(Hole(first, hole.last, hole.fence))
    return left
