from __future__ import annotations

import pytest

from shared.kernel.pacing import BEHIND_EVENTS, USUAL, Pace


@pytest.mark.parametrize(
    ("worked", "waiting", "rest"),
    [(0.0, 0, 0.0), (0.01, 0, 0.03), (0.01, BEHIND_EVENTS - 1, 0.03), (0.01, BEHIND_EVENTS, 0.0), (5.0, 0, 0.2)],
)
def test_a_follower_rests_in_proportion_to_its_work_unless_it_is_behind(
    worked: float, waiting: int, rest: float
) -> None:
    assert Pace(share=3.0, longest_seconds=0.2).rest_seconds(worked, waiting) == pytest.approx(rest)


def test_the_share_is_the_environments() -> None:
    assert Pace.from_environment({}) == Pace.from_environment({"ROLLCALL_REST": ""}) == USUAL
    assert Pace.from_environment({"ROLLCALL_REST": "0"}).rest_seconds(1.0, 0) == 0.0
    for odd in ("-1", "nan", "inf", "often"):
        with pytest.raises(ValueError):
            Pace.from_environment({"ROLLCALL_REST": odd})
