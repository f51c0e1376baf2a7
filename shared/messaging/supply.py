"""Where a rebuild reads a log from: its topic, with a consumer of its own and no group, or events given in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from shared.eventsourcing.event import Logged, partition_of
from shared.messaging.arrivals import Arrival, Foreign, arrival, read
from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.codec import Envelope

BATCH_EVENTS_MAX = 1_000
FETCH_SECONDS = 5.0


class Where(NamedTuple):
    """One partition of one service's log."""

    service: str
    partition: int


class Supply(Protocol):
    """Reads each partition once, forward."""

    def next_batch(self, where: Where) -> list[Arrival | Foreign]:
        """What comes next in the partition; empty at its present end."""

    def close(self) -> None: ...


class TopicSupply:
    """The logs as their topics hold them. To be used from a thread without a running event loop."""

    def __init__(self, bootstrap: str | Brokers, topics: Mapping[str, str]) -> None:
        self._topics = topics
        self._loop = asyncio.Runner()
        self._consumer: Any = self._loop.run(self._connect(bootstrap))
        self._current: KafkaPartition | None = None
        self._positions: dict[KafkaPartition, int] = {}

    def next_batch(self, where: Where) -> list[Arrival | Foreign]:
        return self._loop.run(self._next(KafkaPartition(self._topics[where.service], where.partition)))

    def close(self) -> None:
        self._loop.run(self._consumer.stop())
        self._loop.close()

    @staticmethod
    async def _connect(bootstrap: str | Brokers) -> Any:
        consumer = AIOKafkaConsumer(
            **brokers_of(bootstrap).options(), group_id=None, enable_auto_commit=False, auto_offset_reset="none"
        )
        await consumer.start()
        return consumer

    async def _next(self, where: KafkaPartition) -> list[Arrival | Foreign]:
        consumer = self._consumer
        if self._current != where:
            consumer.assign([where])
            first = (await consumer.beginning_offsets([where]))[where]
            consumer.seek(where, self._positions.get(where, first))
            self._current = where
        end = (await consumer.end_offsets([where]))[where]
        if await consumer.position(where) >= end:
            return []
        found = await consumer.getmany(where, timeout_ms=int(FETCH_SECONDS * 1_000), max_records=BATCH_EVENTS_MAX)
        self._positions[where] = await consumer.position(where)
        return [read(record) for record in found.get(where, ())]


class GivenSupply:
    """Logs as whole sequences, each in its order, split into ``partitions`` as the relay splits them."""

    def __init__(self, logs: Mapping[str, Iterable[Logged]], partitions: int) -> None:
        self._logs = {service: iter(log) for service, log in logs.items()}
        self._partitions = partitions
        self._last: dict[Where, int] = {}
        self._waiting: dict[Where, deque[Arrival | Foreign]] = {}

    def next_batch(self, where: Where) -> list[Arrival | Foreign]:
        waiting = self._waiting.setdefault(where, deque())
        while not waiting and (page := list(islice(self._logs.get(where.service, iter(())), BATCH_EVENTS_MAX))):
            for logged in page:
                its = Where(where.service, partition_of(logged.event.stream_id, self._partitions))
                envelope = Envelope(logged, self._last.get(its, 0), None)
                self._waiting.setdefault(its, deque()).append(arrival(envelope))
                self._last[its] = logged.log_index
        return [waiting.popleft() for _ in range(min(len(waiting), BATCH_EVENTS_MAX))]

    def close(self) -> None:
        """Nothing is held."""
