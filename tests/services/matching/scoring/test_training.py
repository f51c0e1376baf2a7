"""Training finds figures that were put in, orders weights that are not in order, and never looks at the truth."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.scoring import COMPARATORS, ModelRefused, Thresholds
from services.matching.scoring.frequencies import ValueShares
from services.matching.scoring.training import (
    Material,
    Observer,
    Pattern,
    Question,
    expectation_maximisation,
    in_order,
    train,
)
from services.matching.scoring.weighing import MISSING

QUESTIONS = tuple(Question(field, "text", {"field": field}) for field in ("name", "town", "street", "day"))
TRUE_M = [[0.90, 0.07, 0.03], [0.80, 0.10, 0.10], [0.60, 0.30, 0.10], [0.95, 0.03, 0.02]]
TRUE_U = [[0.01, 0.02, 0.97], [0.05, 0.05, 0.90], [0.02, 0.03, 0.95], [0.002, 0.008, 0.99]]
MATCHES, OTHERS = 3_000, 20_000


def drawn(chance: Random, shares: list[list[float]], count: int, missing: float = 0.1) -> Counter[Pattern]:
    """Patterns drawn from known shares, some values missing."""
    found: Counter[Pattern] = Counter()
    for _ in range(count):
        pattern = (chance.choices(range(3), levels)[0] if chance.random() > missing else MISSING for levels in shares)
        found[tuple(pattern)] += 1
    return found


def material() -> Material:
    chance = Random(7)
    mixed = drawn(chance, TRUE_M, MATCHES) + drawn(chance, TRUE_U, OTHERS)
    return Material(drawn(chance, TRUE_U, 50_000), Counter(), mixed, pairs=MATCHES + OTHERS)


def trained(given_material: Material, questions: tuple[Question, ...] = QUESTIONS) -> object:
    observer = Observer(questions, COMPARATORS, {})
    return train(observer, given_material, name="t", version="t-1", thresholds=Thresholds(10.0, 0.0))


def test_figures_that_were_put_in_are_found_without_knowing_who_matches() -> None:
    belief = [[5.0, 3.0, 2.0] for _ in QUESTIONS]
    start = [[0.5, 0.3, 0.2] for _ in QUESTIONS]
    found, m = expectation_maximisation(material().candidates, start, TRUE_U, belief, MATCHES + OTHERS)
    assert abs(found - MATCHES) < 0.03 * MATCHES
    for learnt, real in zip(m, TRUE_M, strict=True):
        assert all(abs(a - b) < 0.025 for a, b in zip(learnt, real, strict=True))


def test_a_trained_model_has_u_of_random_pairs_and_the_share_of_matches_as_prior() -> None:
    observer = Observer(QUESTIONS, COMPARATORS, {})
    model = train(observer, material(), name="t", version="t-1", thresholds=Thresholds(10.0, 0.0))
    assert abs(model.prior - MATCHES / (MATCHES + OTHERS)) < 0.01
    for comparison, real in zip(model.comparisons, TRUE_U, strict=True):
        assert all(abs(level.u - share) < 0.005 for level, share in zip(comparison.levels, real, strict=True))


def test_the_same_material_gives_the_same_model() -> None:
    assert trained(material()) == trained(material())


def test_near_gold_pairs_count_only_where_they_were_not_chosen_by_the_answer() -> None:
    gold: Counter[Pattern] = Counter({(0, 1, 0, 0): 500})
    questions = (Question("name", "text", {"field": "name"}, asked_of_gold=False), *QUESTIONS[1:])
    observer = Observer(questions, COMPARATORS, {})
    random = drawn(Random(1), TRUE_U, 20_000, missing=0.0)
    model = train(observer, Material(random, gold), name="t", version="1", thresholds=Thresholds(1, 0), prior=0.001)
    name, town = model.comparisons[0], model.comparisons[1]
    assert name.levels[0].m < 0.7, "nothing was learnt about names"
    assert sum(level.m for level in town.levels[:2]) > 0.95


def test_a_question_that_tells_nothing_makes_no_model() -> None:
    backwards: Counter[Pattern] = Counter({(2, 2, 2, 2): 900, (0, 0, 0, 0): 100})
    with pytest.raises(ModelRefused):
        trained(Material(Counter({(0, 0, 0, 0): 900, (2, 2, 2, 2): 100}), backwards))


def test_a_level_no_pair_ever_showed_weighs_no_more_than_the_next() -> None:
    random: Counter[Pattern] = Counter({(1,): 100, (2,): 9_900})
    gold: Counter[Pattern] = Counter({(1,): 90, (2,): 10})
    observer = Observer(QUESTIONS[:1], COMPARATORS, {})
    model = train(
        observer,
        Material(random, gold),
        name="t",
        version="1",
        thresholds=Thresholds(1, 0),
        prior=0.01,
    )
    best, next_best = model.comparisons[0].levels[:2]
    assert best.weight <= next_best.weight + 1e-6


def test_typical_shares_are_harmonic_means_of_the_rarer_value_among_random_pairs() -> None:
    table = ValueShares({"hans": 0.2, "hanns": 0.02, "maria": 0.1, "marie": 0.05}, 0.01)
    observer = Observer(
        (Question("name", "text", {"field": "name"}, "names", ("equal", "edits_1")),), COMPARATORS, {"names": table}
    )
    found = Material()
    pairs = [("hans", "hanns")] * 30 + [("maria", "marie")] * 70 + [("hans", "maria")] * 900 + [("hans", "hans")] * 50
    observer.note_random((({"name": a}, {"name": b}) for a, b in pairs), found)
    found.gold[(0,)] = 100
    model = train(observer, found, name="t", version="1", thresholds=Thresholds(1, 0), prior=0.01)
    typical = model.comparisons[0].typical_shares
    assert math.isclose(typical["equal"], model.comparisons[0].levels[0].u, rel_tol=1e-6)
    assert math.isclose(typical["edits_1"], 100 / (30 / 0.02 + 70 / 0.05), rel_tol=0.02)


SHARES = st.lists(st.tuples(st.floats(0.001, 1.0), st.floats(0.001, 1.0)), min_size=2, max_size=12)


@given(SHARES)
def test_pooling_leaves_totals_and_never_a_weight_that_rises(shares: list[tuple[float, float]]) -> None:
    m, u = [a for a, _ in shares], [b for _, b in shares]
    pooled = in_order(m, u)
    ratios = [a / b for a, b in zip(pooled, u, strict=True)]
    assert math.isclose(sum(pooled), sum(m), rel_tol=1e-9)
    assert all(worse <= better * (1 + 1e-9) for better, worse in pairwise(ratios))


@given(SHARES)
def test_weights_already_in_order_stay(shares: list[tuple[float, float]]) -> None:
    ordered = sorted(shares, key=lambda pair: -pair[0] / pair[1])
    m, u = [a for a, _ in ordered], [b for _, b in ordered]
    assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(in_order(m, u), m, strict=True))
