from __future__ import annotations

import pytest

from bench.matching_judging import Tally, TruthRow, Verdict, old_macro, rate_at_most, wilson, worst
from bench.matching_peer import best_f1, recall_before_first_false

ANNA = TruthRow(7, "student", "one_digit", "linked", frozenset(("linked",)))
NOBODY = TruthRow(None, "enrolled_nowhere", "", "not_in_register", frozenset(("not_in_register",)))
EATEN = TruthRow(7, "student", "numeric_cell", "rejected", frozenset(("rejected",)))


def test_a_link_to_another_student_and_one_of_a_child_in_no_register_are_false() -> None:
    tally = Tally()
    tally.judge(ANNA, Verdict("linked", 7))
    tally.judge(ANNA, Verdict("linked", 8))
    tally.judge(NOBODY, Verdict("linked", 7))
    assert (tally.links, tally.false_links, tally.found, tally.student_rows) == (3, 2, 1, 2)


def test_a_review_finds_a_student_only_if_it_offers_her() -> None:
    tally = Tally()
    tally.judge(ANNA, Verdict("review", None, frozenset((7, 9))))
    tally.judge(ANNA, Verdict("review", None, frozenset((9,))))
    assert (tally.found, tally.found_or_review) == (0, 1)
    assert list(worst(tally, "student missed", 5))[1].split()[0] == "1"


def test_a_row_that_must_go_back_to_its_office_counts_for_no_recall() -> None:
    tally = Tally()
    tally.judge(EATEN, Verdict("rejected"))
    assert (tally.rows, tally.student_rows) == (1, 0)


def test_tallies_add_up() -> None:
    one, other = Tally(), Tally()
    one.judge(ANNA, Verdict("linked", 8))
    other.judge(ANNA, Verdict("linked", 7), candidate=True)
    one.add(other)
    assert (one.rows, one.links, one.false_links, one.found, one.candidates) == (2, 2, 1, 1, 1)


def test_the_old_macro_finds_equal_numbers_whatever_the_name() -> None:
    tally = old_macro([ANNA, NOBODY], [" 11010519491231002x ", "1"], {"11010519491231002X": 7})
    assert (tally.found, tally.false_links) == (1, 0)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)]
)
def test_wilson_intervals_are_those_of_the_literature(successes: int, trials: int, low: float, high: float) -> None:
    """The last is Newcombe's example (1998, table I)."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)


def test_nothing_seen_in_many_trials_bounds_the_rate_by_three_of_them() -> None:
    assert rate_at_most(0, 300_000) == pytest.approx(1e-5)
    assert rate_at_most(0, 0) == 1.0


def test_best_f1_and_the_recall_before_the_first_false_link() -> None:
    pairs = [(9.0, True), (8.0, True), (7.0, False), (6.0, True), (1.0, False)]
    score, precision, recall, weight = best_f1(pairs, wanted=4)
    assert (score, precision, recall, weight) == pytest.approx((0.75, 0.75, 0.75, 6.0))
    assert recall_before_first_false(pairs, wanted=4) == 0.5
