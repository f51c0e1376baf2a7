"""How much reading of personal data in full makes a day of one reader worth a question; nothing is refused by it.

What counts is the act: a scan opened, a row with its candidates, a letter's paper with all its children, a list taken
away. How many children each told is counted beside, so that neither many acts nor large ones stay unseen.
"""

from __future__ import annotations

from typing import Literal

Sign = Literal["many_reads", "many_at_once", "many_rows"]

MANY_READS = 50  # acts on one day: a class looked through one child at a time
MANY_AT_ONCE = 66  # children in one act that is no whole list: no class may have so many (超大班额 begins there)
MANY_ROWS = 500  # children and rows told on one day, lists included: a whole school's


def signs_of(acts: int, at_once: int, rows: int) -> list[Sign]:
    """What stands out about one reader's day; empty for most days. ``at_once``: the children of its largest act that is
    no whole list; ``rows``: of all acts together."""
    found: dict[Sign, bool] = {
        "many_reads": acts >= MANY_READS,
        "many_at_once": at_once >= MANY_AT_ONCE,
        "many_rows": rows >= MANY_ROWS,
    }
    return [sign for sign, stands in found.items() if stands]
