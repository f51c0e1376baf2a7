"""Roots and proofs against the RFC's definition (written out naively here), its known vectors, and pymerkle."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from shared.transparency.proving import consistency_proof, inclusion_proof
from shared.transparency.tree import EMPTY_ROOT, NodeOf, Tree, folded, root_of
from shared.transparency.verifying import ProofBroken, verify_consistency, verify_inclusion

# The eight entries and heads that implementations of RFC 6962 and RFC 9162 share as test vectors.
ENTRIES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def leaves(size: int) -> list[bytes]:
    return [leaf(b"entry %d" % number) for number in range(size)]


def mth(hashes: list[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162, 2.1.3.1."""
    if len(hashes) == 1:
        return []
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], known: bool) -> list[bytes]:
    """SUBPROOF of RFC 9162, 2.1.4.1."""
    if m == len(hashes):
        return [] if known else [mth(hashes)]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    if m <= k:
        return [*subproof(m, hashes[:k], known), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def nodes(hashes: list[bytes]) -> NodeOf:
    def node(level: int, place: int) -> bytes:
        assert (place + 1) << level <= len(hashes), "a node was asked for that is not complete"
        return mth(hashes[place << level : (place + 1) << level])

    return node


def test_the_known_vectors_have_their_roots() -> None:
    tree = Tree()
    assert tree.root() == EMPTY_ROOT == bytes.fromhex(ROOTS[0])
    for number, entry in enumerate(ENTRIES, 1):
        tree.add(leaf(entry))
        hashes = [leaf(each) for each in ENTRIES[:number]]
        assert tree.root().hex() == folded(hashes).hex() == root_of(0, number, nodes(hashes)).hex() == ROOTS[number]


def test_a_tree_grows_by_many_leaves_at_once_and_on_from_kept_nodes_as_it_does_leaf_by_leaf() -> None:
    hashes = leaves(1_100)
    single = Tree()
    roots = [single.root()]
    for each in hashes:
        single.add(each)
        roots.append(single.root())
    for cuts in ((0, 1_100), (255, 256, 257, 1_100), (3, 300, 900, 1_030), (512, 1_024)):
        tree, done = Tree(), 0
        for cut in cuts:
            tree.extend(hashes[done:cut])
            done = cut
            assert (tree.size, tree.root()) == (cut, roots[cut])
    for size in (0, 1, 255, 256, 700):
        tree = Tree.grown(size, lambda level, place: folded(hashes[place << level : (place + 1) << level]))
        assert (tree.size, tree.root()) == (size, roots[size])
        tree.extend(hashes[size:])
        assert tree.root() == roots[-1]


def test_the_known_consistency_proof_of_the_vectors_is_made() -> None:
    hashes = [leaf(entry) for entry in ENTRIES]
    assert [each.hex() for each in consistency_proof(6, 8, nodes(hashes))] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.integers(1, 130), st.data())
def test_proofs_are_the_ones_of_the_definition_and_verify(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    at, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    included, consistent = inclusion_proof(at, size, nodes(hashes)), consistency_proof(old, size, nodes(hashes))
    assert included == path(at, hashes)
    assert consistent == subproof(old, hashes, True)
    verify_inclusion(hashes[at], at, size, included, mth(hashes))
    verify_consistency(old, mth(hashes[:old]), size, mth(hashes), consistent)


@given(st.integers(2, 70), st.data())
def test_nothing_else_verifies(size: int, data: st.DataObject) -> None:
    hashes = leaves(size)
    at, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size - 1))
    included, consistent = inclusion_proof(at, size, nodes(hashes)), consistency_proof(old, size, nodes(hashes))
    root, old_root, other = mth(hashes), mth(hashes[:old]), leaf(b"another entry")
    wrong = data.draw(st.integers(0, len(included) - 1))
    with pytest.raises(ProofBroken):
        verify_inclusion(other, at, size, included, root)
    with pytest.raises(ProofBroken):
        verify_inclusion(hashes[at], at, size, [*included[:wrong], other, *included[wrong + 1 :]], root)
    for altered in ([*included, other], included[:-1]):
        with pytest.raises(ProofBroken):
            verify_inclusion(hashes[at], at, size, altered, root)
    with pytest.raises(ProofBroken):
        verify_inclusion(hashes[at], (at + 1) % size, size, included, root)
    for altered in ([*consistent, other], consistent[:-1], [other, *consistent[1:]]):
        with pytest.raises(ProofBroken):
            verify_consistency(old, old_root, size, root, altered)
    with pytest.raises(ProofBroken):
        verify_consistency(old, other, size, root, consistent)
    with pytest.raises(ProofBroken):
        verify_consistency(old, old_root, size, other, consistent)


def test_sizes_that_make_no_sense_are_refused() -> None:
    hashes = leaves(5)
    for leaf_index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(ValueError, match="is not in a tree"):
            inclusion_proof(leaf_index, size, nodes(hashes))
    for old, size in ((0, 5), (6, 5)):
        with pytest.raises(ValueError, match="no consistency"):
            consistency_proof(old, size, nodes(hashes))
    verify_consistency(0, EMPTY_ROOT, 5, mth(hashes), [])
    with pytest.raises(ProofBroken, match="two different roots"):
        verify_consistency(5, mth(hashes), 5, EMPTY_ROOT, [])


@given(st.integers(1, 90), st.data())
def test_pymerkle_agrees_on_roots_and_paths(size: int, data: st.DataObject) -> None:
    theirs = InmemoryTree(algorithm="sha256")
    for number in range(size):
        theirs.append_entry(b"entry %d" % number)
    hashes = leaves(size)
    at, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert root_of(0, size, nodes(hashes)) == theirs.get_root(size)
    proof = theirs.prove_inclusion(at + 1, size)
    assert inclusion_proof(at, size, nodes(hashes)) == proof.path[1:]  # theirs begins with the leaf itself
    verify_inclusion(hashes[at], at, size, proof.path[1:], theirs.get_root(size))
    consistent = consistency_proof(old, size, nodes(hashes))
    verify_consistency(old, theirs.get_root(old), size, theirs.get_root(size), consistent)
