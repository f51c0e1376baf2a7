"""Where to read a partition from: the lowest hint of its projections' checkpoints, if it still means anything.

A hint counts only in the cluster and the topic it was seen in, and inside the partition's present range. Otherwise the
partition is read from its beginning and the checkpoints trim what they have: slow is safe.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from kafka.admin import KafkaAdminClient

from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.checkpoint import Hint
from shared.messaging.runner import Place, Runner

ADMIN_TIMEOUT_MILLISECONDS = 10_000


class TopicMissing(LookupError):
    """The broker knows no such topic (yet)."""


class Range(NamedTuple):
    """The offsets a partition holds: from ``first`` to before ``end``."""

    first: int
    end: int


class TopicIdentity:
    """Cluster and topic ids, asked from the broker. Thread-safe; one administrative connection at a time."""

    def __init__(self, bootstrap: str | Brokers) -> None:
        self._brokers = brokers_of(bootstrap)
        self._lock = threading.Lock()
        self._admin: Any = None

    def places(self, topics: Iterable[str]) -> dict[str, Place]:
        """The place of each topic. Raises TopicMissing, KafkaError."""
        wanted = sorted(set(topics))
        with self._lock:
            try:
                if self._admin is None:
                    self._admin = KafkaAdminClient(
                        **self._brokers.options(), request_timeout_ms=ADMIN_TIMEOUT_MILLISECONDS
                    )
                cluster_id = str(self._admin.describe_cluster()["cluster_id"])
                described = self._admin.describe_topics(wanted)
            except BaseException:
                self._drop()
                raise
        places = {}
        for topic in described:
            topic_id = topic.get("topic_id")
            if topic["error_code"] or not topic_id or topic_id == uuid.UUID(int=0):
                raise TopicMissing(str(topic["name"]))
            places[str(topic["name"])] = Place(cluster_id, str(topic_id))
        return places

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()


def start_offset(hints: Sequence[Hint | None], place: Place, offsets: Range) -> int:
    """The offset from which every projection finds what follows its checkpoint; the end when there is none."""
    if not hints:
        return offsets.end
    usable = [
        hint.next_offset
        for hint in hints
        if hint is not None
        and (hint.cluster_id, hint.topic_id) == place
        and offsets.first <= hint.next_offset <= offsets.end
    ]
    return min(usable) if len(usable) == len(hints) else offsets.first


def hints_of(runners: Iterable[Runner], service: str, partition: int) -> list[Hint | None]:
    """The hint of each projection that reads this log; None for one that has not begun. Halted ones do not count:
    they apply nothing, and are positioned anew when they are freed."""
    hints: list[Hint | None] = []
    for runner in runners:
        if service not in runner.logs:
            continue
        standing = runner.checkpoint(service, partition)
        if standing is None:
            hints.append(None)
        elif standing.halted is None:
            hints.append(standing.hint)
    return hints
