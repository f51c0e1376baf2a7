"""Processors that die, stop and fight, on a real broker and database. The rows must come out as if nothing happened."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from shared.database.database import Database, driver
from shared.database.stopped_clients import StoppedClients
from shared.keys.keyring import KeyRing
from shared.messaging.builds import prepare
from tests.shared.messaging.test_host import complete, host_for, hosting, make_topics, marks, shown
from tests.shared.messaging.topics import publish, publish_world, until
from tests.shared.messaging.world import World, expected_days, roster

FAILPOINTS = ("runner.before_commit", "runner.committed", "host.fetched")
ROOT = Path(__file__).parents[3]


class Processors:
    """Child processes, ended by their own ids whatever the test does."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.children: list[subprocess.Popen[bytes]] = []

    def start(self, failpoint: str | None = None) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "ROLLCALL_ENV": "test"}
        if failpoint is not None:
            environment["ROLLCALL_FAILPOINT"] = failpoint
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.shared.messaging.processor", json.dumps(self.given)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.children.append(child)
        return child

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait(10)


@pytest.fixture
def topics(kafka: Any) -> dict[str, str]:
    return make_topics(kafka)


@pytest.fixture
def processors(
    kafka: Any, postgres: Any, database: Database, keyring: KeyRing, topics: dict[str, str], request: Any
) -> Any:
    prepare(database, [roster()])
    given = {
        "bootstrap": kafka.bootstrap,
        "app_id": kafka.unique("group"),
        "topics": topics,
        "dsn": postgres.dsn(),
        "database": database.name,
        "keys": keyring.name,
    }
    started = Processors(given)
    yield started
    started.end()


def total(database: Database) -> int:
    with database.working() as connection:
        row = driver(connection).execute("SELECT coalesce(sum(applied), 0) FROM checkpoints").fetchone()
    return int(row[0]) if row else 0


def kill_and_restart(
    kills: int, processors: Processors, kafka: Any, database: Database, world: World, topics: dict[str, str]
) -> None:
    """Two processors; one is killed again and again, at a failpoint or at a random moment, while events arrive."""
    chance = random.Random(7)

    async def story() -> None:
        processors.start()
        for number in range(kills):
            start = {service: len(log) for service, log in world.logs.items()}
            world.grow(120)
            if number % 4 == 3:
                victim = processors.start()
                await asyncio.sleep(chance.uniform(0.8, 3.0))
                victim.send_signal(signal.SIGKILL if number % 8 == 3 else signal.SIGTERM)
            else:
                failpoint = FAILPOINTS[number % len(FAILPOINTS)]
                victim = processors.start(f"{failpoint}:{chance.randrange(1, 4)}")
            await publish_world(world, kafka.bootstrap, topics, start)
            deadline = time.monotonic() + 6
            while victim.poll() is None and time.monotonic() < deadline:
                await asyncio.sleep(0.05)
            if victim.poll() is None:
                victim.kill()
            victim.wait(10)
        await until(lambda: complete(database, world))

    asyncio.run(story())
    assert shown(database) == expected_days(world)
    assert total(database) == sum(len(log) for log in world.logs.values()), "each event was applied exactly once"


@pytest.mark.timeout(600)
def test_twelve_kills_lose_nothing_and_double_nothing(
    processors: Processors, kafka: Any, database: Database, world: World, topics: dict[str, str]
) -> None:
    kill_and_restart(12, processors, kafka, database, world, topics)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_sixty_kills_lose_nothing_and_double_nothing(
    processors: Processors, kafka: Any, database: Database, world: World, topics: dict[str, str]
) -> None:
    kill_and_restart(60, processors, kafka, database, world, topics)


@pytest.mark.timeout(600)
def test_a_stopped_worker_that_wakes_up_later_does_no_harm(
    processors: Processors, kafka: Any, database: Database, world: World, topics: dict[str, str]
) -> None:
    async def story() -> None:
        zombie = processors.start()
        world.grow(400)
        await publish_world(world, kafka.bootstrap, topics)
        await until(lambda: total(database) > 0)
        zombie.send_signal(signal.SIGSTOP)
        start = {service: len(log) for service, log in world.logs.items()}
        world.grow(200)
        await publish_world(world, kafka.bootstrap, topics, start)
        processors.start()
        await until(lambda: complete(database, world))
        zombie.send_signal(signal.SIGCONT)
        start = {service: len(log) for service, log in world.logs.items()}
        world.grow(200)
        await publish_world(world, kafka.bootstrap, topics, start)
        await until(lambda: complete(database, world))
        assert zombie.poll() is None

    asyncio.run(story())
    assert shown(database) == expected_days(world)
    assert total(database) == sum(len(log) for log in world.logs.values())


_STOPPED_IN_A_COPY = """
import sys, time, psycopg
raw = psycopg.connect(sys.argv[1])
raw.execute("CREATE TEMPORARY TABLE staged (n int)")
raw.execute("SELECT FROM checkpoints FOR UPDATE")
with raw.cursor().copy("COPY staged FROM STDIN") as copy:
    copy.write(b"1\\n" * 100_000)
    print("here", flush=True)
    time.sleep(300)
"""


def test_a_worker_stopped_inside_a_statement_does_not_keep_its_rows(
    kafka: Any, database: Database, keyring: KeyRing, world: World, topics: dict[str, str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("shared.messaging.host.STOPPED_CLIENTS_SECONDS", 0.5)
    monkeypatch.setattr("shared.messaging.host.StoppedClients", partial(StoppedClients, after_seconds=1.0))
    prepare(database, [roster()])
    world.grow(200)

    async def story() -> None:
        await publish_world(world, kafka.bootstrap, topics)
        async with hosting(kafka, database, keyring, topics, kafka.unique("group")):
            await until(lambda: complete(database, world))
            start = {service: len(log) for service, log in world.logs.items()}
            world.grow(200)
            command = [sys.executable, "-c", _STOPPED_IN_A_COPY, database.worker_conninfo]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as zombie:
                try:
                    assert zombie.stdout is not None
                    assert zombie.stdout.readline() == b"here\n"
                    zombie.send_signal(signal.SIGSTOP)
                    await publish_world(world, kafka.bootstrap, topics, start)
                    await until(lambda: complete(database, world), 60)
                finally:
                    zombie.kill()

    asyncio.run(story())
    assert shown(database) == expected_days(world)


@pytest.mark.timeout(600)
def test_a_rebalance_with_full_queues_and_a_stalled_database_loses_nothing(
    kafka: Any, database: Database, keyring: KeyRing, world: World, topics: dict[str, str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("shared.messaging.intake.QUEUED_RECORDS_MAX", 50)
    prepare(database, [roster()])
    world.grow(3_000)

    async def story() -> None:
        group = kafka.unique("group")
        async with hosting(kafka, database, keyring, topics, group) as first:
            await until(lambda: len(first.assignment()) == 8)
            with database.owner() as stall:
                driver(stall).execute("LOCK TABLE checkpoints IN EXCLUSIVE MODE")  # readable, not lockable
                await publish_world(world, kafka.bootstrap, topics)
                await until(lambda: any(p.queued_records >= 50 for p in first.intake.partitions.values()), 20)
                second = host_for(kafka, database, keyring, topics, group)
                await second.start()
                await asyncio.sleep(4)
                assert all(p.queued_records <= 50 + 1_000 for p in first.intake.partitions.values())
            try:
                await until(lambda: complete(database, world))
                await until(lambda: len(first.assignment()) == 4 and len(second.assignment()) == 4, 40)
                await first.stop()
                await until(lambda: len(second.assignment()) == 8, 40)
            finally:
                await second.stop()

    asyncio.run(story())
    assert shown(database) == expected_days(world)


@pytest.mark.timeout(120)
def test_a_gap_is_reported_and_ends_when_the_relay_publishes_what_was_missing(
    kafka: Any, database: Database, keyring: KeyRing, world: World, topics: dict[str, str]
) -> None:
    prepare(database, [roster()])
    world.grow(200)
    envelopes = world.envelopes("alpha")[2]

    async def story() -> None:
        await publish(kafka.bootstrap, topics["alpha"], 2, envelopes[:5] + envelopes[8:])
        async with hosting(kafka, database, keyring, topics, kafka.unique("group")) as host:
            await until(lambda: any(problem.kind == "gap" for problem in host.problems()), 20)
            assert marks(database)["alpha", 2] == envelopes[4].logged.log_index
            await publish(kafka.bootstrap, topics["alpha"], 2, envelopes[5:8])  # the others stand before them
            await until(lambda: marks(database)["alpha", 2] == envelopes[-1].logged.log_index, 20)
            await until(lambda: host.problems() == [], 20)

    asyncio.run(story())


def replace_topic(kafka: Any, topic: str) -> None:
    from kafka.admin import KafkaAdminClient, NewTopic

    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        admin.delete_topics([topic])
        for _ in range(50):
            time.sleep(0.2)
            if topic not in admin.list_topics():
                break
        admin.create_topics([NewTopic(topic, num_partitions=4, replication_factor=1)])
    finally:
        admin.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("running", [True, False])
def test_a_topic_recreated_empty_is_read_from_its_beginning_and_duplicates_are_trimmed(
    kafka: Any, database: Database, keyring: KeyRing, world: World, topics: dict[str, str], running: bool
) -> None:
    prepare(database, [roster()])
    world.grow(400)
    start = {"alpha": 0, "beta": len(world.logs["beta"])}

    async def replaced() -> None:
        await asyncio.to_thread(replace_topic, kafka, topics["alpha"])
        world.grow(100)
        await asyncio.sleep(1)
        await publish_world(world, kafka.bootstrap, topics, start)

    async def story() -> None:
        group = kafka.unique("group")
        await publish_world(world, kafka.bootstrap, topics)
        async with hosting(kafka, database, keyring, topics, group):
            await until(lambda: complete(database, world))
            if running:
                await replaced()
                await until(lambda: complete(database, world))
        if not running:
            await replaced()
            async with hosting(kafka, database, keyring, topics, group):
                await until(lambda: complete(database, world))

    asyncio.run(story())
    assert shown(database) == expected_days(world)
    assert total(database) == sum(len(log) for log in world.logs.values())


@pytest.mark.timeout(120)
def test_a_truncated_tail_is_not_taken_for_the_end(
    kafka: Any, database: Database, keyring: KeyRing, world: World, topics: dict[str, str]
) -> None:
    """The partition ends before the hint (an unclean broker): the checkpoint rules, the republished tail is trimmed."""
    prepare(database, [roster()])
    world.grow(300)

    async def story() -> None:
        group = kafka.unique("group")
        await publish_world(world, kafka.bootstrap, topics)
        async with hosting(kafka, database, keyring, topics, group):
            await until(lambda: complete(database, world))
        with database.owner() as connection:  # as if the topic had been longer when it was read
            driver(connection).execute("UPDATE checkpoints SET next_offset = next_offset + 500")
        start = {service: max(0, len(log) - 20) for service, log in world.logs.items()}
        world.grow(100)
        await publish_world(world, kafka.bootstrap, topics, start)
        async with hosting(kafka, database, keyring, topics, group):
            await until(lambda: complete(database, world))

    asyncio.run(story())
    assert shown(database) == expected_days(world)
    assert total(database) == sum(len(log) for log in world.logs.values())


@pytest.mark.timeout(120)
def test_a_host_that_cannot_learn_its_position_ends_its_process(
    kafka: Any, database: Database, keyring: KeyRing, topics: dict[str, str]
) -> None:
    reasons: list[str] = []

    async def story() -> None:
        host = host_for(kafka, database, keyring, topics, kafka.unique("group"))
        host._on_fatal = reasons.append
        try:
            await host.start()  # nothing was prepared: there is no live build to ask
            await until(lambda: bool(reasons), 30)
        finally:
            await host.stop()

    asyncio.run(story())
    assert "no position from the checkpoints" in reasons[0]
