"""Making proofs (RFC 9162, 2.1.3 and 2.1.4) from whoever can name the complete nodes of a tree."""

from __future__ import annotations

from shared.transparency.tree import NodeOf, root_of, split


def inclusion_proof(leaf: int, size: int, node: NodeOf) -> list[bytes]:
    """The path from leaf ``leaf`` (from 0) to the root of the tree over ``size`` leaves, nearest first.

    Raises ValueError unless 0 ≤ leaf < size.
    """
    if not 0 <= leaf < size:
        raise ValueError(f"leaf {leaf} is not in a tree of {size}")
    path: list[bytes] = []
    first, after = 0, size
    while after - first > 1:
        middle = first + split(after - first)
        if leaf < middle:
            path.append(root_of(middle, after, node))
            after = middle
        else:
            path.append(root_of(first, middle, node))
            first = middle
    return path[::-1]


def consistency_proof(old: int, size: int, node: NodeOf) -> list[bytes]:
    """The proof that the tree over ``old`` leaves is the beginning of the one over ``size``; empty when they are the
    same. Raises ValueError unless 0 < old ≤ size."""
    if not 0 < old <= size:
        raise ValueError(f"there is no consistency from {old} to {size}")
    path: list[bytes] = []
    first, after = 0, size
    while old < after:
        middle = first + split(after - first)
        if old <= middle:
            path.append(root_of(middle, after, node))
            after = middle
        else:
            path.append(root_of(first, middle, node))
            first = middle
    if first > 0:  # else the verifier already holds the old root itself
        path.append(root_of(first, after, node))
    return path[::-1]
