"""What makes a log trustworthy, as pure rules: leaves, the chain of a partition, the order of moments, the tree's root.

These rules are written apart from the sequencer that makes the leaves (in SQL), so that neither can err alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from shared.eventsourcing.event import Logged, leaf_hash
from shared.transparency.tree import Tree

WRONG_LEAF = "wrong_leaf"
REWRITTEN = "rewritten"
MISSING = "missing"
OUT_OF_ORDER = "out_of_order"
UNREADABLE = "unreadable"
FOREIGN_SOURCE = "foreign_source"
BAD_SIGNATURE = "bad_signature"  # a checkpoint came that its log has not signed under a known key
FORK = "fork"  # two different roots over equally many events are signed
STORE_DIFFERS = "store_differs"  # the service's own rows are not what was signed and cosigned
ARCHIVE_DIFFERS = "archive_differs"  # the archive is not what was cosigned of it
KAFKA_DIFFERS = "kafka_differs"  # Kafka brought another event than the one that was signed
CHECKPOINT_DIFFERS = "checkpoint_differs"  # store and Kafka agree, and what is signed is another tree
COSIGNATURE_DIFFERS = "cosignature_differs"  # what is kept as cosigned is not what the witness has signed
TOPIC_DIFFERS = "topic_differs"  # the topic, read again, holds another event than the archive
TOPIC_CUT = "topic_cut"  # the topic no longer holds an event that it brought before
SNAPSHOT_TOUCHED = "snapshot_touched"  # what is kept sealed of a replay is not what was kept

# Replays do not rest on what these are about: they read the archive; and what was missing and came later is there.
HARMLESS_TO_REPLAYS = (MISSING, UNREADABLE, STORE_DIFFERS, TOPIC_DIFFERS, TOPIC_CUT, BAD_SIGNATURE, SNAPSHOT_TOUCHED)


class Alarm(NamedTuple):
    """Something is wrong with a log at ``log_index`` (0 when the record does not even tell its index)."""

    service: str
    kind: str
    log_index: int
    detail: str


def leaf_alarm(logged: Logged, source: str) -> Alarm | None:
    """The alarm when the leaf is not the hash of exactly this event in this place of this log, else None."""
    service = source.rpartition("/")[2]
    if logged.source != source:
        return Alarm(service, FOREIGN_SOURCE, logged.log_index, "the event names another log as its own")
    if leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event) != logged.leaf:
        return Alarm(service, WRONG_LEAF, logged.log_index, "the leaf is not the hash of this event in this place")
    return None


class Verified(NamedTuple):
    """A log prefix that holds together: its size, last moment and root."""

    size: int
    recorded_at: datetime | None
    root: bytes


class LogBroken(Exception):
    """The first thing wrong with a log, as an alarm."""

    def __init__(self, alarm: Alarm) -> None:
        super().__init__(f"{alarm.service} #{alarm.log_index}: {alarm.kind} ({alarm.detail})")
        self.alarm = alarm


def verify_log(entries: Iterable[Logged], source: str | None = None) -> Verified:
    """Check a whole log from index 1: gapless indexes, rising moments, one source, every leaf. Raises LogBroken."""
    tree = Tree()
    last: datetime | None = None
    for logged in entries:
        source = source or logged.source
        service = source.rpartition("/")[2]
        index = tree.size + 1
        if logged.log_index != index:
            raise LogBroken(Alarm(service, MISSING, index, f"index {logged.log_index} stands where {index} belongs"))
        if last is not None and logged.recorded_at <= last:
            raise LogBroken(Alarm(service, OUT_OF_ORDER, index, "recorded no later than the event before it"))
        alarm = leaf_alarm(logged, source)
        if alarm is not None:
            raise LogBroken(alarm)
        tree.add(logged.leaf)
        last = logged.recorded_at
    return Verified(tree.size, last, tree.root())
