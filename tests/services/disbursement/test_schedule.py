"""Terms and rates: the calendar has no gap, the rate is the one in force when the term began."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.disbursement.errors import BadProgramme, NoRate
from services.disbursement.living_subsidy import LIVING_SUBSIDY, activation
from services.disbursement.schedule import amount_fen, canonical, content_hash, parse, term_named, term_of

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(DAYS)
def test_every_day_lies_in_exactly_the_term_that_names_it(day: date) -> None:
    term = term_of(LIVING_SUBSIDY, day)
    assert term.begins <= day < term.ends
    assert term_named(LIVING_SUBSIDY, term.name) == term
    assert term_of(LIVING_SUBSIDY, term.ends).begins == term.ends
    assert term_of(LIVING_SUBSIDY, term.begins - timedelta(days=1)).ends == term.begins


@pytest.mark.parametrize(
    ("day", "stage", "boarder", "fen"),
    [
        (date(2023, 10, 1), "primary", True, 50_000),
        (date(2023, 10, 1), "junior", False, 31_250),
        (date(2024, 1, 31), "junior", True, 62_500),  # still the autumn term, which began under the old rate
        (date(2024, 3, 1), "primary", True, 62_500),
        (date(2024, 3, 1), "primary", False, 31_250),
        (date(2026, 11, 24), "junior", True, 75_000),
        (date(2026, 11, 24), "junior", False, 37_500),
    ],
)
def test_half_of_the_yearly_rate_in_force_when_the_term_began(day: date, stage: str, boarder: bool, fen: int) -> None:
    assert amount_fen(LIVING_SUBSIDY, term_of(LIVING_SUBSIDY, day), stage, boarder, "469001") == fen


def test_no_rate_no_promise() -> None:
    with pytest.raises(NoRate):
        amount_fen(LIVING_SUBSIDY, term_of(LIVING_SUBSIDY, date(2026, 10, 1)), "senior", True, "469001")


def test_a_region_of_its_own_beats_the_general_rate() -> None:
    local = msgspec.structs.replace(LIVING_SUBSIDY.rates[4], region="4690", yearly_fen=200_000)
    programme = msgspec.structs.replace(LIVING_SUBSIDY, rates=(*LIVING_SUBSIDY.rates, local))
    term = term_of(programme, date(2026, 10, 1))
    assert amount_fen(programme, term, "primary", True, "469001") == 100_000
    assert amount_fen(programme, term, "primary", True, "460100") == 62_500


def test_a_region_whose_code_ends_in_noughts_is_all_that_it_is_around() -> None:
    local = msgspec.structs.replace(LIVING_SUBSIDY.rates[4], region="469000", yearly_fen=200_000)
    county = msgspec.structs.replace(local, region="469001", yearly_fen=240_000)
    province = msgspec.structs.replace(local, region="460000", yearly_fen=180_000)
    programme = msgspec.structs.replace(LIVING_SUBSIDY, rates=(*LIVING_SUBSIDY.rates, county, local, province))
    term = term_of(programme, date(2026, 10, 1))
    expected = {"469001": 120_000, "469002": 100_000, "4690": 100_000, "460100": 90_000, "450100": 62_500}
    assert {each: amount_fen(programme, term, "primary", True, each) for each in expected} == expected


def test_the_activation_carries_what_it_hashes() -> None:
    fact = activation()
    assert parse(fact.content) == LIVING_SUBSIDY
    assert fact.content_hash == content_hash(fact.content)
    assert canonical(parse(fact.content)) == fact.content


@pytest.mark.parametrize(
    "change",
    [
        {"rates": ()},
        {"categories": ()},
        {"terms": tuple(reversed(LIVING_SUBSIDY.terms))},
        {"rates": (msgspec.structs.replace(LIVING_SUBSIDY.rates[0], yearly_fen=99_999),)},
        {"rates": (msgspec.structs.replace(LIVING_SUBSIDY.rates[0], yearly_fen=-2),)},
        {"terms": (msgspec.structs.replace(LIVING_SUBSIDY.terms[0], month=2, day=30),)},
    ],
)
def test_a_configuration_that_does_not_hold_together_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadProgramme):
        parse(canonical(msgspec.structs.replace(LIVING_SUBSIDY, **change)))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(BadProgramme):
        parse(canonical(LIVING_SUBSIDY).replace('"programme"', '"programm"', 1))
