"""Where two trees part is found with one tile per kept level."""

from __future__ import annotations

import pytest

from services.audit.proofs.archive_tree import first_parting
from tests.shared.transparency.kept import SIZE, Kept, leaves

LEAVES = leaves()
OURS = Kept(LEAVES)


@pytest.mark.parametrize(
    "places", [[0], [255], [256, 300], [65_535], [65_536], [5, 69_999], [69_000, 69_999], [69_999]]
)
def test_the_first_leaf_that_differs_is_found(places: list[int]) -> None:
    other = list(LEAVES)
    for place in places:
        other[place] = bytes(32)
    theirs = Kept(other)
    assert first_parting(SIZE, OURS.read, theirs.read) == places[0]
    assert theirs.asked <= 3
    assert theirs.read_hashes <= 3 * 256 + 256


@pytest.mark.parametrize("size", [1, 256, 257, 65_536, SIZE])
def test_a_difference_behind_the_tree_is_none(size: int) -> None:
    assert first_parting(size, OURS.read, Kept([*LEAVES[:size], *([bytes(32)] * (SIZE - size))]).read) is None


def test_a_changed_node_over_unchanged_leaves_is_told_from_a_changed_leaf() -> None:
    theirs = Kept(LEAVES)
    theirs.levels[8][7] = bytes(32)
    assert first_parting(SIZE, OURS.read, theirs.read) is None
