"""One running system for all journeys through it, on the run's PostgreSQL and Kafka. Each journey brings people and
rows of its own, so that none depends on another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.chromium import CHROMIUM, FLAGS
from tests.support.district import District
from tests.support.portal import Portal, running_portal
from tests.support.system import System


@pytest.fixture(scope="package")
def district(postgres: Any, kafka: Any) -> Iterator[District]:
    """A district with four schools and thirty children, everything running."""
    system = System(postgres.server, kafka.broker)
    try:
        made = District(system.start(), seed=20_261_124)
        made.found(children=30)
        system.settle()
        yield made
    finally:
        system.stop()


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    with running_portal() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--no-first-run"])
        yield launched
        launched.close()
