"""The relay on a real broker of its own, so that the broker too can be killed, and its tail cut off."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from deploy.broker import EmbeddedKafka
from deploy.ports import free_port
from shared.database import driver
from shared.eventsourcing import log
from shared.eventsourcing.event import partition_of
from shared.transparency.checkpointer import Checkpointer
from shared.transparency.checkpoints import log_signers, unverified
from tests.support.independent_log import Reading, everything, read_records, read_topic
from tests.support.log_process import running
from tests.support.trial import Server, Trial

PARTITIONS = 4
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedKafka]:
    home = Path(tempfile.mkdtemp(prefix="rollcall-relay-"))
    made = EmbeddedKafka(home, free_port(), free_port())
    try:
        made.start()
        yield made
    finally:
        made.stop(timeout_seconds=10.0)
        shutil.rmtree(home, ignore_errors=True)


@dataclass
class Route:
    """One trial's way to its topic."""

    trial: Trial
    broker: EmbeddedKafka
    admin_url: str
    topic: str

    @property
    def heads(self) -> str:
        return f"{self.topic}.heads"

    def create_topics(self, *topics: tuple[str, int]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.broker.bootstrap)
        try:
            admin.create_topics([NewTopic(name, num_partitions=count, replication_factor=1) for name, count in topics])
        finally:
            admin.close()

    @contextmanager
    def relaying(self, failpoint: str = "") -> Iterator[Popen[bytes]]:
        name = self.trial.database.name.removeprefix("trial_")
        arguments = ("relay", name, self.broker.bootstrap, self.topic, self.heads)
        with running(self.admin_url, *arguments, failpoint=failpoint) as child:
            yield child

    def cursor(self) -> int:
        with self.trial.database.working() as connection:
            row = driver(connection).execute("SELECT log_index FROM relay_state").fetchone()
        assert row is not None
        return int(row[0])

    def check(self, count: int) -> dict[int, Reading]:
        """Wait until an independent reader finds events 1 … ``count`` complete, in order, and as the store has them."""

        def arrived() -> bool:
            try:
                return everything(read_topic(self.broker.bootstrap, self.topic)) == list(range(1, count + 1))
            except KafkaError:
                return False

        wait_until(arrived)
        readings = read_topic(self.broker.bootstrap, self.topic)
        with self.trial.database.working() as connection:
            entries = list(log.entries(driver(connection)))
        assert len(entries) == count
        for logged, _ in entries:
            reading = readings[partition_of(logged.event.stream_id, PARTITIONS)]
            assert reading.leaves[logged.log_index] == logged.leaf
            assert reading.values[logged.log_index] == logged.event.data
        return readings


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.fixture
def route(postgres: Server, trial: Trial, broker: EmbeddedKafka) -> Iterator[Route]:
    """A trial whose events are sequenced by a process of its own; the relay is the test's to start."""
    made = Route(trial, broker, postgres.dsn(), f"trial.{uuid.uuid4().hex[:10]}.log")
    made.create_topics((made.topic, PARTITIONS), (made.heads, 1))
    with running(made.admin_url, "sequencer", trial.database.name.removeprefix("trial_")):
        yield made


def repeated(readings: dict[int, Reading]) -> int:
    return sum(reading.repeated for reading in readings.values())


def beyond_gaps(readings: dict[int, Reading]) -> int:
    return sum(reading.beyond_gap for reading in readings.values())


def heads_told(route: Route) -> list[dict[str, object]]:
    return [json.loads(record.value) for record in read_records(route.broker.bootstrap, route.heads)[1]]


def test_an_undisturbed_relay_publishes_each_event_once_and_tells_the_head(route: Route) -> None:
    with route.relaying():
        for _ in range(6):
            route.trial.join(50)
        readings = route.check(300)
        assert (repeated(readings), beyond_gaps(readings)) == (0, 0)
        wait_until(lambda: any(told["log_index"] == 300 for told in heads_told(route)))
        assert {told["checkpoint"] for told in heads_told(route)} == {None}  # nobody has signed yet
        assert Checkpointer(route.trial.database, "trial", log_signers("trial", [b"1" * 32])).tick()
        wait_until(lambda: heads_told(route)[-1]["checkpoint"] is not None)
        assert unverified(str(heads_told(route)[-1]["checkpoint"])).size == 300
    last = [told for told in heads_told(route) if told["log_index"] == 300][-1]
    assert last["service"] == "trial"
    assert last["partitions"] == {str(number): reading.taken[-1] for number, reading in sorted(readings.items())}
    with route.trial.database.working() as connection:
        recorded = [entry.logged.recorded_at.timestamp() * 1e6 for entry in log.entries(driver(connection))]
    assert isinstance(last["closed_until"], int)
    assert last["closed_until"] >= recorded[-1] - 1


@pytest.mark.parametrize("failpoint", ["relay.sent:1", "relay.sent:3", "relay.acked:1", "relay.acked:2"])
def test_a_relay_killed_at_any_step_repeats_and_never_skips(route: Route, failpoint: str) -> None:
    with route.relaying(failpoint) as doomed:
        while doomed.poll() is None:
            route.trial.join(40)
            time.sleep(0.1)
        assert doomed.returncode == -signal.SIGKILL
    with route.trial.database.working() as connection:
        count = int((driver(connection).execute("SELECT count(*) FROM events").fetchone() or (0,))[0])
    route.trial.join(5)
    with route.relaying():
        assert beyond_gaps(route.check(count + 5)) == 0


def test_two_relays_fight_and_one_order_comes_out(route: Route) -> None:
    with ExitStack() as both:
        for _ in range(2):
            both.enter_context(route.relaying())
        for _ in range(4):
            route.trial.join(100)
            time.sleep(0.3)
            with route.trial.database.owner() as owner:
                driver(owner).execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
        assert beyond_gaps(route.check(400)) == 0


def test_a_topic_recreated_empty_under_a_running_relay_is_filled_again(route: Route) -> None:
    with route.relaying():
        route.trial.join(200)
        route.check(200)
        admin = KafkaAdminClient(bootstrap_servers=route.broker.bootstrap)
        try:
            admin.delete_topics([route.topic])
            wait_until(lambda: route.topic not in admin.list_topics())
        finally:
            admin.close()
        route.create_topics((route.topic, PARTITIONS))
        route.trial.join(50)
        route.check(250)


def test_a_foreign_writer_does_not_make_the_relay_lose_its_place(route: Route) -> None:
    with route.relaying():
        route.trial.join(60)
        route.check(60)
        copies = read_records(route.broker.bootstrap, route.topic)[1][:5]
        producer = KafkaProducer(bootstrap_servers=route.broker.bootstrap)
        for copy in copies:
            sent = producer.send(
                route.topic, value=copy.value, key=copy.key, headers=list(copy.headers), partition=copy.partition
            )
            sent.get(timeout=30)
        producer.close()
        route.trial.join(60)
        readings = route.check(120)
    assert repeated(readings) >= 5


def kill(broker: EmbeddedKafka) -> None:
    assert broker.identity is not None
    os.kill(broker.identity.pid, signal.SIGKILL)
    wait_until(lambda: not broker.alive())


def test_a_broker_killed_and_started_again_misses_nothing(route: Route) -> None:
    with route.relaying():
        route.trial.join(100)
        route.check(100)
        kill(route.broker)
        route.trial.join(100)
        time.sleep(1.0)
        route.broker.start()
        route.trial.join(100)
        route.check(300)


@pytest.mark.parametrize("relay_lives_on", [True, False])
def test_a_tail_cut_off_by_a_power_loss_is_published_again(route: Route, relay_lives_on: bool) -> None:
    with ExitStack() as stack:
        stack.enter_context(route.relaying())
        for _ in range(5):
            route.trial.join(60)
            time.sleep(0.2)
        route.check(300)
        wait_until(lambda: route.cursor() == 300)
        if not relay_lives_on:
            stack.close()
        kill(route.broker)
        kept = _cut_tails(route)
        route.broker.start()
        assert kept > 0
        assert len(everything(read_topic(route.broker.bootstrap, route.topic))) < 300 or relay_lives_on
        with ExitStack() as second:
            if not relay_lives_on:
                second.enter_context(route.relaying())
            route.trial.join(60)
            route.check(360)


def _cut_tails(route: Route) -> int:
    """Lose the second half of each partition's file, as if it had never reached the disk; the bytes kept."""
    kept = 0
    for folder in route.broker.data.glob(f"{route.topic}-*"):
        for segment in folder.glob("*.log"):
            os.truncate(segment, segment.stat().st_size // 2)
            kept += segment.stat().st_size
        for derived in (*folder.glob("*.index"), *folder.glob("*.timeindex"), *folder.glob("*.snapshot")):
            derived.unlink()
    return kept
