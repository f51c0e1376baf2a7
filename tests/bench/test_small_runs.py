"""The benchmarks run, small: figures are for `rollcall bench`, here only that they measure what they name. Those that
take longest run with --long."""

from __future__ import annotations

import pytest

from bench import (
    append,
    changes,
    matching_incremental,
    proofs,
    registry_dry_run,
    registry_promotion,
    registry_scopes,
    registry_search,
    relaying,
    replay,
    sequencing,
    sse,
)


def test_appending_is_measured() -> None:
    measures = append.run(events=1_000, singles=200, writers=2).measures
    assert [each.count for each in measures] == [1_000] * 8 + [200, 200]


def test_sequencing_is_measured_to_the_last_event() -> None:
    measures = sequencing.run(events=2_000, singles=5).measures
    assert [each.count for each in measures] == [2_000, 2_000, 5]


@pytest.mark.long
def test_relaying_is_measured_to_the_last_acknowledgement() -> None:
    backlog, waits = relaying.run(events=5_000, singles=5).measures
    assert 0 <= backlog.count <= 4_999
    assert waits.count == 5


@pytest.mark.long
def test_a_promotion_is_measured_there_and_back() -> None:
    """``run`` itself raises when not every student was looked at and moved."""
    students, chunks, back, _ = registry_promotion.run(events=2_000).measures
    assert (students.count, chunks.count, back.count) == (2_000, 3, 2_000)


@pytest.mark.long
def test_a_mass_change_is_measured_from_preview_to_undoing() -> None:
    """``run`` itself raises when not every student was previewed, changed and put back."""
    made = changes.run(events=2_000).measures
    assert [each.count for each in made if each.label.startswith("students")] == [2_000] * 3


@pytest.mark.long
def test_single_events_beside_a_register_are_measured_and_end_as_they_must() -> None:
    """``run`` itself raises for a row that is linked to another student than the one it was made about."""
    made = matching_incremental.run(events=1_000, singles=60)
    every, *_ = made.measures
    kinds = [each.count for each in made.measures if each.label.endswith(" %), wall")]
    assert every.count == sum(kinds) == 60
    assert len(kinds) == 7
    assert every.reached is not None
    assert made.parameters["rows_linked"] >= 45  # exact numbers, corrections and enrolments, and those of the warm-up
    assert made.parameters["students_indexes_mib_per_million"] > 100


@pytest.mark.long
def test_the_check_of_a_workbook_is_measured_with_the_memory_of_its_process() -> None:
    made = registry_dry_run.run(events=400)
    assert [each.count for each in made.measures] == [400, 400]
    assert made.parameters["peak_mib"] > 50


def test_searches_are_measured_beside_a_peer() -> None:
    filled, *asked = registry_search.run(events=1_000, queries=8).measures
    assert filled.count == 1_000
    assert [each.count for each in asked if each.target_p95_ms] == [8] * 16
    assert len([each for each in asked if each.label.startswith("peer: ")]) == 5


def test_pages_in_a_scope_are_measured_beside_the_same_pages_without() -> None:
    made = registry_scopes.run(events=2_000, queries=3)
    assert [each.count for each in made.measures] == [2_000, *[3] * 6]
    assert {"division_p95_ratio", "school_p95_ratio", "class_p95_ratio"} <= set(made.parameters)


@pytest.mark.long
def test_live_lists_are_measured_to_the_last_of_them() -> None:
    """``run`` itself raises when a list misses its row, or one that stopped reading does not get it on its return."""
    made = sse.run(events=50)
    assert [each.count for each in made.measures] == [50, 250, 5, 225, 5]
    assert made.parameters["came_back"]


@pytest.mark.long
def test_replays_are_measured_over_all_the_events_of_a_views_logs() -> None:
    filled, *views = replay.run(events=2_000, every_events=400).measures
    assert filled.count == 2_000
    assert [each.count for each in views[:10]] == [2_000] * 4 + [1_400] * 6
    written, kept, _, _, other, _, *peers = views[10:]
    assert [each.count for each in peers] == [2_000, 2_000]
    assert (written.count, kept.count, other.count) == (1_601, 2, 2)
    assert kept.reached and other.reached


def test_proofs_are_made_and_verified_over_a_whole_log() -> None:
    """``run`` itself verifies every proof of inclusion, and that none is larger than it may be."""
    grown, included, _, consistent, again = proofs.run(events=2_000, proofs=10).measures
    assert (grown.count, included.count, consistent.count, again.count) == (2_000, 10, 10, 50)
