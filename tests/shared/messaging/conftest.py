"""A prepared database, a key ring and a small world, fresh for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from shared.database.database import Database
from shared.keys.keyring import KeyRing
from tests.shared.messaging.world import BROKEN, World


@pytest.fixture
def database(postgres: Any) -> Iterator[Database]:
    fresh = Database("alpha", postgres.dsn(), name=f"processor_{uuid.uuid4().hex[:10]}")
    fresh.prepare()
    yield fresh
    fresh.close()


@pytest.fixture(scope="session")
def keyring(postgres: Any) -> Iterator[KeyRing]:
    ring = KeyRing(postgres.dsn(), bytes(range(32)), name=f"keys_{uuid.uuid4().hex[:10]}")
    ring.prepare()
    yield ring
    ring.close()


@pytest.fixture
def world(keyring: KeyRing) -> World:
    return World(keyring)


@pytest.fixture(autouse=True)
def nothing_is_broken() -> Iterator[None]:
    BROKEN.clear()
    yield
    BROKEN.clear()
