"""A watchdog outside Faust: compares the checkpoints with the heads the relays publish (design.md §4).

A consumer that falls silent looks healthy from inside. From outside it shows: the head of a partition is ahead of the
checkpoint, and the checkpoint does not move. Then the consumer is started again, unless a known problem explains it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from shared.database.database import driver
from shared.eventsourcing.event import from_microseconds
from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.intake import TopicPartition
from shared.messaging.seeking import name

if TYPE_CHECKING:
    from shared.messaging.host import ProcessorHost

SILENCE_SECONDS = 30.0
COMPARE_SECONDS = 2.0
HEADS_FETCH_BYTES, HEADS_WAIT_SECONDS = 65_536, 0.9
HEADS_AGE_MAX_SECONDS = 15.0  # a relay speaks every second
_RETRY_SECONDS = 2.0

_STANDING = """
SELECT projection, log, partition, last_log_index, halted
FROM checkpoints JOIN builds USING (projection, build)
WHERE state = 'live' AND projection = ANY(%s)
"""

log = structlog.get_logger(__name__)


class Head(NamedTuple):
    """How far a service's log goes: its last index, a moment before which it is complete, each partition's last."""

    log_index: int
    closed_until: datetime
    partitions: dict[int, int]
    heard_at: float  # monotonic seconds


class Lag(NamedTuple):
    """How far a live projection is behind one partition: log indexes, and for how long it has not moved (seconds)."""

    projection: str
    service: str
    partition: int
    last_log_index: int
    head_log_index: int
    still_seconds: float

    @property
    def behind(self) -> bool:
        return self.last_log_index < self.head_log_index


class Watchdog:
    """Watches one host. ``heads`` is service → heads topic."""

    def __init__(
        self,
        host: ProcessorHost,
        bootstrap: str | Brokers,
        heads: Mapping[str, str],
        *,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self.lags: list[Lag] = []
        self.heads: dict[str, Head] = {}
        self._host, self._bootstrap, self._topics = host, bootstrap, heads
        self._silence_seconds = silence_seconds
        self._moved: dict[tuple[str, str, int], tuple[int, float]] = {}
        self._quiet_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen and to compare."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        """End both."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except Exception as error:
                log.info("heads are not heard now", error=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _hear(self) -> None:
        services = {topic: service for service, topic in self._topics.items()}
        consumer = AIOKafkaConsumer(
            **brokers_of(self._bootstrap).options(),
            enable_auto_commit=False,
            auto_offset_reset="latest",
            # Every relay speaks once a second: all of them in one answer, not each in one of its own.
            fetch_min_bytes=HEADS_FETCH_BYTES,
            fetch_max_wait_ms=int(HEADS_WAIT_SECONDS * 1_000),
        )
        await consumer.start()
        try:
            parts = [KafkaPartition(topic, 0) for topic in services]
            consumer.assign(parts)
            for part, end in (await consumer.end_offsets(parts)).items():
                consumer.seek(part, max(0, end - 1))
            while True:
                for part, records in (await consumer.getmany(timeout_ms=1_000)).items():
                    self._take(services[part.topic], records[-1].value)
        finally:
            await asyncio.shield(consumer.stop())

    def _take(self, service: str, value: bytes) -> None:
        told = json.loads(value)
        partitions = {int(partition): int(last) for partition, last in told["partitions"].items()}
        closed = from_microseconds(int(told["closed_until"]))
        self.heads[service] = Head(int(told["log_index"]), closed, partitions, time.monotonic())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(COMPARE_SECONDS)
            try:
                standing = await asyncio.to_thread(self._standing)
                self.compare(standing, time.monotonic())
                await self._act(standing)
            except Exception as error:
                log.info("checkpoints cannot be compared now", error=type(error).__name__)

    def _standing(self) -> dict[tuple[str, str, int], tuple[int, str | None]]:
        """(projection, service, partition) → (last log index, why it is halted), of the live builds of this host."""
        names = [runner.projection.name for runner in self._host.runners]
        database = self._host.runners[0].database
        with database.working() as connection:
            rows = driver(connection).execute(_STANDING, (names,)).fetchall()
        return {(projection, log, partition): (last, halted) for projection, log, partition, last, halted in rows}

    def compare(self, standing: Mapping[tuple[str, str, int], tuple[int, str | None]], now: float) -> None:
        """Work out the lags at monotonic second ``now``."""
        lags = []
        for runner in self._host.runners:
            for service in runner.logs:
                head = self.heads.get(service)
                for partition, end in sorted(head.partitions.items()) if head else ():
                    key = (runner.projection.name, service, partition)
                    last = standing.get(key, (0, None))[0]
                    moved, since = self._moved.get(key, (-1, now))
                    if moved != last or last >= end:
                        since = now
                    self._moved[key] = (last, since)
                    lags.append(Lag(*key, last, end, now - since))
        self.lags = lags

    async def _act(self, standing: Mapping[tuple[str, str, int], tuple[int, str | None]]) -> None:
        now, faults = time.monotonic(), self._host.faults
        for service in self._topics:
            head = self.heads.get(service)
            old = head is not None and now - head.heard_at > HEADS_AGE_MAX_SECONDS
            faults.set("silent", f"relay of {service}", "publishes no heads" if old else None)
        silent: dict[TopicPartition, str] = {}
        for lag in self.lags:
            where = TopicPartition(self._host.topics[lag.service], lag.partition)
            its = f"{lag.projection} {name(where)}"
            if standing.get(lag[:3], (0, None))[1] is not None:
                continue  # halted, and shown as that
            if faults.has("halted", its):
                self._host.look_again(lag.service, lag.partition)
            elif lag.behind and lag.still_seconds > self._silence_seconds and self._is_ours(where):
                known = faults.has("gap", name(where)) or faults.has("database", name(where))
                if not (known or faults.has("failing", its)):
                    silent[where] = its
        if silent and now > self._quiet_until:
            await self._host.restart(f"silent: {', '.join(sorted(silent.values()))}", silent)
            self._quiet_until = time.monotonic() + self._silence_seconds * 2  # it needs time to show that it reads

    def _is_ours(self, where: TopicPartition) -> bool:
        """Whether this host reads the partition, or reads nothing at all although it should."""
        assigned = self._host.assignment()
        return where in assigned or not assigned
