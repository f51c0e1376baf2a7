"""Which models are of use, and what must be so before one comes into force. Figures are put in by hand."""

from __future__ import annotations

import copy
import json
import math
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.commands import ActivateModel
from services.matching.errors import (
    MODEL_PROBLEMS,
    ModelInForce,
    ModelUnusable,
    ReportDiffers,
    ReportMissing,
    ReportOutdated,
    TooManyProposals,
)
from services.matching.model_change import OPEN_MOST, Proposal, activate, check_proposal, usable
from services.matching.scoring import county_model, model
from shared.standards.separation import SecondPersonNeeded
from tests.services.matching.scoring.models import MODEL

COUNTY = county_model()
READ, OTHER_READ = "a" * 64, "b" * 64


def refused(raw: dict[str, Any]) -> ModelUnusable:
    with pytest.raises(ModelUnusable) as found:
        usable(json.dumps(raw).encode())
    return found.value


def facts(raw: dict[str, Any]) -> tuple[str, str | None, str | None]:
    told = refused(raw).facts
    return told["problem"], told["comparison"], told["level"]


def test_a_worse_level_that_weighs_more_is_refused_by_its_place() -> None:
    raw = COUNTY.as_json()
    (division,) = [each for each in raw["comparisons"] if each["name"] == "division"]
    best, second = division["levels"][:2]
    for share in ("m", "u"):
        best[share], second[share] = second[share], best[share]
    found = refused(raw)
    assert facts(raw) == ("not_monotone", "division", "township")
    assert found.status == 422 and found.code == "model_unusable"
    assert found.zh.startswith("division.township:权重没有随等级下降")
    assert found.en.startswith("division.township: The weights do not fall")


def test_an_agreement_as_common_among_any_two_people_is_refused_by_its_place() -> None:
    raw = COUNTY.as_json()
    (school,) = [each for each in raw["comparisons"] if each["name"] == "school"]
    same, other = school["levels"]
    same["u"], other["u"] = same["m"], 1.0 - same["m"]
    assert facts(raw) == ("agreement_says_nothing", "school", "same")


def test_a_disagreement_as_common_among_matches_is_refused_by_its_place() -> None:
    raw = COUNTY.as_json()
    (name,) = [each for each in raw["comparisons"] if each["name"] == "name"]
    name["levels"][-1]["m"] = name["levels"][-1]["u"]
    assert facts(raw) == ("disagreement_says_nothing", "name", "incompatible")


@pytest.mark.parametrize(("automatic", "review"), [(0.0, 0.0), (-1.0, 15.0), (math.inf, 0.0), (15.0, -math.inf)])
def test_thresholds_out_of_order_are_refused(automatic: float, review: float) -> None:
    raw = COUNTY.as_json() | {"thresholds": {"automatic": automatic, "review": review}}
    assert facts(raw) == ("thresholds", None, None)


def test_comparisons_that_no_list_row_can_answer_are_refused_before_they_are_asked() -> None:
    with pytest.raises(ModelUnusable) as found:
        usable(MODEL.content)  # a sound model, of plain rows
    assert (found.value.facts["problem"], found.value.facts["comparison"]) == ("comparator", "name")
    raw = COUNTY.as_json()
    raw["comparisons"][3]["levels"][0]["name"] = "near"
    assert facts(raw) == ("comparator_levels", "school", None)
    raw = COUNTY.as_json()
    raw["comparisons"][3]["settings"] = {"field": "school"}
    assert facts(raw) == ("settings", "school", None)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"null", b"[1]", b'{"format": 1}', b"{" * 5_000])
def test_what_is_no_model_is_refused_as_such(content: bytes) -> None:
    with pytest.raises(ModelUnusable) as found:
        usable(content)
    assert found.value.facts["problem"] == "not_a_model"


def test_a_model_that_no_event_could_hold_is_refused() -> None:
    raw = COUNTY.as_json()
    raw["frequencies"]["names"]["whole"] = {f"名{number:07d}": 0.0001 for number in range(15_000)}
    assert facts(raw) == ("too_large", None, None)


def test_a_refusal_repeats_no_long_text_of_the_file() -> None:
    raw = COUNTY.as_json()
    raw["comparisons"][0] |= {"name": "x" * 100_000, "comparator": "telepathy"}
    found = refused(raw)
    assert len(found.zh) < 200 and len(found.en) < 200 and len(str(found.facts)) < 300


def test_every_problem_that_a_model_may_have_has_its_words() -> None:
    assert all(zh and en for zh, en in MODEL_PROBLEMS.values())
    folder = Path(model.__file__).parent
    source = "".join((folder / f"{name}.py").read_text("utf-8") for name in ("model", "weighing"))
    codes = set(re.findall(r'ModelRefused\(\s*"([a-z_]+)"', source))
    assert len(codes) > 10 and codes <= MODEL_PROBLEMS.keys()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
SMALL = COUNTY.as_json() | {"trained": {}}
for table in SMALL["frequencies"].values():
    table |= {"whole": {"王芳": 0.001}, "surnames": {"王": 0.1}, "characters": {"芳": 0.01}}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, found in inner for each in ((*path, key), *places(found, (*path, key)))]


@settings(deadline=None)
@given(st.sampled_from(places(SMALL)), ANYTHING)
def test_whatever_stands_anywhere_in_a_file_is_used_or_refused(place: tuple[Any, ...], value: Any) -> None:
    raw = copy.deepcopy(SMALL)
    *outer, last = place
    found = raw
    for key in outer:
        found = found[key]
    found[last] = value
    try:
        usable(json.dumps(raw).encode())
    except ModelUnusable as told:
        assert told.facts["problem"] in MODEL_PROBLEMS


def test_the_shipped_model_is_of_use() -> None:
    assert usable(COUNTY.content) == COUNTY


def test_a_report_is_made_of_another_model_only_and_of_few_at_once() -> None:
    check_proposal(COUNTY, "0" * 64, OPEN_MOST - 1)
    with pytest.raises(ModelInForce):
        check_proposal(COUNTY, COUNTY.hash, 0)
    with pytest.raises(TooManyProposals):
        check_proposal(COUNTY, "0" * 64, OPEN_MOST)


def proposal(**changes: Any) -> Proposal:
    given: dict[str, Any] = {
        "proposal_id": UUID(int=1), "content": COUNTY.content, "content_hash": COUNTY.hash, "base_hash": "0" * 64,
        "proposed_by": "first", "state": "ready", "report_hash": READ,
    }  # fmt: skip
    return Proposal(**given | changes)


def test_a_model_comes_into_force_by_two_people_and_a_report() -> None:
    fact = activate("0" * 64, proposal(), ActivateModel(UUID(int=1), READ, "second"))
    assert (fact.content.encode(), fact.content_hash, fact.replaces) == (COUNTY.content, COUNTY.hash, "0" * 64)
    assert (fact.proposed_by, fact.activated_by, fact.report_hash) == ("first", "second", READ)


@pytest.mark.parametrize(
    ("changes", "in_force", "report_hash", "by", "refusal"),
    [
        ({}, "0" * 64, READ, "first", SecondPersonNeeded),
        ({"report_hash": None, "state": "computing"}, "0" * 64, READ, "second", ReportMissing),
        ({"report_hash": None, "state": "failed"}, "0" * 64, READ, "second", ReportMissing),
        ({}, "0" * 64, OTHER_READ, "second", ReportDiffers),
        ({}, "1" * 64, READ, "second", ReportOutdated),
        ({"state": "activated"}, COUNTY.hash, READ, "second", ModelInForce),
        ({"content": b"{}"}, "0" * 64, READ, "second", ModelUnusable),
    ],
)
def test_what_is_missing_is_refused(
    changes: dict[str, Any], in_force: str, report_hash: str, by: str, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        activate(in_force, proposal(**changes), ActivateModel(UUID(int=1), report_hash, by))
