"""How often a partition may be written to: at once while little comes, in larger batches when much does.

A batch of one event costs nearly what one of fifty does: a transaction, a checkpoint, a notice. A stream of single
events that came one by one would keep every service busy with transactions; held back for a moment, they go together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BATCHES_PER_SECOND = 8.0
BURST = 4.0  # so many may follow each other at once after a rest
LARGE_EVENTS = 200  # worth a transaction of its own


@dataclass
class Pace:
    """A bucket of turns for one partition; ``now`` are seconds of any clock that never goes back."""

    _turns: float = BURST
    _at: float = field(default=0.0)

    def wait_seconds(self, now: float, waiting_events: int) -> float:
        """Take the next turn; how long to wait before using it."""
        self._turns = min(BURST, self._turns + (now - self._at) * BATCHES_PER_SECOND)
        self._at = now
        if waiting_events >= LARGE_EVENTS:
            return 0.0
        self._turns -= 1.0
        return max(0.0, -self._turns / BATCHES_PER_SECOND)
