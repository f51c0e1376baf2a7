"""Fixtures for the mechanisms."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.trial import Server, Trial, fresh_trial


@pytest.fixture
def trial(postgres: Server) -> Iterator[Trial]:
    """A service of its own on a fresh database."""
    with fresh_trial(postgres) as made:
        yield made
