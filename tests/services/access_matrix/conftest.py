"""One county for all tests of the matrix; what changes it comes last (test_writes.py)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.access_matrix.planted import Planted, planted


@pytest.fixture(scope="package")
def county(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    with planted(postgres, Path(tmp_path_factory.mktemp("matrix"))) as made:
        yield made
