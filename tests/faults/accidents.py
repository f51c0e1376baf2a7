"""Accidents that happen while people work: armed steps, and servers killed at a moment nobody chose."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from tests.faults.town import Town

DEATH_SECONDS = 40.0


def arm(town: Town, steps: Mapping[str, str]) -> None:
    """Restart each process so that it kills itself at the named step (``step:count``)."""
    town.deaths.clear()
    for process in steps:
        town.system.kill(process)
    for process, step in steps.items():
        town.system.start_process(process, failpoint=step, wait=False)
    waiting = set(steps)
    deadline = time.monotonic() + 120.0
    while waiting:
        assert time.monotonic() < deadline, f"neither ready nor dead: {waiting}"
        for process in list(waiting):
            if not town.system.alive(process) or town.system.processes[process].ready():
                waiting.discard(process)
        time.sleep(0.1)


def await_deaths(town: Town, steps: Mapping[str, str]) -> None:
    """Every armed process must have reached its step; then all are started again."""

    def all_dead() -> bool:
        return all(process in town.deaths or not town.system.alive(process) for process in steps)

    town.system.eventually(all_dead, f"every step was passed: {dict(steps)}, seen {town.deaths}", DEATH_SECONDS)
    town.system.revive()


@contextmanager
def meanwhile(accident: Callable[[], None], after_seconds: float) -> Iterator[None]:
    """Let the accident happen in another thread some time after the work inside began; fails with what it raised."""
    failures: list[BaseException] = []

    def happen() -> None:
        time.sleep(after_seconds)
        try:
            accident()
        except BaseException as failure:  # told below, in the test's own thread
            failures.append(failure)

    thread = threading.Thread(target=happen)
    thread.start()
    try:
        yield
    finally:
        thread.join(180.0)
    if failures:
        raise failures[0]


def moment(rng: random.Random, longest_seconds: float) -> float:
    """When it happens."""
    return rng.uniform(0.0, longest_seconds)
