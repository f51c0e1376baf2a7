"""The relay: publishes a log in its order, at least once, never with a gap (design.md §3, invariants 5 and 6).

One leader per service. It starts from what the topic really holds (tail.py), sends in log order with an idempotent
producer, and moves its cursor only behind acknowledgements. It is the topic's only writer, so each acknowledged offset
must be the one it counts on; anything else (a cut tail, a recreated topic, a second writer), and any failed send, ends
the producer and starts over from the tail. A crash anywhere repeats records and loses none.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.database.database import Database
from shared.eventsourcing import log
from shared.eventsourcing.event import microseconds, partition_of
from shared.kernel.failpoints import step
from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.codec import encode
from shared.messaging.tail import Mark, TopicUnfit, end_offsets, read_tails

BATCH_LIMIT = 2_000
BATCH_BYTES = 524_288
OUTSTANDING_LIMIT = 3
REQUEST_TIMEOUT_SECONDS = 10
POLL_SECONDS = 0.5  # for a wake-up that got lost
HEADS_SECONDS = 1.0
LEADER_POLL_SECONDS = 0.5
IDLE_SESSION_SECONDS = 30  # longer than a send may take to fail
PAUSES_SECONDS = (0.1, 0.5, 1.0, 2.0)
_LEADER_LOCK = 0x52656C6179

_logger = logging.getLogger(__name__)
T = TypeVar("T")


class TopicChanged(Exception):
    """The topic does not stand where this relay left it."""


class TopicAhead(Exception):
    """The topic holds events this log does not have: the database is older than what was published."""


class Sent(NamedTuple):
    """One page on its way: acknowledgements to come, per produced batch, and where the cursor goes behind them."""

    log_index: int
    batches: list[tuple[int, int, int, asyncio.Future[Any]]]  # partition, records, last log index, acknowledgement


class Relay:
    """Publishes the log of ``database`` to ``topic`` (``partitions`` partitions for ever) and its head to
    ``heads_topic`` (one partition). Both topics must exist; the relay creates none."""

    def __init__(
        self, database: Database, bootstrap: str | Brokers, topic: str, heads_topic: str, partitions: int
    ) -> None:
        self._database = database
        self._bootstrap = bootstrap
        self._topic = topic
        self._heads_topic = heads_topic
        self._partitions = partitions

    async def run(self) -> None:
        """Lead whenever nobody else does, until cancelled. Outlives broker and database."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._lead()
            except (KafkaError, psycopg.Error, OSError, TimeoutError, TopicChanged, TopicAhead, TopicUnfit) as lost:
                failures = 0 if time.monotonic() - started > max(PAUSES_SECONDS) else failures + 1
                _logger.warning("relay to %s starts over: %s: %s", self._topic, type(lost).__name__, lost)
            await asyncio.sleep(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])

    async def _lead(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="relay") as executor:
            store = _LogStore(self._database.worker_conninfo, executor)
            try:
                await store.open()
                while not await store.lead():  # noqa: ASYNC110 (the lock is in the database: nothing here can signal it)
                    await asyncio.sleep(LEADER_POLL_SECONDS)
                await self._publish(store)
            finally:
                await asyncio.shield(store.close())

    async def _publish(self, store: _LogStore) -> None:
        settings = {
            **brokers_of(self._bootstrap).options(),
            "request_timeout_ms": REQUEST_TIMEOUT_SECONDS * 1_000,
            "metadata_max_age_ms": 30_000,
        }
        producer = AIOKafkaProducer(acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, **settings)
        consumer = AIOKafkaConsumer(auto_offset_reset="none", enable_auto_commit=False, **settings)
        try:
            await producer.start()
            await consumer.start()
            await Term(self, store, producer, consumer).run()
        finally:
            await asyncio.shield(_stop(producer, consumer))


async def _stop(producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
    for client in (consumer, producer):
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
                await client.stop()
        except (KafkaError, TimeoutError, OSError) as late:
            _logger.info("a Kafka client did not stop in time: %s", type(late).__name__)


class Term:
    """One time in office: from the tail check to the first thing that is not as it should be."""

    def __init__(self, relay: Relay, store: _LogStore, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        self._topic, self._heads_topic, self._partitions = relay._topic, relay._heads_topic, relay._partitions
        self._store = store
        self._producer = producer
        self._consumer = consumer
        self._sent_to = 0
        self._last: dict[int, int] = {}  # partition → last log index sent
        self._next_offset: dict[int, int] = {}  # partition → offset the next acknowledged batch must have
        self._outstanding: deque[Sent] = deque()
        self._cursor = 0
        self._head: log.Head | None = None
        self._head_sent: asyncio.Future[Any] | None = None
        self._head_due = 0.0

    async def run(self) -> None:
        """Publish until cancelled. Raises KafkaError, psycopg.Error, TopicChanged, TopicAhead, TopicUnfit."""
        await self._take_up()
        while True:
            entries = await self._store.page(self._sent_to, wait=not self._outstanding)
            if entries:
                self._outstanding.append(await self._send(entries))
                step("relay.sent")
            while self._outstanding and (not entries or len(self._outstanding) >= OUTSTANDING_LIMIT):
                await self._acknowledge(self._outstanding.popleft())
            await self._tell_head()

    async def _take_up(self) -> None:
        """Find the first log index the topic lacks, and remember what was found as if it had just been acknowledged."""
        for topic, wanted in ((self._topic, self._partitions), (self._heads_topic, 1)):
            there = len(await self._producer.partitions_for(topic))
            if there != wanted:
                raise TopicUnfit(f"topic {topic} has {there} partitions, not {wanted}")
        cursor, marks, head = await self._store.marks()
        tails = await read_tails(self._consumer, self._topic, self._partitions, marks)
        ahead = max(tail.mark.log_index for tail in tails.values())
        if ahead > head.log_index:
            raise TopicAhead(f"topic {self._topic} reaches log index {ahead}, the log only {head.log_index}")
        found = {partition: tail.mark.log_index for partition, tail in tails.items()}
        lost = [
            index for partition, index in found.items() if partition in marks and index < marks[partition].log_index
        ]
        if lost:
            _logger.warning("topic %s lost its tail; publishing again behind log index %d", self._topic, min(lost))
        self._cursor = self._sent_to = min([cursor, *lost])
        self._last = found
        self._next_offset = {partition: tail.next_offset for partition, tail in tails.items()}
        await self._store.move(self._cursor, {partition: tail.mark for partition, tail in tails.items()})

    async def _send(self, entries: Sequence[log.Entry]) -> Sent:
        """Hand one page to the producer, batch by batch and in order within each partition."""
        sent = Sent(entries[-1].logged.log_index, [])
        builders: dict[int, Any] = {}
        for logged, traceparent in entries:
            partition = partition_of(logged.event.stream_id, self._partitions)
            previous = self._last[partition]
            if logged.log_index <= previous:
                continue  # the topic has it already
            key, value, headers = encode(logged, previous, traceparent)
            timestamp = microseconds(logged.recorded_at) // 1_000
            builder = builders.get(partition)
            if builder is None or not builder.append(timestamp=timestamp, key=key, value=value, headers=headers):
                if builder is not None:
                    await self._hand_over(sent, partition, builder)
                builder = builders[partition] = self._producer.create_batch()
                builder.append(timestamp=timestamp, key=key, value=value, headers=headers)
            self._last[partition] = logged.log_index
        for partition, builder in builders.items():
            await self._hand_over(sent, partition, builder)
        self._sent_to = sent.log_index
        return sent

    async def _hand_over(self, sent: Sent, partition: int, builder: Any) -> None:
        builder.close()
        acknowledgement = await self._producer.send_batch(builder, self._topic, partition=partition)
        sent.batches.append((partition, builder.record_count(), self._last[partition], acknowledgement))

    async def _acknowledge(self, sent: Sent) -> None:
        """Wait for the broker, check that the records stand where they must, then move the cursor."""
        marks: dict[int, Mark] = {}
        for partition, records, last, acknowledgement in sent.batches:
            metadata = await acknowledgement
            if metadata.offset != self._next_offset[partition]:
                raise TopicChanged(
                    f"partition {partition} stands at {metadata.offset}, expected {self._next_offset[partition]}"
                )
            self._next_offset[partition] += records
            marks[partition] = Mark(last, self._next_offset[partition] - 1)
        step("relay.acked")
        await self._store.move(sent.log_index, marks)
        self._cursor = sent.log_index

    async def _tell_head(self) -> None:
        """Every second, once everything up to a head is acknowledged, say how far the log is complete."""
        now = time.monotonic()
        if now < self._head_due:
            return
        if self._head_sent is not None:
            await self._head_sent
            self._head_sent = None
        if self._head is None:
            self._head = await self._store.head()
        if self._cursor < self._head.log_index:
            return
        if (
            not self._outstanding
            and await end_offsets(self._consumer, self._topic, self._partitions) != self._next_offset
        ):
            raise TopicChanged("the end of a partition is not where this relay left it")
        told = {
            "service": self._store.service,
            "log_index": self._head.log_index,
            "closed_until": microseconds(self._head.closed_until),
            "partitions": {str(partition): last for partition, last in sorted(self._last.items())},
            "checkpoint": await self._store.checkpoint(self._head.log_index),
        }
        self._head_sent = await self._producer.send(self._heads_topic, json.dumps(told).encode(), partition=0)
        self._head, self._head_due = None, now + HEADS_SECONDS


class _LogStore:
    """The database side, in one thread of its own: the connection that holds the lock, reads and moves the cursor."""

    def __init__(self, conninfo: str, executor: ThreadPoolExecutor) -> None:
        self._conninfo = conninfo
        self._executor = executor
        self._connection: psycopg.Connection[Any] | None = None
        self._source: str | None = None
        self.service = ""

    async def open(self) -> None:
        def connect() -> None:
            self._connection = connection = psycopg.connect(self._conninfo, autocommit=True)
            # The cursor is a hint: one that is too old only makes the tail check read a little more.
            connection.execute("SET synchronous_commit = off")
            # A stopped process must not hold the lock for ever; a running one asks every POLL_SECONDS.
            connection.execute(f"SET idle_session_timeout = '{IDLE_SESSION_SECONDS}s'")
            connection.execute("SET enable_seqscan = off")  # as in the sequencer
            connection.execute("LISTEN sequenced")

        await self._do(connect)

    async def lead(self) -> bool:
        row = await self._do(lambda: self._raw.execute("SELECT pg_try_advisory_lock(%s)", (_LEADER_LOCK,)).fetchone())
        return bool(row and row[0])

    async def marks(self) -> tuple[int, dict[int, Mark], log.Head]:
        def read() -> tuple[int, dict[int, Mark], log.Head]:
            row = self._raw.execute("SELECT log_index FROM relay_state").fetchone()
            assert row is not None
            found = self._raw.execute("SELECT partition, log_index, kafka_offset FROM relay_partitions")
            return row[0], {partition: Mark(*mark) for partition, *mark in found}, log.head(self._raw)

        return await self._do(read)

    async def head(self) -> log.Head:
        return await self._do(lambda: log.head(self._raw))

    async def checkpoint(self, upto: int) -> str | None:
        return await self._do(lambda: log.checkpoint(self._raw, upto))

    async def page(self, after: int, *, wait: bool) -> list[log.Entry]:
        """The next entries; with ``wait``, wait a little for some."""

        def read() -> list[log.Entry]:
            if self._source is None:
                self._source = log.head(self._raw).source
                self.service = (self._source or "").rpartition("/")[2]
            found = [] if self._source is None else log.page(self._raw, self._source, after, BATCH_LIMIT)
            if not found and wait:
                for _ in self._raw.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass
            return found

        return await self._do(read)

    async def move(self, log_index: int, marks: dict[int, Mark]) -> None:
        def write() -> None:
            with self._raw.transaction():
                self._raw.execute("UPDATE relay_state SET log_index = %s", (log_index,))
                for partition, mark in marks.items():
                    self._raw.execute(
                        "INSERT INTO relay_partitions VALUES (%s, %s, %s) ON CONFLICT (partition)"
                        " DO UPDATE SET log_index = excluded.log_index, kafka_offset = excluded.kafka_offset",
                        (partition, *mark),
                    )

        await self._do(write)

    async def close(self) -> None:
        if self._connection is not None:
            await self._do(self._connection.close)

    @property
    def _raw(self) -> psycopg.Connection[Any]:
        assert self._connection is not None
        return self._connection

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
