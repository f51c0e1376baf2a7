"""Links judged against the truth, counted here a second time by brute force."""

from __future__ import annotations

import math
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from bench.linkage_gold_judging import Curve, Judged, mutual_best, sweep, wilson

PEOPLE = st.lists(st.sampled_from("abc"), min_size=3, max_size=7)


def brute(pairs: list[tuple[float, int, int]], person: dict[int, str], weight: float) -> tuple[int, int]:
    """(right, wrong) pairs of the transitive closure, by repeated union of sets."""
    groups = [{row} for row in person]
    for found, one, other in pairs:
        if found >= weight:
            joined = {row for group in groups if group & {one, other} for row in group}
            groups = [group for group in groups if not group & joined] + [joined]
    linked = [pair for group in groups for pair in combinations(sorted(group), 2)]
    right = sum(person[one] == person[other] for one, other in linked)
    return right, len(linked) - right


@given(PEOPLE, st.data())
def test_every_threshold_is_judged_as_by_brute_force(people: list[str], data: st.DataObject) -> None:
    person = dict(enumerate(people, start=1))
    pair = st.tuples(st.integers(-3, 3).map(float), st.sampled_from(list(combinations(person, 2))))
    pairs = [(weight, *rows) for weight, rows in data.draw(st.lists(pair, max_size=10))]
    for weight, judged in sweep(pairs, person):
        assert (judged.right, judged.wrong) == brute(pairs, person, weight)


def test_mutual_best_pairs_leave_the_second_best_and_the_undecided_alone() -> None:
    assert mutual_best([(9.0, 1, 11), (8.0, 1, 12), (5.0, 2, 12), (4.0, 3, 13), (4.0, 3, 14)]) == [(9.0, 1, 11)]


def test_f1_and_its_interval() -> None:
    judged = Judged(right=90, wrong=10, wanted=110)
    assert math.isclose(judged.f1, 2 * (0.9 * 90 / 110) / (0.9 + 90 / 110))
    low, high = judged.f1_interval
    assert low < judged.f1 < high
    # Wilson's interval of 0 in 100, in Brown, Cai and DasGupta's form
    assert math.isclose(wilson(0, 100)[1], 3.841459 / 103.841459, rel_tol=1e-5)


def test_a_curve_is_read_at_a_threshold_at_its_best_and_before_the_first_error() -> None:
    curve = Curve(((5.0, Judged(1, 0, 4)), (3.0, Judged(3, 0, 4)), (1.0, Judged(4, 9, 4))))
    assert curve.at(4.0).right == 1
    assert curve.at(9.0).right == 0
    assert curve.best[0] == 3.0
    assert curve.recall_before_first_wrong == 0.75
