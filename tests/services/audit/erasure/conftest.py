"""One county for all tests of erasure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.audit.erasure.county import County


@pytest.fixture(scope="package")
def county(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    made = County(postgres, tmp_path_factory.mktemp("erasure"))
    yield made
    made.installation.close()
