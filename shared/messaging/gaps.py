"""Looking for events that are missing in front of what arrived.

First from the checkpoint's hint, then from the partition's beginning, each up to where the partition ended when the
search began; then waiting, because the relay republishes what a topic has lost. Any progress starts over.
"""

from __future__ import annotations

from typing import Literal

from shared.messaging.checkpoint import Gap

Move = Literal["seek", "read", "wait"]


class GapSearch:
    """The search in one partition. ``until`` is set by whoever seeks: the end of the partition at that moment."""

    def __init__(self) -> None:
        self.seeks = 0
        self.until: int | None = None
        self.furthest = 0  # the highest log index that was dropped because something before it was missing
        self._last: int | None = None

    @property
    def from_beginning(self) -> bool:
        """Whether the next seek goes to the beginning instead of the hint."""
        return self.seeks >= 2

    def next_move(self, gap: Gap, position: int) -> Move:
        """What to do about this gap, having read to before ``position``."""
        self.furthest = max(self.furthest, gap.found)
        if self._last != gap.last:
            self.seeks, self.until, self._last = 0, None, gap.last
        if self.until is not None and position < self.until:
            return "read"
        if self.seeks >= 2:
            return "wait"
        self.seeks += 1
        return "seek"
