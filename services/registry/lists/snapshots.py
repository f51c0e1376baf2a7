"""What a snapshot leaves out has left the list, unless that is so much that a person must look first.

A file is a snapshot of the parts of the list it holds rows of (parts.py), and each part is compared for itself, so that
a short one cannot vanish beside a long one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from services.registry.lists import standing
from services.registry.lists.standing import Raw

PERMITTED_REMOVALS_PERCENT = 20


class Leaving(NamedTuple):
    """Who leaves. ``before``: how many stood on the parts compared; ``share_percent``: the largest share of one part,
    rounded up."""

    missing: list[UUID]
    before: int
    share_percent: int
    too_many: bool


def leaving(
    raw: Raw, agency: str, name: str, parts: Sequence[str], present: set[UUID], submission_id: UUID, permitted: int
) -> Leaving:
    """Compare what stands with what a snapshot holds. Rows that this submission itself brought do not count as having
    stood before, those that it took off already (before an interruption) do."""
    missing: list[UUID] = []
    before = share = 0
    too_many = False
    gone = standing.removed_by_part(raw, submission_id)
    for part in parts:
        stood = standing.standing_on(raw, agency, name, part, submission_id)
        absent = [entry_id for entry_id in stood if entry_id not in present]
        already = gone.get(part, 0)
        was = sum(not brought for brought in stood.values()) + already
        leave = len(absent) + already
        missing += absent
        before += was
        share = max(share, -(-100 * leave // max(1, was)))
        too_many = too_many or 100 * leave > permitted * was
    return Leaving(sorted(missing), before, share, too_many)
