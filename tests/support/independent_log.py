"""A second reading of the log and the topic, written from the specification and sharing no code with the product.

The leaf is rebuilt from the record's headers as they stand (RFC 9162: SHA-256 over 0x00 and the entry).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

LEAF_ORDER = (
    "ce_specversion",
    "ce_source",
    "ce_id",
    "ce_type",
    "ce_subject",
    "ce_streamversion",
    "ce_effectiveon",
    "ce_principal",
    "ce_commandid",
    "ce_causeid",
    "ce_causerecordedat",
    "content-type",
    "ce_logindex",
    "ce_recordedat",
)
OUTSIDE = {"traceparent", "prevlogindex", "leaf"}


def leaf_entry(headers: dict[str, bytes], value: bytes) -> bytes:
    """What is hashed, without the 0x00 in front."""
    entry = b""
    for name in LEAF_ORDER:
        raw = headers.get(name)
        entry += b"\xff\xff\xff\xff" if raw is None else len(raw).to_bytes(4, "big") + raw
    return entry + value


def leaf_of(headers: dict[str, bytes], value: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf_entry(headers, value)).digest()


@dataclass
class Reading:
    """One partition as a careful consumer sees it: ``taken`` in order, ``repeated`` and ``beyond_gap`` counted."""

    taken: list[int] = field(default_factory=list)
    repeated: int = 0
    beyond_gap: int = 0
    leaves: dict[int, bytes] = field(default_factory=dict)
    values: dict[int, bytes] = field(default_factory=dict)


def read_topic(bootstrap: str, topic: str) -> dict[int, Reading]:
    """Read every record of the topic with kafka-python, checking its leaf and following its chain."""
    readings, records = read_records(bootstrap, topic)
    for record in records:
        _take(readings[record.partition], record)
    return readings


def read_records(bootstrap: str, topic: str) -> tuple[dict[int, Reading], list[Any]]:
    """An empty reading of each partition, and every record up to where the topic ends now, in order per partition."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for found in consumer.poll(timeout_ms=500).values():
                records += found
        return {partition.partition: Reading() for partition in partitions}, records
    finally:
        consumer.close()


def _take(reading: Reading, record: Any) -> None:
    headers = dict(record.headers)
    assert len(headers) == len(record.headers), "a header appears twice"
    assert set(headers) <= set(LEAF_ORDER) | OUTSIDE, "the record carries something that is not listed"
    index, previous = int(headers["ce_logindex"]), int(headers["prevlogindex"])
    leaf = leaf_of(headers, record.value)
    assert headers["leaf"].decode() == leaf.hex()
    assert record.key == headers["ce_subject"]
    last = reading.taken[-1] if reading.taken else 0
    if index <= last:
        reading.repeated += 1
        assert reading.leaves[index] == leaf, "a repetition differs from what it repeats"
    elif previous == last:
        reading.taken.append(index)
        reading.leaves[index], reading.values[index] = leaf, record.value
    else:
        reading.beyond_gap += 1


def everything(readings: dict[int, Reading]) -> list[int]:
    """The log indexes that arrived, over all partitions."""
    return sorted(index for reading in readings.values() for index in reading.taken)
