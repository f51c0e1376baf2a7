"""The two embedded servers on the real thing."""

from __future__ import annotations

import psycopg

from tests.conftest import KafkaFixture, PostgresFixture


def test_postgres_answers_on_the_loopback_with_the_generated_password(postgres: PostgresFixture) -> None:
    name = postgres.create_database("probe")
    with psycopg.connect(postgres.dsn(name)) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_kafka_keeps_what_was_sent(kafka: KafkaFixture) -> None:
    from kafka import KafkaConsumer, KafkaProducer

    topic = kafka.create_topic("probe", partitions=1)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap)
    producer.send(topic, b"one").get(timeout=10)
    producer.close()
    consumer = KafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    try:
        assert next(consumer).value == b"one"
    finally:
        consumer.close()
