from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bench.report import Measure, percentile, result, timed


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_least_value_that_covers_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_a_target_is_reached_or_not_and_absent_ones_are_not_judged() -> None:
    assert Measure("a", 100, 1.0, target_rate=100.0).reached is True
    assert Measure("a", 99, 1.0, target_rate=100.0).reached is False
    assert Measure("a", 1, 1.0).reached is None
    assert timed("b", 1.0, [0.001] * 98 + [0.02] * 2, target_p99_ms=10.0).reached is False


def test_a_result_reads_as_a_table_and_as_json() -> None:
    made = result("append", [Measure("bulk", 100_000, 2.0, target_rate=40_000.0)], events=100_000)
    out = io.StringIO()
    made.show(Console(file=out, width=140))
    assert "50,000" in out.getvalue()
    assert "cores" in out.getvalue()
    assert json.loads(json.dumps(made.as_json()))["measures"][0]["reached"] is True
    assert made.memory_mib > 1


def test_the_longest_median_and_the_longest_tail_are_judged_apart() -> None:
    latencies = [0.002] * 99 + [0.004]
    assert timed("a", 1.0, latencies, target_p50_ms=2.0, target_p99_ms=5.0).reached is True
    assert timed("b", 1.0, latencies, target_p50_ms=1.0, target_p99_ms=5.0).reached is False
