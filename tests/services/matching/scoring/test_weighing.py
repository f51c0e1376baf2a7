"""The waterfall: the parts of a score add up to it, and each can be reckoned by hand from the model's figures."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.scoring import COMPARATORS, ModelRefused, Scorer
from services.matching.scoring.weighing import probability
from tests.services.matching.scoring.models import MODEL, content, parsed

TEXTS = st.sampled_from(["", "hans", "hams", "johann", "maria", "mara", "x"])
ROWS = st.fixed_dictionaries({"name": TEXTS, "town": TEXTS})
SCORER = Scorer(MODEL, COMPARATORS)


def with_frequencies() -> dict[str, Any]:
    raw = content()
    raw["frequencies"] = {"names": {"kind": "values", "floor": 0.001, "shares": {"hans": 0.2, "maria": 0.05}}}
    raw["comparisons"][0]["frequency"] = {"table": "names", "typical_shares": {"equal": 0.1, "edits_1": 0.02}}
    return raw


REFINED = Scorer(parsed(with_frequencies()), COMPARATORS)


@given(ROWS, ROWS)
def test_the_parts_prior_included_sum_to_the_weight(one: dict[str, str], other: dict[str, str]) -> None:
    for scorer in (SCORER, REFINED):
        found = scorer.score(one, other)
        assert math.isclose(math.fsum(part.weight for part in found.parts), found.weight, abs_tol=1e-9)
        assert scorer.weight(one, other) == found.weight
        odds = 2.0**found.weight
        assert math.isclose(found.probability, odds / (1 + odds), rel_tol=1e-9)
        assert found.parts[0].level == "prior"


@given(ROWS, ROWS)
def test_the_score_does_not_depend_on_which_side_is_which(one: dict[str, str], other: dict[str, str]) -> None:
    assert REFINED.weight(one, other) == REFINED.weight(other, one)


def test_a_score_reckoned_by_hand() -> None:
    found = SCORER.score({"name": "hans", "town": "berlin"}, {"name": "hans", "town": "bonn"})
    # prior odds 1 : 1024, equal 0.8 / 0.1, other 0.05 / 0.8625
    assert math.isclose(found.weight, -10 + 3 + math.log2(0.05 / 0.8625), abs_tol=1e-9)
    assert [(part.comparison, part.level) for part in found.parts] == [
        ("prior", "prior"),
        ("name", "equal"),
        ("town", "other"),
    ]


def test_a_missing_value_weighs_nothing() -> None:
    found = SCORER.score({"name": "", "town": ""}, {"name": "hans", "town": ""})
    assert math.isclose(found.weight, -10, abs_tol=1e-9)
    assert [(part.level, part.weight) for part in found.parts[1:]] == [("missing", 0.0), ("missing", 0.0)]


def test_agreeing_on_a_rare_name_says_more_than_on_a_common_one() -> None:
    def weight(name: str) -> float:
        return REFINED.weight({"name": name, "town": ""}, {"name": name, "town": ""})

    # log2(m / share) takes the place of log2(m / u)
    assert math.isclose(weight("hans"), -10 + math.log2(0.8 / 0.2), abs_tol=1e-9)
    assert math.isclose(weight("maria"), -10 + math.log2(0.8 / 0.05), abs_tol=1e-9)
    assert math.isclose(weight("cunegund"), -10 + math.log2(0.8 / 0.001), abs_tol=1e-9)


def test_a_slip_counts_by_the_rarer_of_the_two_names() -> None:
    slip = REFINED.score({"name": "hans", "town": ""}, {"name": "hanss", "town": ""})
    assert [(part.level, round(part.weight, 6)) for part in slip.parts if part.comparison == "name"] == [
        ("edits_1", 2.0),
        ("frequency", round(math.log2(0.02 / 0.001), 6)),
    ]


def test_probabilities_stay_shares_at_any_weight() -> None:
    assert probability(0.0) == 0.5
    assert probability(1e9) == 1.0
    assert 0.0 <= probability(-1e9) < 1e-300
    assert math.isclose(probability(-3.0), 1 / 9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"comparator": "telepathy"}, "there is no comparator telepathy"),
        ({"settings": {}}, "do not fit"),
        ({"settings": {"field": "name", "similar": [0.8, 0.9]}}, "do not fit"),
        ({"settings": {"field": "name", "edits": 2}}, "are not those of text"),
    ],
)
def test_a_model_whose_comparisons_cannot_be_asked_is_refused(changes: dict[str, Any], message: str) -> None:
    raw = content()
    raw["comparisons"][0] |= changes
    with pytest.raises(ModelRefused, match=message):
        Scorer(parsed(raw), COMPARATORS)
