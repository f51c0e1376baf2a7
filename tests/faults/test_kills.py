"""kill -9 at every named step of the write and the read path, of every service and both servers, while people work.

Whatever the moment: each acknowledged submission has its effect once, none without an acknowledgement is half done, and
the tables equal what the oracle works out from the submissions.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

import pytest

from tests.faults.accidents import arm, await_deaths, meanwhile, moment
from tests.faults.town import Town

WRITE_STEPS = ("sequencer.before_commit", "sequencer.committed", "relay.sent", "relay.acked")
DECIDING_STEPS = ("matching.before_commit", "matching.committed")
READ_STEPS = ("host.fetched", "runner.before_commit", "runner.committed")

# Four processes die in each round; together every step once at least, on the services whose work passes it.
ROUNDS: tuple[Mapping[str, str], ...] = (
    {
        "registry": "append.committed",
        "matching": "runner.before_commit",
        "disbursement": "host.fetched",
        "notifications": "sequencer.before_commit",
    },
    {
        "registry": "sequencer.before_commit",
        "matching": "relay.sent",
        "disbursement": "runner.before_commit",
        "notifications": "runner.committed",
    },
    {
        "registry": "relay.acked",
        "matching": "matching.before_commit",
        "disbursement": "append.committed",
        "notifications": "sequencer.committed",
    },
)
EVERY_STEP = [
    *(("registry", step) for step in ("append.committed", *WRITE_STEPS)),
    *(("matching", step) for step in (*WRITE_STEPS, *READ_STEPS, *DECIDING_STEPS)),
    *(("disbursement", step) for step in ("append.committed", *WRITE_STEPS, *READ_STEPS)),
    *(("notifications", step) for step in (*WRITE_STEPS, *READ_STEPS)),
]


def _counted(steps: Mapping[str, str], rng: random.Random) -> dict[str, str]:
    """The first or second passage where one moment's work passes a step often, else the first."""
    often = ("registry", "matching")
    return {process: f"{step}:{rng.randint(1, 2) if process in often else 1}" for process, step in steps.items()}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [0, 1, *(pytest.param(n, marks=pytest.mark.long) for n in range(2, len(ROUNDS)))])
def test_four_processes_killed_at_their_steps_lose_and_double_nothing(town: Town, number: int) -> None:
    steps = _counted(ROUNDS[number], random.Random(f"{town.seed}/round/{number}"))
    print(steps)
    arm(town, steps)
    town.work()
    await_deaths(town, steps)
    town.verify()


@pytest.mark.timeout(300)
def test_kafka_killed_while_people_work_loses_and_doubles_nothing(town: Town) -> None:
    after_seconds = moment(random.Random(f"{town.seed}/kafka"), 1.5)
    print(f"Kafka is killed after {after_seconds:.2f} s")

    def accident() -> None:
        town.system.kill_kafka()
        town.system.start_kafka()

    with meanwhile(accident, after_seconds):
        town.work()
    town.system.revive()
    town.verify()


@pytest.mark.timeout(300)
def test_postgresql_killed_while_people_work_loses_and_doubles_nothing(town: Town) -> None:
    after_seconds = moment(random.Random(f"{town.seed}/postgresql"), 1.5)
    print(f"PostgreSQL is killed after {after_seconds:.2f} s")

    def accident() -> None:
        town.system.kill_postgres()
        time.sleep(1.0)
        town.system.start_postgres()

    with meanwhile(accident, after_seconds):
        town.work()
    town.system.revive()
    town.verify()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(("process", "step"), EVERY_STEP)
def test_any_process_killed_at_any_step_loses_and_doubles_nothing(
    town: Town, process: str, step: str, count: int
) -> None:
    steps = {process: f"{step}:{count}"}
    arm(town, steps)
    town.work()
    await_deaths(town, steps)
    town.verify()
