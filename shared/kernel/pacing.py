"""How long a follower of events rests between two batches, so that what comes meanwhile goes into one.

A transaction costs about as much for one event as for twenty. Whoever takes the next event as soon as the last one is
written turns a stream of events into as many transactions as the machine can make, beside people who wait for an
answer. A single event waits for nothing: who has nothing to do has rested.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = "ROLLCALL_REST"
BEHIND_EVENTS = 200  # who has so many before him is behind and does not rest


@dataclass(frozen=True)
class Pace:
    """Rests ``share`` times as long as the last batch took, at most ``longest_seconds``."""

    share: float = 3.0
    longest_seconds: float = 0.2

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Pace:
        """The default, or with the share that ROLLCALL_REST gives; 0 never rests. Raises ValueError."""
        given = environ.get(VARIABLE)
        if not given:
            return cls()
        share = float(given)
        if not math.isfinite(share) or share < 0:
            raise ValueError(f"{VARIABLE} is {given!r}; give how many times as long as it worked a follower rests")
        return cls(share)

    def rest_seconds(self, worked_seconds: float, waiting: int) -> float:
        """After a batch that took ``worked_seconds``, with so many events ``waiting`` already."""
        return 0.0 if waiting >= BEHIND_EVENTS else min(self.longest_seconds, self.share * worked_seconds)


USUAL = Pace()
