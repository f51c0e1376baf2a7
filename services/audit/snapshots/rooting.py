"""What a replay rests on, checked against the tree: the kept nodes of the archive, and what the witness cosigned.

A replay from a snapshot does not read the events before it. It rests on their root: the root the snapshot names must be
the one that the kept nodes give for so many events, the events behind it, each hashed anew, must lead from there to the
root over all, and the same nodes to the root that was cosigned last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from services.audit.domain import ARCHIVE_DIFFERS, MISSING
from services.audit.proofs.archive_tree import last_cosigned, nodes_of
from services.audit.snapshots.heads import Head, LogPart
from services.audit.verified import doubtful
from shared.transparency.nodes import STEP, TILE, HashMissing, Nodes, hashes_of
from shared.transparency.tree import Tree, folded


def trees_at(raw: psycopg.Connection[Any], head: Head) -> dict[str, Tree] | None:
    """The tree of each log at a snapshot, from the kept nodes; None when one of them is not what the snapshot names, or
    does not lead to what was cosigned."""
    trees: dict[str, Tree] = {}
    for service, part in head.logs.items():
        kept = last_cosigned(raw, service)
        size = max(part.log_index, 0 if kept is None else kept.size)
        try:
            with raw.transaction(force_rollback=True):
                nodes = _nodes(raw, service, size)
                trees[service] = Tree.grown(part.log_index, nodes.node)
                cosigned = kept is None or nodes.root(kept.size) == kept.root
        except HashMissing:
            return None
        if not cosigned or trees[service].root().hex() != part.root:
            return None
    return trees


def check(raw: psycopg.Connection[Any], trees: Mapping[str, Tree]) -> None:
    """That the events which were read are those whose nodes are kept. Raises ArchiveDoubtful."""
    for service, tree in trees.items():
        try:
            with raw.transaction(force_rollback=True):
                nodes = _nodes(raw, service, tree.size)
                wrong = None if tree.root() == nodes.root() else _first_wrong(raw, service, nodes)
        except HashMissing as missing:
            raise doubtful(service, (missing.place << missing.level) + 1, MISSING) from missing
        if wrong is not None:
            raise doubtful(service, wrong, ARCHIVE_DIFFERS)


def parts(trees: Mapping[str, Tree]) -> dict[str, LogPart]:
    """What a snapshot names of the logs it covers."""
    return {service: LogPart(log_index=tree.size, root=tree.root().hex()) for service, tree in trees.items()}


def _first_wrong(raw: psycopg.Connection[Any], service: str, nodes: Nodes) -> int:
    """The first event of the tile of 256 in which the archived leaves, each of which is its event's own, are not those
    whose nodes are kept."""
    for tile in range(nodes.size >> STEP):
        row = raw.execute(
            "SELECT string_agg(leaf, ''::bytea ORDER BY log_index) FROM archive"
            " WHERE service = %s AND log_index > %s AND log_index <= %s",
            (service, tile * TILE, (tile + 1) * TILE),
            binary=True,
        ).fetchone()
        if folded(hashes_of(row)) != nodes.node(STEP, tile):
            return tile * TILE + 1
    return (nodes.size >> STEP) * TILE + 1


def _nodes(raw: psycopg.Connection[Any], service: str, size: int) -> Nodes:
    """The nodes over ``size`` events. What the witness has not kept yet the caller rolls back at once: the witness is
    about to keep it, and would wait for whoever has."""
    store = nodes_of(raw, service)
    while not store.grow(size):
        pass
    return store.at(size)
