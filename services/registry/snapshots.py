"""What a snapshot leaves out has left the list, unless that is so much that a person must look first.

A list may arrive as several files, *parts*: civil affairs sends allowance and extreme hardship apart. A file is a
snapshot of the parts it holds rows of, and each part is compared for itself, so that a short one cannot vanish beside a
long one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from services.registry import standing
from services.registry.lists import ListName, ListRow
from services.registry.standing import Raw

PERMITTED_REMOVALS_PERCENT = 20
HARDSHIP_PART = "extreme_hardship"
MAIN_PART = ""


class Leaving(NamedTuple):
    """Who leaves. ``before``: how many stood on the parts compared; ``share_percent``: the largest share of one part,
    rounded up."""

    missing: list[UUID]
    before: int
    share_percent: int
    too_many: bool


def file_part(name: ListName, rows: Iterable[ListRow]) -> str:
    """The part that rows without a support type of their own belong to."""
    kinds = {row.support_type for row in rows if row.support_type}
    return HARDSHIP_PART if name == "civil" and kinds == {HARDSHIP_PART} else MAIN_PART


def row_part(row: ListRow, of_file: str) -> str:
    """The part that one row belongs to."""
    if row.list != "civil" or row.support_type is None:
        return of_file
    return HARDSHIP_PART if row.support_type == HARDSHIP_PART else MAIN_PART


def covered(rows: Iterable[ListRow], of_file: str) -> list[str]:
    """The parts a file is a snapshot of; a file without any row is one of the main part."""
    return sorted({row_part(row, of_file) for row in rows} or {of_file})


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
