"""The cycle collector of a process that takes in thousands of small objects a second, nearly none of them in cycles.

With Python's own thresholds it walks them all again and again: switching it down made a processor half as fast again
(docs/benchmarks.md). It still runs, so a cycle is freed a little later, not never.
"""

from __future__ import annotations

import gc

NEW_OBJECTS = 50_000
YOUNG_ROUNDS, MIDDLE_ROUNDS = 20, 100


def calm_collector() -> None:
    """Leave out what was loaded at the start, and look at the rest rarely. Once, when a process has started up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, YOUNG_ROUNDS, MIDDLE_ROUNDS)
