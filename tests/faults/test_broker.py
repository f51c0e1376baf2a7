"""A broker that forgets, is replaced or stays away: the log is in the database, and fills the topic again."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.town import Town
from tests.support.broker_faults import bytes_of, cut_tail, recreate_topic
from tests.support.independent_log import everything, read_topic

AWAY_SECONDS = 15.0
LONG_AWAY_SECONDS = 60.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["registry", "matching"])
def test_a_topic_recreated_empty_under_the_running_system_is_filled_again(town: Town, service: str) -> None:
    topic = town.system.topic(service)
    recreate_topic(town.system, topic)
    town.work()
    town.verify()
    head = town.system.ask(service, "SELECT head FROM sequencer_state")[0][0]
    assert everything(read_topic(town.system.broker.bootstrap, topic)) == list(range(1, int(str(head)) + 1))


@pytest.mark.timeout(300)
def test_a_tail_lost_with_the_power_is_published_again(town: Town) -> None:
    share = random.Random(f"{town.seed}/tail").uniform(0.05, 0.6)
    print(f"the last {share:.0%} of every partition is lost")
    town.system.kill_kafka()
    cut = {name: cut_tail(town.system.broker, town.system.topic(name), share) for name in ("registry", "matching")}
    assert all(cut.values())
    town.system.start_kafka()
    town.work()
    town.system.revive()
    town.verify()


@pytest.mark.timeout(300)
def test_a_tail_lost_while_nothing_else_happens_is_published_again(town: Town) -> None:
    """Nobody appends, nobody sends: the relay must notice by itself."""
    topic = town.system.topic("registry")
    before = bytes_of(town.system.broker, topic)
    town.system.kill_kafka()
    cut_tail(town.system.broker, topic, 0.3)
    town.system.start_kafka()
    head = int(str(town.system.ask("registry", "SELECT head FROM sequencer_state")[0][0]))

    def whole() -> bool:
        return everything(read_topic(town.system.broker.bootstrap, topic)) == list(range(1, head + 1))

    town.system.eventually(whole, f"the topic is whole again; it held {before}", timeout_seconds=60.0)
    town.system.revive()
    town.verify()


def _work_without_a_broker(town: Town, seconds: float) -> None:
    town.system.kill_kafka()
    begun = time.monotonic()
    town.work()  # what is submitted is acknowledged: appending does not need the broker
    assert time.monotonic() - begun < seconds, "submitting waited for the broker"
    time.sleep(seconds - (time.monotonic() - begun))
    town.system.start_kafka()
    town.system.revive()
    town.verify()


@pytest.mark.timeout(300)
def test_people_go_on_working_while_the_broker_is_away(town: Town) -> None:
    _work_without_a_broker(town, AWAY_SECONDS)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_people_go_on_working_while_the_broker_is_away_for_a_minute(town: Town) -> None:
    _work_without_a_broker(town, LONG_AWAY_SECONDS)
