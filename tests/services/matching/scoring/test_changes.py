"""In which weights two models differ."""

from __future__ import annotations

import math

from services.matching.scoring import changed_weights
from services.matching.scoring.model import Model, Thresholds
from tests.services.matching.scoring.models import MODEL, NAME, content, levels, parsed


def test_the_same_model_differs_in_nothing() -> None:
    assert changed_weights(MODEL, Model.parse(MODEL.content)) == ()


def test_weights_that_changed_are_named_by_comparison_and_level() -> None:
    raw = content()
    raw["comparisons"][1]["levels"] = levels((0.8, 0.1), (0.1, 0.05), (0.1, 0.85), agreeing=2)
    found = changed_weights(MODEL, parsed(raw))
    assert [(each.comparison, each.level) for each in found] == [("town", "edits_1"), ("town", "other")]
    before, after = found[0].before, found[0].after
    assert before is not None and math.isclose(before, math.log2(0.15 / (0.15 / 4)))
    assert after is not None and math.isclose(after, math.log2(0.1 / 0.05))


def test_a_comparison_that_only_one_model_has_and_the_odds_of_any_pair_are_told() -> None:
    smaller = Model("test", "test-2", 1 / 3, Thresholds(10.0, 0.0), (NAME,))
    found = {(each.comparison, each.level): each for each in changed_weights(MODEL, smaller)}
    assert set(found) == {("prior", "prior"), ("town", "equal"), ("town", "edits_1"), ("town", "other")}
    assert found["town", "equal"].after is None
    prior = found["prior", "prior"]
    assert prior.before is not None and math.isclose(prior.before, -10.0)
    assert prior.after is not None and math.isclose(prior.after, -1.0)
