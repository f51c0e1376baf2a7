"""Single events are written at once while few come, together when many do; large batches always at once."""

from __future__ import annotations

import pytest

from shared.messaging.pace import BATCHES_PER_SECOND, BURST, LARGE_EVENTS, Pace


def written(events_per_second: float, seconds: float, write_seconds: float = 0.01) -> tuple[list[int], float]:
    """Sizes of the batches that a partition is written in, and the longest that an event waited for its turn."""
    arrivals = [1000.0 + number / events_per_second for number in range(int(events_per_second * seconds))]
    pace, now, done, sizes, longest = Pace(), 0.0, 0, [], 0.0
    while done < len(arrivals):
        now = max(now, arrivals[done])
        waiting = sum(moment <= now for moment in arrivals[done:])
        now += pace.wait_seconds(now, waiting)
        longest = max(longest, now - arrivals[done])
        taken = sum(moment <= now for moment in arrivals[done:])
        sizes.append(taken)
        done += taken
        now += write_seconds
    return sizes, longest


@pytest.mark.parametrize("rate", [0.5, 2.5, 5.0, 7.5])
def test_few_events_wait_for_nothing(rate: float) -> None:
    sizes, longest = written(rate, 20)
    assert set(sizes) == {1} and longest < 0.001


@pytest.mark.parametrize("rate", [20.0, 60.0, 150.0])
def test_many_events_go_together_and_none_waits_longer_than_a_turn(rate: float) -> None:
    sizes, longest = written(rate, 20)
    assert len(sizes) <= 20 * BATCHES_PER_SECOND + BURST + 1
    assert longest <= 1 / BATCHES_PER_SECOND + 0.02


def test_a_large_batch_never_waits() -> None:
    pace = Pace()
    assert [pace.wait_seconds(10.0 + number / 1000, LARGE_EVENTS) for number in range(50)] == [0.0] * 50
