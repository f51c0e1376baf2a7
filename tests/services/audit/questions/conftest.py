"""One county's books for all tests of a file: each adds people of its own and looks at these only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.views import VIEWS
from services.audit import app
from tests.services.audit.questions.books import Books
from tests.services.installation import Installation


@pytest.fixture(scope="module")
def books(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    installation = Installation(postgres, tmp_path_factory.mktemp("books"))
    yield Books(installation, installation.start(app.build(installation.settings("audit"), VIEWS)))
    installation.close()
