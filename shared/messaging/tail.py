"""What a topic really holds of a log: the last log index of each partition up to which nothing is missing.

The rule. The relay remembers, per partition, the last acknowledged log index and its offset.

* The record at that offset still carries that index: everything before it is in place, and only what follows it (sent,
  never acknowledged) is read.
* Otherwise the tail was cut off, or the topic was recreated: the partition is read from its beginning.

Reading follows ``prevlogindex``: a record whose predecessor is the last one continues the chain, one at or below the
last is a repetition, and one beyond a gap does not count (it is sent again, behind what was missing).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.messaging.codec import PREVIOUS_HEADER

READ_TIMEOUT_SECONDS = 30.0
_PAGE_RECORDS = 5_000


class Mark(NamedTuple):
    """The last acknowledged record of a partition."""

    log_index: int
    kafka_offset: int


class Tail(NamedTuple):
    """What a partition holds: complete up to the record at ``mark``, and where its next record will stand."""

    mark: Mark
    next_offset: int


NOTHING = Mark(0, -1)


class TopicUnfit(Exception):
    """The topic is missing, or has another partition count than the log was started with."""


async def read_tails(
    consumer: AIOKafkaConsumer, topic: str, partitions: int, marks: Mapping[int, Mark]
) -> dict[int, Tail]:
    """The tail of every partition. Raises KafkaError, TimeoutError."""
    ends = await end_offsets(consumer, topic, partitions)
    return {
        partition: Tail(
            await _complete_to(consumer, TopicPartition(topic, partition), end, marks.get(partition, NOTHING)), end
        )
        for partition, end in ends.items()
    }


async def end_offsets(consumer: AIOKafkaConsumer, topic: str, partitions: int) -> dict[int, int]:
    """Where the next record of each partition will stand."""
    asked = [TopicPartition(topic, partition) for partition in range(partitions)]
    found = await consumer.end_offsets(asked)
    return {each.partition: found[each] for each in asked}


async def _complete_to(consumer: AIOKafkaConsumer, where: TopicPartition, end: int, mark: Mark) -> Mark:
    if NOTHING.kafka_offset < mark.kafka_offset < end:
        links = await _links(consumer, where, mark.kafka_offset, end)
        if links and links[0].log_index == mark.log_index and links[0].offset == mark.kafka_offset:
            return _follow(links, mark)
    return _follow(await _links(consumer, where, 0, end), NOTHING)


class _Link(NamedTuple):
    previous: int
    log_index: int
    offset: int


def _follow(links: list[_Link], last: Mark) -> Mark:
    for link in links:
        if link.previous == last.log_index < link.log_index:
            last = Mark(link.log_index, link.offset)
    return last


async def _links(consumer: AIOKafkaConsumer, where: TopicPartition, start: int, end: int) -> list[_Link]:
    """How each record from offset ``start`` to before ``end`` hangs on the one before it."""
    links: list[_Link] = []
    if start >= end:
        return links
    consumer.assign([where])
    consumer.seek(where, start)
    position = start
    while position < end:
        async with asyncio.timeout(READ_TIMEOUT_SECONDS):
            found = await consumer.getmany(where, timeout_ms=1_000, max_records=_PAGE_RECORDS)
        for record in found.get(where, ()):
            if record.offset < end:
                headers = dict(record.headers)
                previous, index = headers.get(PREVIOUS_HEADER, b"-1"), headers.get("ce_logindex", b"-1")
                links.append(_Link(int(previous), int(index), record.offset))
        position = await consumer.position(where)
    consumer.unsubscribe()  # else its waiting fetch holds up every later question on this connection
    return links
