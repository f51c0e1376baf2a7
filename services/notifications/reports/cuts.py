"""Cuts: which events a report rests on, exactly and for ever.

A projection reads its logs partition by partition, so what it knows at a moment is no prefix of a log but one of each
partition. That is what a cut says, and the memory never overwrites a row: the same cut selects the same events in any
database at any time (ADR 0033).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from shared.eventsourcing.event import partition_of
from shared.eventsourcing.projection import Recorded
from shared.hosting.settings import PARTITIONS

LOGS = ("matching", "notifications", "registry")
NOTHING_FOLDED = dict.fromkeys(LOGS, (0,) * PARTITIONS)

_CHECKPOINTS = text("""
SELECT c.log, c.partition, c.last_log_index FROM checkpoints c JOIN builds b USING (projection, build)
WHERE c.projection = :projection AND b.state = 'live'
""")


@dataclass(frozen=True)
class Cut:
    """``indexes``: by log the last index of each partition, None = everything there is. ``known_at``: only what was
    recorded by then, too."""

    indexes: Mapping[str, tuple[int, ...]] | None = None
    known_at: datetime | None = None

    def condition(self, log: str) -> tuple[str, dict[str, Any]]:
        """SQL on a row of the memory, and its values."""
        terms, values = ["true"], dict[str, Any]()
        if self.indexes is not None:
            terms.append("log_index <= (CAST(:cut AS bigint[]))[part + 1]")
            values["cut"] = list(self.indexes.get(log, (0,) * PARTITIONS))
        if self.known_at is not None:
            terms.append("recorded_at <= :known_at")
            values["known_at"] = self.known_at
        return " AND ".join(terms), values


def cut_now(connection: Connection, projection: str, cause: Recorded | None = None) -> dict[str, tuple[int, ...]]:
    """What the live build of ``projection`` has committed, by log and partition; with ``cause``, up to it in its own
    partition, whose rows stand in this very transaction. One statement, so that it is one moment."""
    found = {log: list(indexes) for log, indexes in NOTHING_FOLDED.items()}
    for log, partition, last in connection.execute(_CHECKPOINTS, {"projection": projection}):
        found[log][partition] = last
    if cause is not None:
        own, partition = found[cause.service], partition_of(cause.stream_id, PARTITIONS)
        own[partition] = max(own[partition], cause.logged.log_index)
    return {log: tuple(indexes) for log, indexes in found.items()}
