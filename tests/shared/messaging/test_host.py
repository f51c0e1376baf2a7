"""The host on a real broker and database: embedded in a running loop, alone and in company."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.database.database import Database, driver
from shared.keys.keyring import KeyRing
from shared.messaging.builds import prepare
from shared.messaging.host import ProcessorHost
from shared.messaging.runner import Runner
from shared.messaging.transport import ProjectionApp
from tests.shared.messaging.topics import publish_world, until
from tests.shared.messaging.world import World, expected_days, live_schema, roster, shown_days


def marks(database: Database) -> dict[tuple[str, int], int]:
    with database.working() as connection:
        rows = driver(connection).execute("SELECT log, partition, last_log_index FROM checkpoints").fetchall()
    return {(log, partition): last for log, partition, last in rows}


def complete(database: Database, world: World) -> bool:
    ends = {
        (service, partition): envelopes[-1].logged.log_index
        for service in world.logs
        for partition, envelopes in world.envelopes(service).items()
        if envelopes
    }
    return {where: last for where, last in marks(database).items() if last} == ends


def shown(database: Database) -> Any:
    with database.working() as connection:
        return shown_days(connection, live_schema(database))


def host_for(kafka: Any, database: Database, keyring: KeyRing, topics: dict[str, str], app_id: str) -> ProcessorHost:
    def fail(reason: str) -> None:
        raise AssertionError(reason)

    return ProcessorHost(app_id, kafka.bootstrap, topics, [Runner(roster(), database, keyring)], on_fatal=fail)


@asynccontextmanager
async def hosting(
    kafka: Any, database: Database, keyring: KeyRing, topics: dict[str, str], app_id: str
) -> AsyncIterator[ProcessorHost]:
    """A started host that is stopped whatever the test does: its threads would keep the run alive."""
    host = host_for(kafka, database, keyring, topics, app_id)
    try:
        await host.start()
        yield host
    finally:
        await host.stop()


def make_topics(kafka: Any) -> dict[str, str]:
    return {service: kafka.create_topic(service) for service in ("alpha", "beta")}


def test_a_host_in_a_running_loop_applies_what_is_there_and_what_comes(
    kafka: Any, database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(500)
    prepare(database, [roster()])
    topics = make_topics(kafka)

    async def story() -> None:
        await publish_world(world, kafka.bootstrap, topics)
        async with hosting(kafka, database, keyring, topics, kafka.unique("group")) as host:
            await until(lambda: complete(database, world))
            start = {service: len(log) for service, log in world.logs.items()}
            world.grow(300)
            await publish_world(world, kafka.bootstrap, topics, start)
            await until(lambda: complete(database, world))
            assert host.problems() == []
            assert len(host.assignment()) == 8

    asyncio.run(story())
    assert shown(database) == expected_days(world)


def test_a_consumer_started_again_from_two_sides_is_one_consumer(
    kafka: Any, database: Database, keyring: KeyRing, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watchdog finds it silent while the supervisor finds it gone: neither leaves a second one running."""
    prepare(database, [roster()])
    topics = make_topics(kafka)
    world.grow(200)
    made: list[ProjectionApp] = []

    def noted(*given: Any) -> ProjectionApp:
        made.append(ProjectionApp(*given))
        return made[-1]

    monkeypatch.setattr("shared.messaging.host.ProjectionApp", noted)

    async def story() -> None:
        async with hosting(kafka, database, keyring, topics, kafka.unique("group")) as host:
            await until(lambda: len(host.assignment()) == 8)
            both = asyncio.gather(host.restart("silent"), host.restart("crashed"))
            await asyncio.sleep(0)
            assert not host._failed(), "while somebody starts it again it has not crashed"
            await both
            await publish_world(world, kafka.bootstrap, topics)
            await until(lambda: complete(database, world))
            assert [app for app in made if not app.should_stop] == [host._app]

    asyncio.run(story())
