"""The loop that reads the agencies' topics and sends the answers; may be killed at any moment.

It is a member of no group: positions live in the registry's own database, and two of these loops do no harm, since each
takes only what follows the position it holds locked.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.registry.handlers import Registry
from services.registry.lists import topic_intake
from services.registry.lists.agency_topics import PARTITIONS, AgencyTopic
from services.registry.lists.topic_intake import Inlet, Record
from shared.database.database import driver
from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.positions import TopicIdentity, TopicMissing

BATCH_RECORDS = 500
POLL_MILLISECONDS = 300
PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0)
REQUEST_MILLISECONDS = 10_000

log = structlog.get_logger(__name__)


class TopicWorker:
    """Takes in what the agencies send to ``topics``."""

    def __init__(self, registry: Registry, bootstrap: str | Brokers, topics: Sequence[AgencyTopic]) -> None:
        self._registry, self._bootstrap, self._topics = registry, bootstrap, tuple(topics)

    def run(self, stop: threading.Event) -> None:
        """Take rows in until ``stop``; outlives broker and database."""
        failures = 0
        while not stop.is_set():
            try:
                asyncio.run(self._session(stop))
                failures = 0
            except (KafkaError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError, TopicMissing, OSError) as lost:
                log.warning("agency topics start over", error=type(lost).__name__)
                stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                failures += 1

    async def _session(self, stop: threading.Event) -> None:
        settings = {**brokers_of(self._bootstrap).options(), "request_timeout_ms": REQUEST_MILLISECONDS}
        consumer = AIOKafkaConsumer(enable_auto_commit=False, auto_offset_reset="none", **settings)
        producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **settings)
        try:
            await consumer.start()
            await producer.start()
            inlets = await asyncio.to_thread(self._inlets)
            await self._position(consumer, inlets)
            while not stop.is_set():
                found = await self._fetched(consumer, inlets)
                for where, records in found.items():
                    taken = [Record(record.offset, record.key, record.value) for record in records]
                    await asyncio.to_thread(topic_intake.take, self._registry, inlets[where], taken)
                await self._send_answers(producer)
        finally:
            await asyncio.shield(consumer.stop())
            await asyncio.shield(producer.stop())

    def _inlets(self) -> dict[TopicPartition, Inlet]:
        """Every partition with its topic's id. Raises TopicMissing, KafkaError."""
        identity = TopicIdentity(self._bootstrap)
        try:
            places = identity.places([topic.inlet for topic in self._topics])
        finally:
            identity.close()
        return {
            TopicPartition(topic.inlet, partition): Inlet(topic, places[topic.inlet].topic_id, partition)
            for topic in self._topics
            for partition in range(PARTITIONS)
        }

    async def _position(self, consumer: Any, inlets: dict[TopicPartition, Inlet]) -> None:
        """Read on where the registry stands; what the broker dropped meanwhile is gone, and said so."""
        consumer.assign(list(inlets))
        first, end = await consumer.beginning_offsets(list(inlets)), await consumer.end_offsets(list(inlets))
        for where, inlet in inlets.items():
            wanted = await asyncio.to_thread(self._wanted, inlet)
            if not first[where] <= wanted <= end[where]:
                log.warning("rows of an agency's topic are gone", topic=where.topic, wanted=wanted, first=first[where])
            consumer.seek(where, min(max(wanted, first[where]), end[where]))

    def _wanted(self, inlet: Inlet) -> int:
        with self._registry.database.writing() as connection:
            return topic_intake.next_offset(driver(connection), inlet)

    async def _fetched(self, consumer: Any, inlets: dict[TopicPartition, Inlet]) -> dict[TopicPartition, list[Any]]:
        try:
            found: dict[TopicPartition, list[Any]] = await consumer.getmany(
                timeout_ms=POLL_MILLISECONDS, max_records=BATCH_RECORDS
            )
            return found
        except OffsetOutOfRangeError:
            await self._position(consumer, inlets)
            return {}

    async def _send_answers(self, producer: Any) -> None:
        """At least once: an answer is forgotten only when the broker has it; its position tells a repetition."""
        answers = await asyncio.to_thread(self._waiting)
        if not answers:
            return
        sending = [await producer.send(each.topic, value=each.answer, key=each.key) for each in answers]
        await asyncio.gather(*sending)
        await asyncio.to_thread(self._sent, answers)

    def _waiting(self) -> list[topic_intake.Answer]:
        with self._registry.database.writing() as connection:
            return topic_intake.waiting(driver(connection), [topic.rejects for topic in self._topics])

    def _sent(self, answers: list[topic_intake.Answer]) -> None:
        with self._registry.database.writing() as connection:
            topic_intake.sent(driver(connection), answers)
