"""Topics filled from a world, as the relay would fill them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.messaging.codec import Envelope, encode
from tests.shared.messaging.world import World


async def publish(bootstrap: str, topic: str, partition: int, envelopes: Iterable[Envelope]) -> None:
    """Append envelopes to one partition, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        builder = producer.create_batch()
        for envelope in envelopes:
            key, value, headers = encode(*envelope)
            if not builder.append(timestamp=None, key=key, value=value, headers=headers):
                builder.close()
                await (await producer.send_batch(builder, topic, partition=partition))
                builder = producer.create_batch()
                builder.append(timestamp=None, key=key, value=value, headers=headers)
        builder.close()
        if builder.record_count():
            await (await producer.send_batch(builder, topic, partition=partition))
    finally:
        await producer.stop()


async def publish_raw(bootstrap: str, topic: str, partition: int, key: Any, value: Any, headers: Any) -> None:
    """Append one record that need not be an event."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value=value, key=key, headers=headers, partition=partition)
    finally:
        await producer.stop()


async def publish_world(
    world: World, bootstrap: str, topics: dict[str, str], start: dict[str, int] | None = None
) -> None:
    """Append every log to its topic, from log index ``start`` on."""
    for service, topic in topics.items():
        after = (start or {}).get(service, 0)
        for partition, envelopes in world.envelopes(service).items():
            await publish(bootstrap, topic, partition, [e for e in envelopes if e.logged.log_index > after])


async def until(condition: Callable[[], bool], timeout_seconds: float = 150.0) -> None:
    """Wait for a condition that reads the database, in a thread. Raises TimeoutError."""
    end = time.monotonic() + timeout_seconds
    while not await asyncio.to_thread(condition):
        if time.monotonic() > end:
            raise TimeoutError("the condition did not come true")
        await asyncio.sleep(0.1)
