"""A process that is stopped, not dead: another takes over its partitions, its locks and its work, and when it wakes up
in the middle of what it was doing it changes nothing."""

from __future__ import annotations

import random
import time

import pytest

from tests.faults.town import Town

TAKEOVER_SECONDS = 90.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", ["matching", pytest.param("disbursement", marks=pytest.mark.long)])
def test_a_stopped_process_that_wakes_up_again_does_no_harm(town: Town, service: str) -> None:
    rng = random.Random(f"{town.seed}/zombie/{service}")
    successor = town.system.start_second(service)
    try:
        pause = rng.uniform(0.0, 1.0)
        print(f"{service} is stopped {pause:.2f} s after the work began")
        town.work()
        time.sleep(pause)
        town.system.freeze(service)
        town.work(pay=service != "disbursement")
        town.system.settle(timeout_seconds=TAKEOVER_SECONDS)
        town.system.thaw(service)
        town.work()
        town.verify()
    finally:
        town.system.thaw(service)
        town.system.end_second(successor)
