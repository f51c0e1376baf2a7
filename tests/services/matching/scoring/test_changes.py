"""The report that is read before another model is activated: what moves, by how much, naming nobody."""

from __future__ import annotations

import json
import math

from services.matching.scoring import COMPARATORS
from services.matching.scoring.changes import EXAMPLES_MOST, Verdict, diff
from services.matching.scoring.model import Model, Thresholds
from tests.services.matching.scoring.models import MODEL, NAME, TOWN, content, levels, parsed

SAME = {"name": "hans", "town": "berlin"}, {"name": "hans", "town": "berlin"}
HALF = {"name": "hans", "town": "berlin"}, {"name": "hans", "town": "bonn"}
LENIENT = Model("test", "test-2", 1 / 3, Thresholds(5.0, 0.0), (NAME, TOWN))


def test_the_same_model_moves_nothing() -> None:
    report = diff(MODEL, Model.parse(MODEL.content), [SAME, HALF], COMPARATORS)
    assert (report.pairs, report.moved_count, report.largest_change, report.levels) == (2, 0, 0.0, {})


def test_pairs_that_end_elsewhere_are_counted_and_shown_with_both_waterfalls() -> None:
    report = diff(MODEL, LENIENT, [SAME, HALF], COMPARATORS)
    # odds 1 : 1024 and 1 : 2; twice equal is 3 + 3 bits, equal and other 3 - 4.1
    assert report.verdicts == {
        (Verdict.BELOW, Verdict.AUTOMATIC): 1,
        (Verdict.BELOW, Verdict.BELOW): 1,
    }
    (moved,) = report.moved
    assert (moved.pair, moved.before, moved.after) == (0, Verdict.BELOW, Verdict.AUTOMATIC)
    assert math.isclose(moved.old.weight, -4.0, abs_tol=1e-9)
    assert math.isclose(moved.new.weight, 5.0, abs_tol=1e-9)
    assert math.isclose(report.largest_change, 9.0, abs_tol=1e-9)


def test_weights_that_changed_are_named_by_comparison_and_level() -> None:
    raw = content()
    raw["comparisons"][1]["levels"] = levels((0.8, 0.1), (0.1, 0.05), (0.1, 0.85), agreeing=2)
    report = diff(MODEL, parsed(raw), [], COMPARATORS)
    assert set(report.levels) == {("town", "edits_1"), ("town", "other")}
    before, after = report.levels["town", "edits_1"]
    assert before is not None
    assert after is not None
    assert math.isclose(before, 2.0)
    assert math.isclose(after, 1.0)


def test_examples_are_bounded_and_the_report_is_plain_json_without_values() -> None:
    report = diff(MODEL, LENIENT, [SAME] * (5 * EXAMPLES_MOST), COMPARATORS)
    assert len(report.moved) == EXAMPLES_MOST
    assert report.moved_count == 5 * EXAMPLES_MOST
    text = json.dumps(report.as_json())
    assert MODEL.hash in text
    assert "hans" not in text
