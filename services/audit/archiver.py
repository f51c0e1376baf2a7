"""Reads every log and its heads from Kafka into the archive, with the second, independent client (kafka-python).

It is a member of no group and starts where the archive says. The chain of log indexes decides what is taken, an offset
is only a hint: when a record does not continue the chain (a cut or recreated topic), the partition is read again from
its beginning, where repetitions are compared and skipped.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.audit.archive import Arrived, note_head, position, take
from services.audit.proofs.witnessing import note_checkpoint
from shared.database.database import Database, driver
from shared.eventsourcing.event import from_microseconds
from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.codec import NotAnEvent, decode

POLL_MILLISECONDS = 300
POLL_RECORDS = 2_000
LOOK_AGAIN_SECONDS = 5.0  # after a gap: what is missing may be on its way
PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0)
METADATA_SECONDS = 10.0

_logger = logging.getLogger(__name__)


class TopicMissing(Exception):
    """A log's topic does not exist (yet)."""


@dataclass(frozen=True)
class Source:
    """Where a service's log is published. ``name`` is its ``ce_source``."""

    name: str
    topic: str
    heads_topic: str

    @property
    def service(self) -> str:
        return self.name.rpartition("/")[2]


class Archiver:
    """The worker that keeps the archive. Two of them do no harm: each takes only what the archive does not have."""

    def __init__(self, database: Database, bootstrap: str | Brokers, sources: Sequence[Source]) -> None:
        self._database, self._bootstrap, self._sources = database, bootstrap, tuple(sources)

    def run(self, stop: threading.Event) -> None:
        """Archive until ``stop``; outlives broker and database."""
        failures = 0
        while not stop.is_set():
            try:
                self._session(stop)
                failures = 0
            except (KafkaError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError, TopicMissing, OSError) as lost:
                _logger.warning("the archiver starts over: %s: %s", type(lost).__name__, lost)
                stop.wait(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
                failures += 1

    def _session(self, stop: threading.Event) -> None:
        consumer = KafkaConsumer(
            **brokers_of(self._bootstrap).options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=POLL_RECORDS,
            metadata_max_age_ms=int(METADATA_SECONDS * 1_000),
        )
        try:
            _Session(self._database, consumer, self._sources).run(stop)
        finally:
            consumer.close()


class _Session:
    """One connection's life: assign all partitions, seek to what the archive wants, read."""

    def __init__(self, database: Database, consumer: Any, sources: Sequence[Source]) -> None:
        self._database, self._consumer = database, consumer
        self._log_of = {source.topic: source for source in sources}
        self._heads_of = {source.heads_topic: source for source in sources}

    def run(self, stop: threading.Event) -> None:
        """Raises KafkaError, psycopg.Error, TopicMissing."""
        self._assign()
        while not stop.is_set():
            found: Mapping[TopicPartition, list[Any]] = self._consumer.poll(timeout_ms=POLL_MILLISECONDS)
            for where, records in found.items():
                if where.topic in self._log_of:
                    self._take(where, records, stop)
            for where, records in found.items():
                if where.topic in self._heads_of:
                    self._heads(self._heads_of[where.topic], records)

    def _assign(self) -> None:
        partitions: list[TopicPartition] = []
        for topic in (*self._log_of, *self._heads_of):
            numbers = self._consumer.partitions_for_topic(topic)
            if not numbers:
                raise TopicMissing(topic)
            partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
        self._consumer.assign(partitions)
        ends = self._consumer.end_offsets(partitions)
        with self._database.working() as connection:
            raw = driver(connection)
            for where in partitions:
                if where.topic in self._heads_of:
                    self._consumer.seek(where, max(ends[where] - 1, 0))  # only the last word counts
                    continue
                _, offset = position(raw, self._log_of[where.topic].service, where.partition)
                # Beyond the end: the topic was cut or made anew; the chain sorts out what is a repetition.
                self._consumer.seek(where, offset if offset <= ends[where] else 0)

    def _take(self, where: TopicPartition, records: list[Any], stop: threading.Event) -> None:
        source = self._log_of[where.topic]
        arrived = [_arrived(record) for record in records]
        with self._database.working() as connection:
            taken = take(driver(connection), source.name, where.partition, arrived)
        if taken.gap:
            _logger.warning("%s partition %d does not continue; reading it again", where.topic, where.partition)
            stop.wait(LOOK_AGAIN_SECONDS)
            self._consumer.seek(where, 0)

    def _heads(self, source: Source, records: list[Any]) -> None:
        told = json.loads(records[-1].value)
        with self._database.working() as connection:
            raw = driver(connection)
            note_head(raw, source.service, int(told["log_index"]), from_microseconds(int(told["closed_until"])))
            for note in dict.fromkeys(json.loads(record.value).get("checkpoint") for record in records):
                if note is not None:
                    note_checkpoint(raw, source.name, str(note))


def _arrived(record: Any) -> Arrived:
    headers = [(name, bytes(value)) for name, value in record.headers]
    try:
        return Arrived(record.offset, decode(record.value, headers))
    except NotAnEvent as broken:
        return Arrived(record.offset, None, str(broken))
