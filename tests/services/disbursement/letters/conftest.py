"""One aid centre for all tests here: each has counties of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.disbursement.letters.office import Office
from tests.services.installation import Installation


@pytest.fixture(scope="package")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    installation = Installation(postgres, Path(tmp_path_factory.mktemp("letters")))
    made = Office(installation)
    made.settle()
    yield made
    installation.close()
