from __future__ import annotations

from pathlib import Path

import pytest

from simulation.county import Settings, simulate

SETTINGS = Settings(students=6000, seed=8, schools=24)


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A county large enough to hold every kind of corruption."""
    folder = tmp_path_factory.mktemp("county")
    simulate(SETTINGS, folder)
    return folder
