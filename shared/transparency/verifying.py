"""Verifying proofs with nothing but hashes (RFC 9162, 2.1.3.2 and 2.1.4.2).

Written from the RFC's bit-shifting algorithms and apart from proving.py, which recurses: neither can err alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shared.transparency.tree import EMPTY_ROOT, HASH_BYTES, parent

PATH_LIMIT = 64  # a tree of 2**64 leaves; anything longer is no proof


class ProofBroken(Exception):
    """A proof does not prove what it is said to prove; the message says where it fails."""


class Step(NamedTuple):
    """One step from a leaf to the root: ``sibling`` is hashed in front (``first``) or behind, which gives ``found``."""

    sibling: bytes
    first: bool
    found: bytes


def inclusion_steps(leaf_hash: bytes, leaf: int, size: int, path: Sequence[bytes]) -> list[Step]:
    """The way of a proof from ``leaf_hash`` at ``leaf`` (from 0) upwards; the last step's hash is the root it proves.
    Raises ProofBroken."""
    if not 0 <= leaf < size:
        raise ProofBroken(f"leaf {leaf} is not in a tree of {size}")
    _require_hashes([leaf_hash, *path])
    place, last, found = leaf, size - 1, leaf_hash
    steps = []
    for each in path:
        if last == 0:
            raise ProofBroken("the path is too long")
        first = bool(place & 1) or place == last
        found = parent(each, found) if first else parent(found, each)
        while first and not place & 1 and place:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
        steps.append(Step(each, first, found))
    if last:
        raise ProofBroken("the path is too short")
    return steps


def verify_inclusion(leaf_hash: bytes, leaf: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """That the tree over ``size`` leaves with this ``root`` has ``leaf_hash`` at ``leaf`` (from 0). Raises
    ProofBroken."""
    _require_hashes([root])
    steps = inclusion_steps(leaf_hash, leaf, size, path)
    if (steps[-1].found if steps else leaf_hash) != root:
        raise ProofBroken("the path does not lead to the root")


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """That the tree over ``size`` leaves with ``root`` begins with the one over ``old`` with ``old_root``. An empty
    tree is the beginning of every tree. Raises ProofBroken."""
    if not 0 <= old <= size:
        raise ProofBroken(f"a tree of {size} does not begin with one of {old}")
    _require_hashes([old_root, root, *path])
    if old in (0, size):
        if path:
            raise ProofBroken("nothing is to be proved, but the path is not empty")
        if old_root != (root if old else EMPTY_ROOT):
            raise ProofBroken(f"two different roots over {old} leaves")
        return
    hashes = list(path)
    if not old & (old - 1):  # a power of two: the old root itself is the first node
        hashes.insert(0, old_root)
    if not hashes:
        raise ProofBroken("the path is empty")
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_found = found = hashes[0]
    for each in hashes[1:]:
        if last == 0:
            raise ProofBroken("the path is too long")
        if place & 1 or place == last:
            old_found, found = parent(each, old_found), parent(each, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = parent(found, each)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofBroken("the path is too short")
    if old_found != old_root:
        raise ProofBroken(f"the path does not lead to the root over {old} leaves")
    if found != root:
        raise ProofBroken(f"the path does not lead to the root over {size} leaves")


def _require_hashes(hashes: Sequence[bytes]) -> None:
    if len(hashes) > PATH_LIMIT + 2 or any(len(each) != HASH_BYTES for each in hashes):
        raise ProofBroken("a hash has not 32 bytes, or there are too many")
