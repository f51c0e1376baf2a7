"""Timelines against an oracle that knows nothing of periods: a list of assertions, asked day by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eventsourcing.periods import FOREVER
from shared.eventsourcing.timeline import Period, Timeline

WIDTH = 3
FIRST = date(2024, 9, 1)

columns = st.dictionaries(st.integers(0, WIDTH - 1), st.one_of(st.none(), st.integers(0, 5)), min_size=1)
assertions = st.lists(st.tuples(st.integers(0, 6), columns), max_size=12)


def rows(timeline: Timeline) -> list[tuple[Any, ...]]:
    return [(p.valid_from, p.valid_to, p.values, p.marks, p.log_index, p.set_by) for p in timeline.periods]


def built(ordered: list[tuple[int, tuple[int, dict[int, Any]]]]) -> Timeline:
    timeline = Timeline(WIDTH)
    for log_index, (day, values) in ordered:
        timeline.assert_from(FIRST + timedelta(days=day), log_index, values.items())
    return timeline


def true_on(day: int, column: int, given_assertions: list[tuple[int, dict[int, Any]]]) -> Any:
    """The oracle: of all assertions of the column up to that day, the latest day wins, then the latest in the log."""
    candidates = [
        (start, log_index, values[column])
        for log_index, (start, values) in enumerate(given_assertions, 1)
        if start <= day and column in values
    ]
    return max(candidates, key=lambda c: c[:2])[2] if candidates else None


@given(assertions)
def test_every_day_shows_what_the_list_of_assertions_says(given_assertions: list[tuple[int, dict[int, Any]]]) -> None:
    timeline = built(list(enumerate(given_assertions, 1)))
    for day in range(8):
        today = FIRST + timedelta(days=day)
        holding = [p for p in timeline.periods if p.valid_from <= today < p.valid_to]
        expected = [true_on(day, column, given_assertions) for column in range(WIDTH)]
        if any(start <= day for start, _ in given_assertions):
            assert [p.values for p in holding] == [expected]
        else:
            assert holding == []


@given(assertions)
def test_periods_begin_exactly_where_something_was_asserted_and_leave_no_hole(
    given_assertions: list[tuple[int, dict[int, Any]]],
) -> None:
    timeline = built(list(enumerate(given_assertions, 1)))
    starts = sorted({FIRST + timedelta(days=day) for day, _ in given_assertions})
    assert [p.valid_from for p in timeline.periods] == starts
    assert [p.valid_to for p in timeline.periods] == [*starts[1:], FOREVER][: len(starts)]
    for period in timeline.periods:
        setters = [
            max(
                (
                    log_index
                    for log_index, (day, values) in enumerate(given_assertions, 1)
                    if FIRST + timedelta(days=day) == period.valid_from and column in values
                ),
                default=0,
            )
            for column in range(WIDTH)
        ]
        assert [period.setter(column) for column in range(WIDTH)] == setters
        assert period.log_index == max(setters)


@settings(max_examples=300)
@given(assertions, st.randoms(use_true_random=False))
def test_no_order_of_arrival_and_no_repeat_changes_a_row(
    given_assertions: list[tuple[int, dict[int, Any]]], random: Any
) -> None:
    in_order = list(enumerate(given_assertions, 1))
    shuffled = in_order + random.choices(in_order, k=3) if in_order else []
    random.shuffle(shuffled)
    assert rows(built(shuffled)) == rows(built(in_order))


@given(assertions, st.integers(0, 12))
def test_stopping_and_loading_again_changes_no_row(
    given_assertions: list[tuple[int, dict[int, Any]]], stop: int
) -> None:
    in_order = list(enumerate(given_assertions, 1))
    first = built(in_order[:stop])
    loaded = [
        Period(p.valid_from, p.valid_to, p.values.copy(), p.marks, p.log_index, p.set_by and p.set_by.copy())
        for p in first.periods
    ]
    before = {p.valid_from: (p.valid_to, p.values.copy(), p.marks, p.log_index, p.set_by) for p in loaded}
    resumed = Timeline(WIDTH, loaded)
    for log_index, (day, values) in in_order[stop:]:
        resumed.assert_from(FIRST + timedelta(days=day), log_index, values.items())
    assert rows(resumed) == rows(built(in_order))
    changed = {id(p) for p in resumed.changed}
    for period in resumed.periods:
        if id(period) not in changed:
            assert before[period.valid_from] == (
                period.valid_to,
                period.values,
                period.marks,
                period.log_index,
                period.set_by,
            )


def test_tomorrows_exit_takes_effect_without_a_clock() -> None:
    timeline = built([(1, (0, {0: "enrolled"})), (2, (5, {0: "left"})), (3, (2, {1: "boarder"}))])
    assert [(p.valid_from.day, p.values) for p in timeline.periods] == [
        (1, ["enrolled", None, None]),
        (3, ["enrolled", "boarder", None]),
        (6, ["left", "boarder", None]),
    ]
