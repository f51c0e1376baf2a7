"""One registry with three schools on a real PostgreSQL for all tests here; each test is an office of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.installation import Installation
from tests.services.registry.office import Office, RunningRegistry

_numbers = itertools.count()


@pytest.fixture(scope="package")
def running(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    installation = Installation(postgres, tmp_path_factory.mktemp("registry"))
    yield RunningRegistry(installation)
    installation.close()


@pytest.fixture
def office(running: RunningRegistry, tmp_path: Path) -> Office:
    return Office(running, tmp_path, next(_numbers))
