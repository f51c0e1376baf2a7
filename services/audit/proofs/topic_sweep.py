"""Reads the topics again from their beginning, slowly and without end, and compares each record with the archive.

The archiver reads every record once; what somebody alters in a topic afterwards only whoever rebuilds from it would
see. One round says for each partition: every record is the archived one, none is missing between them, and the last
one archived when the round began is still there.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import sqlalchemy.exc
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.audit.alarms.rounds import note_round
from services.audit.archive import raise_alarms
from services.audit.archiver import Source
from services.audit.domain import TOPIC_CUT, TOPIC_DIFFERS, Alarm
from shared.database.database import Database, driver
from shared.eventsourcing.event import leaf_hash, partition_of
from shared.messaging.brokers import Brokers, brokers_of
from shared.messaging.codec import NotAnEvent, decode

POLL_MILLISECONDS = 500
RECORDS_AT_ONCE = 500
RECORDS_PER_SECOND = 2_000
ROUND_PAUSE_SECONDS = 600.0
RETRY_SECONDS = 30.0

_logger = logging.getLogger(__name__)


class TopicSweep:
    """Rereads the topics of ``sources``, one log after the other."""

    def __init__(self, database: Database, bootstrap: str | Brokers, sources: Sequence[Source]) -> None:
        self._database, self._bootstrap, self._sources = database, bootstrap, tuple(sources)

    def run(self, stop: threading.Event) -> None:
        """Reread until ``stop``; outlives broker and database."""
        stop.wait(RETRY_SECONDS)  # what has just come need not be read again at once
        while not stop.is_set():
            for source in self._sources:
                try:
                    self.round(source, stop)
                except (KafkaError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError) as lost:
                    _logger.info("%s cannot be read again now: %s", source.topic, type(lost).__name__)
                    stop.wait(RETRY_SECONDS)
            stop.wait(ROUND_PAUSE_SECONDS)

    def round(self, source: Source, stop: threading.Event) -> None:
        """Read a log's topic from its beginning to where it ends now. Raises KafkaError, psycopg.Error."""
        consumer = KafkaConsumer(
            **brokers_of(self._bootstrap).options(),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=RECORDS_AT_ONCE,
        )
        try:
            numbers = sorted(consumer.partitions_for_topic(source.topic) or ())
            partitions = [TopicPartition(source.topic, number) for number in numbers]
            wanted = self._archived(source.service)
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            seen = dict.fromkeys(numbers, 0)  # the last log index that continued its chain
            wrong: list[int] = []
            while not stop.is_set() and any(consumer.position(each) < ends[each] for each in partitions):
                count = 0
                for where, records in consumer.poll(timeout_ms=POLL_MILLISECONDS).items():
                    seen[where.partition], alarms = self._compare(source, seen[where.partition], records)
                    wrong += [alarm.log_index for alarm in alarms]
                    count += len(records)
                stop.wait(count / RECORDS_PER_SECOND)
        finally:
            consumer.close()
        if not stop.is_set():
            self._close(source, seen, wanted, wrong)

    def _archived(self, service: str) -> dict[int, int]:
        """Partition → its last archived log index."""
        with self._database.working() as connection:
            rows = driver(connection).execute(
                "SELECT partition, last_log_index FROM archive_partitions WHERE service = %s", (service,)
            )
            return dict(rows.fetchall())

    def _compare(self, source: Source, last: int, records: Sequence[Any]) -> tuple[int, list[Alarm]]:
        """Each record is the archived event of its index and continues its partition's chain, or repeats a part; up to
        which index, and what was wrong."""
        found: list[tuple[int, bytes]] = []
        alarms: list[Alarm] = []
        for record in records:
            try:
                logged, previous, _ = decode(record.value, [(name, bytes(value)) for name, value in record.headers])
            except NotAnEvent as broken:
                alarms.append(Alarm(source.service, TOPIC_DIFFERS, 0, f"offset {record.offset}: {broken}"))
                continue
            leaf = leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event)
            found.append((logged.log_index, leaf if logged.source == source.name else b""))
            if previous == last < logged.log_index:
                last = logged.log_index
        with self._database.working() as connection:
            raw = driver(connection)
            rows = raw.execute(
                "SELECT log_index, leaf FROM archive WHERE service = %s AND log_index = ANY(%s)",
                (source.service, [index for index, _ in found]),
            )
            known = {index: bytes(leaf) for index, leaf in rows}
            wrong = sorted(index for index, leaf in found if known.get(index, leaf) != leaf)
            if wrong:
                alarms.append(Alarm(source.service, TOPIC_DIFFERS, wrong[0], "topic and archive hold different events"))
            raise_alarms(raw, alarms)
        return last, alarms

    def _close(self, source: Source, seen: dict[int, int], wanted: dict[int, int], wrong: Sequence[int]) -> None:
        """The end of a round: whether each partition still reaches as far as it once did. ``wrong``: indexes that were
        found wrong on the way."""
        with self._database.working() as connection:
            raw = driver(connection)
            lost = [
                first
                for partition, last in wanted.items()
                if seen.get(partition, 0) < last
                and (first := _next(raw, source.service, partition, len(seen), seen.get(partition, 0))) is not None
            ]
            if lost:
                raise_alarms(raw, [Alarm(source.service, TOPIC_CUT, min(lost), "the topic no longer holds this event")])
            note_round(raw, source.service, "topic", max(seen.values(), default=0), min([*wrong, *lost], default=None))
            raw.execute(
                "INSERT INTO witness_progress (service, topic_rounds, topic_round_ended_at) VALUES (%s, 1, now())"
                " ON CONFLICT (service) DO UPDATE SET topic_rounds = witness_progress.topic_rounds + 1,"
                " topic_round_ended_at = now()",
                (source.service,),
            )


def _next(raw: psycopg.Connection[Any], service: str, partition: int, partitions: int, after: int) -> int | None:
    """The first archived index of a partition behind ``after``."""
    with raw.cursor("topic_sweep") as cursor:
        cursor.execute(
            "SELECT log_index, stream_id FROM archive WHERE service = %s AND log_index > %s ORDER BY log_index",
            (service, after),
        )
        for index, stream_id in cursor:
            if partition_of(stream_id, max(partitions, 1)) == partition:
                return int(index)
    return None
