"""One running portal per module of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.portal import Portal, running_portal


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    with running_portal() as running:
        yield running
