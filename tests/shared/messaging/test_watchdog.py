"""The watchdog sees from outside what a silent consumer does not know of itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from shared.database.database import Database
from shared.keys.keyring import KeyRing
from shared.messaging.builds import prepare
from shared.messaging.host import ProcessorHost
from shared.messaging.runner import Runner
from tests.shared.messaging.test_host import complete, make_topics
from tests.shared.messaging.topics import publish_raw, publish_world, until
from tests.shared.messaging.world import World, roster


async def tell_heads(kafka: Any, world: World, heads: dict[str, str]) -> None:
    for service, topic in heads.items():
        ends = {str(p): es[-1].logged.log_index for p, es in world.envelopes(service).items() if es}
        told = {"service": service, "log_index": len(world.logs[service]), "closed_until": 0, "partitions": ends}
        await publish_raw(kafka.bootstrap, topic, 0, None, json.dumps(told).encode(), [])


@pytest.mark.timeout(150)
def test_a_silent_consumer_is_started_again_and_the_lag_is_shown(
    kafka: Any, database: Database, keyring: KeyRing, world: World
) -> None:
    prepare(database, [roster()])
    topics = make_topics(kafka)
    heads = {service: kafka.create_topic(f"{service}-heads", 1) for service in topics}
    world.grow(200)

    async def story() -> None:
        host = ProcessorHost(
            kafka.unique("group"), kafka.bootstrap, topics, [Runner(roster(), database, keyring)], heads=heads
        )
        await host.start()
        try:
            assert host._watchdog is not None
            host._watchdog._silence_seconds = 4.0
            await until(lambda: len(host.assignment()) == 8)
            awake = host.intake.fetchable
            host.intake.fetchable = (  # type: ignore[method-assign]
                lambda active: awake(active) if host.restarts else set()
            )
            await publish_world(world, kafka.bootstrap, topics)
            await tell_heads(kafka, world, heads)
            await until(lambda: any(lag.behind for lag in host.lags()), 20)
            await until(lambda: complete(database, world), 60)
            assert host.restarts >= 1  # on a busy machine four seconds pass more than once
            await until(lambda: not any(lag.behind for lag in host.lags()), 20)
        finally:
            await host.stop()

    asyncio.run(story())
