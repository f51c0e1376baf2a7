"""The two embedded servers on the real thing: reachable only here, and durable through kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer

from deploy.broker import EmbeddedKafka
from deploy.errors import PortTaken
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from deploy.topics import Topic, ensure_topics
from tests.conftest import KafkaFixture, PostgresFixture


@pytest.fixture
def home() -> Iterator[Path]:
    """A home for a server that a test may kill."""
    folder = Path(tempfile.mkdtemp(prefix="rollcall-kill-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def values(topic: str, bootstrap: str, count: int) -> list[bytes]:
    """The first records of a topic."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    try:
        return [record.value for _, record in zip(range(count), consumer, strict=False)]
    finally:
        consumer.close()


def test_postgres_answers_on_the_loopback_and_is_durable_by_setting(home: Path) -> None:
    server = EmbeddedPostgres(home, free_port())
    try:
        server.start()
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.execute(f"SHOW {name}").fetchone() == ("on",)
    finally:
        server.stop(timeout_seconds=10.0)


def test_postgres_wants_the_password(postgres: PostgresFixture) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.server.dsn(password="wrong"))


def test_a_failing_statement_leaves_no_value_in_the_servers_log(postgres: PostgresFixture) -> None:
    with psycopg.connect(postgres.dsn(postgres.create_database("probe")), autocommit=True) as connection:
        connection.execute("CREATE TABLE person (name text PRIMARY KEY)")
        connection.execute("INSERT INTO person VALUES (%s)", ["买买提·secret-name"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES (%s)", ["买买提·secret-name"])
    assert "secret-name" not in postgres.server.log.read_text()


def test_postgres_keeps_what_was_committed_through_kill_9(home: Path) -> None:
    server = EmbeddedPostgres(home, free_port())
    try:
        server.start()
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
        assert server.identity is not None
        os.kill(server.identity.pid, signal.SIGKILL)
        server.start()
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    finally:
        server.stop()


def test_postgres_does_not_start_over_a_taken_port(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = EmbeddedPostgres(home, taken.getsockname()[1])
        with pytest.raises(PortTaken, match=rf"PostgreSQL\) is held by process {os.getpid()}"):
            server.start()
    assert not server.data.exists()


def test_kafka_keeps_what_was_sent(kafka: KafkaFixture) -> None:
    topic = kafka.create_topic("probe", partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    producer.send(topic, b"one").get(timeout=10)
    producer.close()
    assert values(topic, kafka.bootstrap, 1) == [b"one"]


def test_kafka_makes_no_topic_by_accident(kafka: KafkaFixture) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, max_block_ms=1500)
    with pytest.raises(Exception, match=r"(?i)metadata|unknown topic|timeout"):
        producer.send(kafka.unique("nobody-made-this"), b"lost").get(timeout=5)
    producer.close(timeout=1)


def test_kafka_keeps_log_and_cluster_through_kill_9(home: Path) -> None:
    broker = EmbeddedKafka(home, free_port(), free_port())
    try:
        broker.start()
        cluster = broker.cluster_id()
        ensure_topics(broker.bootstrap, [Topic("kept", 1, {})])
        producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
        for sent in [producer.send("kept", str(number).encode()) for number in range(500)]:
            sent.get(timeout=10)
        producer.close()
        assert broker.identity is not None
        os.kill(broker.identity.pid, signal.SIGKILL)
        broker.start()
        assert broker.cluster_id() == cluster
        assert values("kept", broker.bootstrap, 500) == [str(number).encode() for number in range(500)]
    finally:
        broker.stop()
