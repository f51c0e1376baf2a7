"""Nodes at every eighth level: the roots and proofs of the whole tree from a few hundred hashes of it."""

from __future__ import annotations

import random

import pytest

from shared.transparency.nodes import Nodes, Remembered
from shared.transparency.proving import consistency_proof, inclusion_proof
from shared.transparency.tree import folded
from shared.transparency.verifying import verify_consistency, verify_inclusion
from tests.shared.transparency.kept import SIZE, Kept, leaves

LEAVES = leaves()
KEPT = Kept(LEAVES)
SIZES = (1, 255, 256, 257, 511, 65_535, 65_536, 65_537, 69_999, SIZE)


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_the_one_over_all_leaves(size: int) -> None:
    assert Nodes(KEPT.read, size).root() == folded(LEAVES[:size])
    assert Nodes(KEPT.read, SIZE).root(size) == folded(LEAVES[:size])


def test_proofs_read_few_hashes_and_remembered_nodes_are_not_read_again() -> None:
    chance, root, remembered, kept = random.Random(28), folded(LEAVES), Remembered(), Kept(LEAVES)
    for _ in range(60):
        index, before = chance.randrange(SIZE), kept.read_hashes
        nodes = Nodes(kept.read, SIZE)
        path = inclusion_proof(index, SIZE, remembered.over(nodes))
        verify_inclusion(nodes.node(0, index), index, SIZE, path, root)
        assert kept.read_hashes - before <= 5 * 256
    for old in SIZES:
        path = consistency_proof(old, SIZE, remembered.over(Nodes(kept.read, SIZE)))
        verify_consistency(old, folded(LEAVES[:old]), SIZE, root, path)
    before = kept.read_hashes
    inclusion_proof(index, SIZE, remembered.over(Nodes(kept.read, SIZE)))
    assert kept.read_hashes - before <= 256


def test_what_is_remembered_of_a_smaller_tree_serves_the_larger_one() -> None:
    remembered = Remembered(limit=10)  # it forgets on the way, and is right all the same
    for size in (65_536, 65_800, 69_000, SIZE):
        for index in (0, size // 2, size - 1):
            path = inclusion_proof(index, size, remembered.over(Nodes(KEPT.read, size)))
            verify_inclusion(LEAVES[index], index, size, path, folded(LEAVES[:size]))


@pytest.mark.parametrize("tile", [0, 3, 255, 256, 272, 273])
def test_other_leaves_in_a_tile_lead_to_the_root_they_would_have(tile: int) -> None:
    first, after = tile * 256, min((tile + 1) * 256, SIZE)
    others = [bytes([number % 251]) * 32 for number in range(after - first)]
    expected = folded([*LEAVES[:first], *others, *LEAVES[after:]])
    assert Nodes(KEPT.read, SIZE).replacing(tile, others).root() == expected
    assert Nodes(KEPT.read, SIZE).replacing(tile, LEAVES[first:after]).root() == folded(LEAVES)
