from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from shared.standards.separation import CHANGES_APPROVE, SEPARATIONS, SecondPersonNeeded, Separation

PREPARED: list[tuple[str | list[str] | None, bool]] = [
    ("u1", True),
    (["u0", "u1"], True),
    ("u2", False),
    ("u11", False),
    (["u2", "u11"], False),
    ([], False),
    ("", False),
    (None, False),
]


@pytest.mark.parametrize("rule", SEPARATIONS, ids=lambda rule: rule.rule)
@pytest.mark.parametrize(("prepared_by", "forbidden"), PREPARED)
def test_who_prepared_it_may_not_and_is_told_why_beforehand(
    rule: Separation, prepared_by: str | list[str] | None, forbidden: bool
) -> None:
    assert rule.forbids(prepared_by, "u1") is forbidden
    assert rule.why_not(prepared_by, "u1", "zh") == (rule.zh if forbidden else None)
    assert rule.why_not(prepared_by, "u1", "en") == (rule.en if forbidden else None)
    if not forbidden:
        rule.check(prepared_by, "u1")
        return
    with pytest.raises(SecondPersonNeeded) as refused:
        rule.check(prepared_by, "u1", case="c1")
    told = refused.value
    assert (told.status, told.code, told.zh, told.en) == (409, "second_person_needed", rule.zh, rule.en)
    assert told.facts == {"rule": rule.rule, "case": "c1"}


def test_nobodys_doing_forbids_nobody_not_even_who_has_no_name() -> None:
    assert not CHANGES_APPROVE.forbids(None, "") and not CHANGES_APPROVE.forbids((), "")


def test_every_rule_has_a_name_of_its_own_and_says_so_in_both_languages() -> None:
    assert [rule.rule for rule in SEPARATIONS] == [
        *("changes.approve", "households.approve", "papers.check", "reviews.decide", "models.activate"),
        *("alerts.mistaken", "erasures.approve", "holds.approve", "emergency.review"),
    ]
    for rule in SEPARATIONS:
        assert "人" in rule.zh and "another" in rule.en.lower()


def test_a_rule_cannot_be_changed_in_passing() -> None:
    with pytest.raises(FrozenInstanceError):
        CHANGES_APPROVE.rule = "none"  # type: ignore[misc]  # that is what is tried
