"""One town for all fault tests: each leaves it whole, or fails. Its PostgreSQL and Kafka are its own, to be killed."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.town import Town
from tests.support.system import System


@pytest.fixture(scope="package")
def seed() -> int:
    """From ROLLCALL_FAULT_SEED, else a new one each run; a failing test shows it."""
    chosen = int(os.environ.get("ROLLCALL_FAULT_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"fault seed {chosen} (ROLLCALL_FAULT_SEED)")
    return chosen


@pytest.fixture(scope="package")
def founded(seed: int) -> Iterator[Town]:
    """The town, founded and found right."""
    system = System()
    try:
        town = Town(system.start(), seed)
        town.begin()
        town.verify()
        yield town
    finally:
        system.stop()


@pytest.fixture
def town(founded: Town) -> Iterator[Town]:
    """The town, with everything running again whatever the test before did."""
    if not founded.whole:
        pytest.fail(f"a fault before this one left the town wrong (seed {founded.seed}): see the first failure")
    founded.whole = False
    founded.system.revive()
    print(f"fault seed {founded.seed} (ROLLCALL_FAULT_SEED)")
    yield founded
