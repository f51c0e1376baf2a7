"""An installation on a real PostgreSQL, fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.installation import Installation


@pytest.fixture
def installation(postgres: Any, tmp_path: Path) -> Iterator[Installation]:
    made = Installation(postgres, tmp_path)
    yield made
    made.close()
