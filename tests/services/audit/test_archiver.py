"""The archiver on a real Kafka: reads what was published, goes on where it stopped, and survives a topic made anew."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from services.audit import app, archived
from services.audit.archiver import Archiver, Source
from shared.database.database import driver
from shared.eventsourcing.event import Logged, microseconds, partition_of
from shared.hosting.service import Service
from shared.messaging.codec import encode
from tests.services.audit.test_domain import SOURCE, a_log
from tests.services.installation import PARTITIONS, Installation

WAIT_SECONDS = 60.0


class Topic:
    """A log's two topics, written as a relay writes them, with the other client."""

    def __init__(self, kafka: Any) -> None:
        self.bootstrap: str = kafka.bootstrap
        self.log, self.heads = kafka.create_topic("audit-log", PARTITIONS), kafka.create_topic("audit-heads", 1)
        self.last: dict[int, int] = {}

    def publish(self, log: list[Logged], checkpoint: str | None = None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        for logged in log:
            partition = partition_of(logged.event.stream_id, PARTITIONS)
            key, value, headers = encode(logged, self.last.get(partition, 0), None)
            producer.send(self.log, value, key, headers=headers, partition=partition)
            self.last[partition] = logged.log_index
        told = {
            "service": "registry",
            "log_index": log[-1].log_index,
            "closed_until": microseconds(log[-1].recorded_at + timedelta(seconds=1)),
            "partitions": {str(partition): last for partition, last in self.last.items()},
            **({} if checkpoint is None else {"checkpoint": checkpoint}),
        }
        producer.send(self.heads, json.dumps(told).encode(), partition=0)
        producer.flush()
        producer.close()

    def make_anew(self) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.delete_topics([self.log])
        until(lambda: self.log not in admin.list_topics())
        admin.create_topics([NewTopic(self.log, num_partitions=PARTITIONS, replication_factor=1)])
        admin.close()
        self.last.clear()


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


@contextmanager
def archiving(audit: Service, topic: Topic) -> Iterator[None]:
    stop = threading.Event()
    archiver = Archiver(audit.database, topic.bootstrap, [Source(SOURCE, topic.log, topic.heads)])
    thread = threading.Thread(target=archiver.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def audit(postgres: Any, tmp_path: Path) -> Iterator[Service]:
    installation = Installation(postgres, tmp_path)
    yield installation.start(app.build(installation.settings("audit"), {}))
    installation.close()


def head(audit: Service) -> archived.Head:
    with audit.database.working() as connection:
        return archived.heads(driver(connection), ["registry"])[0]


def test_logs_are_archived_across_stops_and_a_topic_made_anew(audit: Service, kafka: Any) -> None:
    topic, log = Topic(kafka), a_log(90)
    closed = log[-1].recorded_at + timedelta(seconds=1)
    topic.publish(log[:40])
    with archiving(audit, topic):
        until(lambda: head(audit).archived == 40 and head(audit).closed_until is not None)
    topic.publish(log[40:60])  # while nobody reads
    with archiving(audit, topic):
        until(lambda: head(audit).archived == 60)
        topic.make_anew()  # under the reader; the relay publishes everything again
        topic.publish(log)
        until(lambda: head(audit) == archived.Head("registry", 90, 90, closed))
    with audit.database.working() as connection:
        raw = driver(connection)
        assert archived.log_page(raw, "registry", 0, 90) == log
        assert archived.alarms_within(raw, {"registry": 90}) == []
