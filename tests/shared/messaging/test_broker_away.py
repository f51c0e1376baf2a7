"""The broker goes away and comes back under a running host."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest

from deploy.broker import EmbeddedKafka
from deploy.ports import free_port
from shared.database.database import Database
from shared.keys.keyring import KeyRing
from shared.messaging.builds import prepare
from tests.conftest import KafkaFixture
from tests.shared.messaging.test_host import complete, hosting, make_topics, shown
from tests.shared.messaging.topics import publish_world, until
from tests.shared.messaging.world import World, expected_days, roster


@pytest.fixture
def own_kafka() -> Any:
    """A broker of this test's own, so that nobody else misses it."""
    with tempfile.TemporaryDirectory(prefix="rollcall-away-") as home:
        broker = EmbeddedKafka(Path(home), free_port(), free_port())
        try:
            broker.start()
            yield KafkaFixture(broker)
        finally:
            broker.stop(timeout_seconds=10.0)


@pytest.mark.timeout(240)
def test_a_host_outlives_its_broker(own_kafka: Any, database: Database, keyring: KeyRing, world: World) -> None:
    prepare(database, [roster()])
    topics = make_topics(own_kafka)
    world.grow(300)

    async def story() -> None:
        await publish_world(world, own_kafka.bootstrap, topics)
        async with hosting(own_kafka, database, keyring, topics, own_kafka.unique("group")) as host:
            await until(lambda: complete(database, world))
            await asyncio.to_thread(own_kafka.broker.stop, timeout_seconds=10.0)
            await asyncio.sleep(12)  # longer than the session
            await asyncio.to_thread(own_kafka.broker.start)
            start = {service: len(log) for service, log in world.logs.items()}
            world.grow(200)
            await publish_world(world, own_kafka.bootstrap, topics, start)
            await until(lambda: complete(database, world), 90)
            await until(lambda: host.problems() == [], 30)

    asyncio.run(story())
    assert shown(database) == expected_days(world)
