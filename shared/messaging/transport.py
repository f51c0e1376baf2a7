"""Faust as membership, assignment and lifecycle: its aiokafka transport with the hot path and the seeks replaced.

What differs from faust-streaming 0.15.3 and why (all read in its source, design.md §4):

* ``_drain_messages`` hands whole fetches to the :class:`Intake` instead of four tasks per message; a partition without
  room is left out of the fetch, so nothing ever blocks in a ``put`` that a rebalance would cancel.
* ``perform_seek`` takes its positions from the database's checkpoints; if it cannot, the process ends: Kafka's own
  committed offset is never a place to start from.
* Offsets out of range, or unknown, raise (``auto_offset_reset="none"``) and are looked up again, never reset silently.
* ``wait_empty`` waits for running transactions, bounded by the session timeout.
* Commits are hints for lag displays: a failed one is dropped, it never crashes the consumer.
* The livelock detector is quiet: it watches acknowledgements, which are not used.
* No web server, no producer, no leader election, no reply consumer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, cast

import aiokafka
import faust
import structlog
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.app.base import BootStrategy
from faust.transport.drivers import aiokafka as driver

from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.intake import Intake, Label, TopicPartition

SESSION_TIMEOUT_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.0
REQUEST_TIMEOUT_SECONDS = 20.0
METADATA_AGE_SECONDS = 5.0
FETCH_WAIT_SECONDS = 0.1  # the client asks a broker for one thing at a time: a long poll would delay other partitions
FETCH_RECORDS_MAX = 1_000
FETCH_PARTITION_BYTES = 1_048_576
COMMIT_SECONDS = 5.0
_POLL_SECONDS = 0.5
_ERROR_PAUSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Reader(Protocol):
    """What the transport needs from whoever applies the records."""

    intake: Intake

    async def positions(self, assigned: set[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where to read each partition from, out of the database's checkpoints. Raises whatever fails."""

    async def finish_running(self, timeout_seconds: float) -> None:
        """Wait for running transactions."""

    def lost(self, where: Iterable[TopicPartition]) -> None:
        """The positions of these partitions are out of range or unknown: look them up and seek again."""

    def fetched(self, where: TopicPartition) -> None:
        """Something was queued for this partition."""

    def fatal(self, reason: str) -> None:
        """This process must end."""


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to Kafka, so that heartbeats go on whatever the main loop does."""

    def _create_consumer(self, loop: asyncio.AbstractEventLoop) -> aiokafka.AIOKafkaConsumer:
        conf = self.app.conf
        return aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            **cast(ProjectionApp, self.app).brokers.options(),
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_poll_records=FETCH_RECORDS_MAX,
            max_partition_fetch_bytes=FETCH_PARTITION_BYTES,
            fetch_max_wait_ms=int(FETCH_WAIT_SECONDS * 1_000),
            request_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1_000),
            session_timeout_ms=int(SESSION_TIMEOUT_SECONDS * 1_000),
            rebalance_timeout_ms=int(REQUEST_TIMEOUT_SECONDS * 1_000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1_000),
            metadata_max_age_ms=int(METADATA_AGE_SECONDS * 1_000),
        )

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        assigned = self.assignment()
        hints = {
            aiokafka.TopicPartition(where.topic, where.partition): aiokafka.OffsetAndMetadata(offset, "")
            for where, offset in offsets.items()
            if where in assigned
        }
        try:
            if hints:
                await self._ensure_consumer().commit(hints)
        except (KafkaError, ValueError) as error:
            log.debug("offset hint not committed", error=type(error).__name__)
            return False
        return True


class Consumer(driver.Consumer):
    """Hands whole fetches over and believes the database."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetching = asyncio.Lock()
        self._label = Label(-1, {})

    @property
    def reader(self) -> Reader:
        return cast(ProjectionApp, self.app).reader

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def perform_seek(self) -> None:
        """Position every assigned partition by its checkpoints."""
        reader = self.reader
        assigned = {TopicPartition(*where) for where in self.assignment()}
        reader.intake.assign(assigned, self.app.consumer_generation_id)
        try:
            await self.seek_to(await reader.positions(assigned))
        except IllegalStateError:
            raise  # another rebalance has begun: Faust comes back here after it
        except Exception as error:
            log.exception("no position from the checkpoints")
            reader.fatal(f"no position from the checkpoints: {type(error).__name__}")

    async def seek_to(self, positions: Mapping[TopicPartition, int]) -> None:
        """Seek, then let these partitions be fetched."""
        if positions:
            async with self._fetching:
                await self.seek_wait({faust.types.TP(*where): offset for where, offset in positions.items()})
        for where in positions:
            self.reader.intake.end_seek(where)

    async def _drain_messages(self, fetcher: Any) -> None:
        intake = self.reader.intake
        try:
            while not (self.should_stop or fetcher.should_stop):
                records, _ = await self._wait_next_records(_POLL_SECONDS)
                for where, batch in (records or {}).items():
                    place = TopicPartition(*where)
                    if intake.put(self._label, place, batch):
                        self.reader.fetched(place)
                await self.sleep(0)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise

    async def _getmany(self, active_partitions: Any, timeout: float) -> Any:
        intake = self.reader.intake
        if not intake.fetchable(TopicPartition(*where) for where in active_partitions or ()):
            await intake.wait_for_room(_POLL_SECONDS)
            return {}
        async with self._fetching:
            return await self._fetch(active_partitions, timeout)

    async def _fetch(self, active_partitions: Any, timeout: float) -> Any:
        """One fetch, from label to result without a seek in between: a fetch that began before a seek could return
        what follows it, be dropped for its old label, and leave the position behind what was dropped."""
        self._label = self.reader.intake.label(self.app.consumer_generation_id)
        wanted = self.reader.intake.fetchable(TopicPartition(*where) for where in active_partitions)
        if not wanted:
            return {}
        try:
            return await super()._getmany({faust.types.TP(*where) for where in wanted}, timeout)
        except OffsetOutOfRangeError as error:
            self.reader.lost(TopicPartition(*where) for where in error.args[0])
        except NoOffsetForPartitionError:
            self.reader.lost(wanted)
        except (IllegalStateError, KeyError, AssertionError):
            await self.sleep(_POLL_SECONDS)  # revoked while the fetch was under way
        except self.consumer_stopped_errors:
            raise
        except KafkaError as error:
            log.warning("fetch failed", error=type(error).__name__)
            await self.sleep(_ERROR_PAUSE_SECONDS)
        return {}

    async def wait_empty(self) -> None:
        """Wait for the transactions that are running, not for what is queued: that is read again by its new owner."""
        self.reader.intake.revoke_all()
        await self.reader.finish_running(SESSION_TIMEOUT_SECONDS)
        await self.commit()

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Tell Kafka how far we are, as a hint for lag displays only."""
        partitions = self.reader.intake.partitions.items()
        offsets = {faust.types.TP(*where): p.next_offset for where, p in partitions if p.next_offset is not None}
        return await self._commit(offsets) if offsets else False

    async def commit_and_end_transactions(self) -> None:
        await self.commit()

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Quiet: checkpoints are watched instead (shared.messaging.watchdog)."""


class Transport(driver.Transport):
    Consumer: ClassVar[type[Any]] = Consumer


class Boot(BootStrategy):
    """Only the consumer and what starts it."""

    enable_kafka_producer = False
    enable_web = False

    def kafka_consumer(self) -> Iterable[Any]:
        return [self.app.consumer]


class ProjectionApp(faust.App):
    """A Faust app that reads ``topics`` for ``reader`` and does nothing else."""

    BootStrategy = Boot

    def __init__(self, app_id: str, bootstrap: str | Brokers, topics: Iterable[str], reader: Reader) -> None:
        self.brokers = brokers_of(bootstrap)
        addresses = ";".join(f"kafka://{server.strip()}" for server in self.brokers.servers.split(","))
        super().__init__(
            app_id,
            broker=addresses,
            broker_session_timeout=SESSION_TIMEOUT_SECONDS,
            broker_heartbeat_interval=HEARTBEAT_SECONDS,
            broker_request_timeout=REQUEST_TIMEOUT_SECONDS,
            broker_commit_interval=COMMIT_SECONDS,
            broker_max_poll_records=FETCH_RECORDS_MAX,
            stream_wait_empty=True,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            autodiscover=False,
            store="memory://",
        )
        self.reader = reader
        for topic in sorted(set(topics)):
            self.topics.add(self.topic(topic, value_serializer="raw", key_serializer="raw"))

    async def ranges(self, assigned: Iterable[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """The offsets each partition holds now: the first, and the one behind the last."""
        wanted = {where: faust.types.TP(*where) for where in assigned}
        consumer: Any = self.consumer
        first, end = await consumer.earliest_offsets(*wanted.values()), await consumer.highwaters(*wanted.values())
        return {where: (first[tp], end[tp]) for where, tp in wanted.items()}

    async def seek_to(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions on from these offsets."""
        await cast(Consumer, self.consumer).seek_to(positions)

    def _new_transport(self) -> Any:
        return Transport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """None are needed: this app keeps nothing on disk."""
