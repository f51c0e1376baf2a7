"""A model is immutable, named by its hash, and refused when it would count evidence backwards."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from itertools import pairwise
from typing import Any

import pytest

from services.matching.scoring import ModelRefused, county_model
from services.matching.scoring.county import MODEL_PATH
from services.matching.scoring.model import Model
from tests.services.matching.scoring.models import MODEL, content, levels, parsed


def with_levels(given: list[dict[str, Any]]) -> dict[str, Any]:
    raw = content()
    raw["comparisons"][0]["levels"] = given
    return raw


def place(refused: ModelRefused) -> tuple[str, str, str]:
    return refused.problem, refused.comparison, refused.level


def test_a_model_comes_back_from_its_own_content() -> None:
    again = Model.parse(MODEL.content)
    assert again == MODEL
    assert again.content == MODEL.content
    assert again.hash == hashlib.sha256(MODEL.content).hexdigest()


def test_layout_and_key_order_do_not_change_the_hash() -> None:
    raw = json.loads(MODEL.content)
    turned = json.dumps(dict(reversed(raw.items())), indent=3, ensure_ascii=True).encode()
    assert turned != MODEL.content
    assert Model.parse(turned).hash == MODEL.hash


def test_another_figure_is_another_model() -> None:
    raw = content()
    raw["comparisons"][0]["levels"] = levels((0.8, 0.1), (0.1, 0.05), (0.1, 0.85), agreeing=2)
    assert parsed(raw).hash != MODEL.hash


def test_a_model_cannot_be_altered() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        MODEL.prior = 0.5  # type: ignore[misc]


def test_an_agreement_as_frequent_among_random_pairs_as_among_matches_is_refused() -> None:
    with pytest.raises(ModelRefused, match=r"name\.edits_1: random pairs agree as often") as refused:
        parsed(with_levels(levels((0.8, 0.1), (0.1, 0.1), (0.1, 0.8), agreeing=2)))
    assert place(refused.value) == ("agreement_says_nothing", "name", "edits_1")


def test_a_disagreement_as_frequent_among_matches_is_refused() -> None:
    with pytest.raises(ModelRefused, match=r"name\.edits_1: matches disagree as often") as refused:
        parsed(with_levels(levels((0.7, 0.1), (0.2, 0.1), (0.1, 0.8), agreeing=1)))
    assert place(refused.value) == ("disagreement_says_nothing", "name", "edits_1")


def test_a_worse_level_that_weighs_more_is_refused() -> None:
    with pytest.raises(ModelRefused, match=r"name\.edits_1: it weighs more than the better level equal") as refused:
        parsed(with_levels(levels((0.5, 0.2), (0.4, 0.05), (0.1, 0.75), agreeing=2)))
    assert place(refused.value) == ("not_monotone", "name", "edits_1")


def test_levels_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ModelRefused, match="the m of its levels sum to"):
        parsed(with_levels(levels((0.8, 0.1), (0.1, 0.05), (0.05, 0.85), agreeing=2)))


def test_a_best_level_that_speaks_against_a_match_is_refused() -> None:
    with pytest.raises(ModelRefused, match=r"name\.equal: the best level must speak for a match"):
        parsed(with_levels(levels((0.1, 0.2), (0.1, 0.2), (0.8, 0.6), agreeing=0)))


def test_a_last_level_that_speaks_for_a_match_is_refused() -> None:
    with pytest.raises(ModelRefused, match=r"name\.other: the last level must speak against a match"):
        parsed(with_levels(levels((0.5, 0.1), (0.1, 0.05), (0.4, 0.3), agreeing=3)))


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(ModelRefused) as refused:
        parsed(content(thresholds={"automatic": 0.0, "review": 10.0}))
    assert place(refused.value) == ("thresholds", "", "")


def test_figures_whose_weight_is_not_finite_are_refused() -> None:
    with pytest.raises(ModelRefused) as refused:
        parsed(with_levels(levels((0.9, 5e-324), (0.05, 0.01), (0.05, 0.99), agreeing=2)))
    assert place(refused.value) == ("share", "name", "equal")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"prior": 0.0},
        {"prior": 1.0},
        {"prior": "often"},
        {"thresholds": {"automatic": 1.0, "review": 1.0}},
        {"thresholds": {"automatic": math.inf, "review": 1.0}},
        {"comparisons": []},
        {"comparisons": [{"name": "name"}]},
        {"frequencies": {"names": {"kind": "guesses"}}},
        {"frequencies": {"names": {"kind": "values", "floor": 0.0, "shares": {}}}},
        {"trained": 3},
        {"name": ""},
        {"version": "line\nbreak"},
        {"version": "v" * 65},
        {"prior": 10**400},
        {"prior": 5e-324},
        {"thresholds": {"automatic": math.nan, "review": 1.0}},
        {"frequencies": {"names": {"kind": "values", "floor": 5e-324, "shares": {}}}},
    ],
    ids=str,
)
def test_what_is_no_model_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ModelRefused):
        parsed(content(**changes))


@pytest.mark.parametrize("text", [b"", b"[]", b"null", b"{", b'{"format": 1}', b"\xff", b"3"])
def test_bytes_that_hold_no_model_are_refused(text: bytes) -> None:
    with pytest.raises(ModelRefused):
        Model.parse(text)


def test_two_comparisons_of_one_name_are_refused() -> None:
    raw = content()
    raw["comparisons"] = [raw["comparisons"][0]] * 2
    with pytest.raises(ModelRefused, match="two comparisons have one name"):
        parsed(raw)


def test_a_frequency_table_that_is_not_there_is_refused() -> None:
    raw = content()
    raw["comparisons"][0]["frequency"] = {"table": "names", "typical_shares": {"equal": 0.1}}
    with pytest.raises(ModelRefused, match="there is no frequency table names"):
        parsed(raw)


def test_the_shipped_model_is_in_order_and_names_nobody() -> None:
    model = county_model()
    assert model.hash == Model.parse(MODEL_PATH.read_bytes()).hash
    for comparison in model.comparisons:
        weights = [math.log2(level.m / level.u) for level in comparison.levels]
        falls = (worse - better < 1e-6 for better, worse in pairwise(weights))  # pooled levels are equal up to rounding
        assert all(falls), comparison.name
        assert weights[0] > 0 > weights[-1], comparison.name
    raw = json.loads(MODEL_PATH.read_bytes())
    students = raw["trained"]["students"]
    for table in raw["frequencies"].values():
        assert all(share * students >= 4.5 for share in table["whole"].values()), "a rare whole name tells of a person"
