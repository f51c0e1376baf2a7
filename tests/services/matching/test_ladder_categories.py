"""Categories: the first class some evidence in force supports, all evidence kept."""

from __future__ import annotations

import copy
import hashlib
import json
from datetime import date
from itertools import permutations

import pytest

from services.matching.categories import CONTENT, DEFAULT_CATEGORY_RULES, CategoryRules, Evidence, categorise

AS_OF = date(2026, 9, 1)
POOR = Evidence("poverty", "poverty:1", household_type="脱贫户")
DISABLED = Evidence("disability", "disability:1", disability_kind=4, disability_grade=2)
RURAL = Evidence("civil", "civil:1", support_type="subsistence_allowance", area_type="rural")
URBAN = Evidence("civil", "civil:2", support_type="subsistence_allowance", area_type="urban")
HARDSHIP = Evidence("civil", "civil:3", support_type="extreme_hardship", area_type="rural")
EXPECTED = {POOR: "registered_poor", DISABLED: "disabled", RURAL: "subsistence_rural", HARDSHIP: "extreme_hardship"}


def category(*evidence: Evidence) -> str:
    return categorise(evidence, DEFAULT_CATEGORY_RULES, AS_OF).category


def test_precedence_is_that_of_the_ministry_whatever_the_order_of_evidence() -> None:
    ranked = list(EXPECTED)
    for count in range(1, 5):
        for chosen in permutations(ranked, count):
            assert category(URBAN, *chosen) == EXPECTED[min(chosen, key=ranked.index)]


def test_urban_allowance_alone_is_no_category_but_kept() -> None:
    found = categorise([URBAN], DEFAULT_CATEGORY_RULES, AS_OF)
    assert (found.category, found.kind, found.evidence) == ("", "城市低保", (URBAN,))


def test_all_evidence_in_force_is_kept() -> None:
    found = categorise([RURAL, POOR, DISABLED], DEFAULT_CATEGORY_RULES, AS_OF)
    assert found.evidence == (RURAL, POOR, DISABLED)
    assert (found.category, found.kind) == ("registered_poor", "脱贫户")


def test_a_lifted_household_stays_registered_poor() -> None:
    lifted = Evidence("poverty", household_type="脱贫户", valid_from=date(2014, 1, 1), lifted_on=date(2019, 12, 1))
    assert category(lifted) == "registered_poor"


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "holds"),
    [
        (AS_OF, None, True),
        (date(2026, 9, 2), None, False),
        (None, date(2026, 9, 2), True),
        (None, AS_OF, False),
        (None, None, True),
    ],
)
def test_evidence_counts_from_its_first_day_to_the_day_before_its_end(
    valid_from: date | None, valid_to: date | None, holds: bool
) -> None:
    found = category(Evidence("disability", valid_from=valid_from, valid_to=valid_to))
    assert found == ("disabled" if holds else "")


def test_an_expired_entry_lets_the_next_class_hold() -> None:
    expired = Evidence("poverty", household_type="脱贫户", valid_to=date(2020, 1, 1))
    assert category(expired, RURAL) == "subsistence_rural"


@pytest.mark.parametrize("kind", ["边缘易致贫户", "突发严重困难户", "脱贫不稳定户"])
def test_monitored_kinds_count_and_keep_their_kind(kind: str) -> None:
    found = categorise([Evidence("poverty", household_type=kind)], DEFAULT_CATEGORY_RULES, AS_OF)
    assert (found.category, found.kind) == ("registered_poor", kind)


def test_a_county_may_leave_the_monitored_kinds_out() -> None:
    content = copy.deepcopy(CONTENT)
    content["version"] = "local"
    content["classes"][0]["accepts"]["household_type"].remove("边缘易致贫户")
    rules = CategoryRules.of(content)
    evidence = [Evidence("poverty", household_type="边缘易致贫户"), RURAL]
    assert categorise(evidence, rules, AS_OF).category == "subsistence_rural"
    assert rules.content_hash != DEFAULT_CATEGORY_RULES.content_hash


def test_a_list_that_does_not_tell_the_area_is_taken_as_rural() -> None:
    assert category(Evidence("civil", support_type="subsistence_allowance")) == "subsistence_rural"


def test_an_unknown_kind_of_support_is_no_category() -> None:
    assert category(Evidence("civil", area_type="rural")) == ""


def test_the_kind_of_a_disability_is_in_words() -> None:
    assert categorise([DISABLED], DEFAULT_CATEGORY_RULES, AS_OF).kind == "肢体二级"


def test_no_evidence_is_no_category() -> None:
    assert category() == ""


def test_the_hash_is_that_of_the_canonical_text() -> None:
    text = json.dumps(CONTENT, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert DEFAULT_CATEGORY_RULES.content_hash == hashlib.sha256(text.encode()).hexdigest()


def test_rules_that_name_an_unknown_field_are_refused() -> None:
    content = copy.deepcopy(CONTENT)
    content["classes"][0]["accepts"]["income"] = [1]
    with pytest.raises(ValueError, match="unknown field"):
        CategoryRules.of(content)
