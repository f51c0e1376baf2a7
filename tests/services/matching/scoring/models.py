"""Small models for tests: comparisons on plain rows, figures easy to reckon with."""

from __future__ import annotations

import json
from typing import Any

from services.matching.scoring.model import Comparison, Level, Model, Thresholds

LEVELS = (Level("equal", 0.8, 0.1), Level("edits_1", 0.15, 0.15 / 4), Level("other", 0.05, 1 - 0.1 - 0.15 / 4, False))
NAME = Comparison("name", "text", LEVELS, {"field": "name"})
TOWN = Comparison("town", "text", LEVELS, {"field": "town"})
MODEL = Model("test", "test-1", 1 / 1025, Thresholds(10.0, 0.0), (NAME, TOWN))


def content(**changes: Any) -> dict[str, Any]:
    """MODEL as JSON values, some replaced."""
    raw: dict[str, Any] = json.loads(MODEL.content)
    return raw | changes


def levels(*shares: tuple[float, float], agreeing: int = 1) -> list[dict[str, Any]]:
    """Levels of the comparator `text` as JSON, from (m, u) each; the first `agreeing` agree."""
    names = ("equal", "edits_1", "other")
    return [{"name": names[index], "m": m, "u": u, "agrees": index < agreeing} for index, (m, u) in enumerate(shares)]


def parsed(raw: dict[str, Any]) -> Model:
    """The model in JSON values. Raises ModelRefused."""
    return Model.parse(json.dumps(raw).encode())
