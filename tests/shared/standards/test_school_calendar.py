"""School days against a naive look at every day, and calendars that cannot be."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.standards.school_calendar import (
    CalendarError,
    ToldYear,
    calendar_for,
    calendar_of,
    canonical,
    read_year,
)

AUTUMN = {"first": "2026-09-01", "last": "2027-01-20", "name": "2026-autumn"}
SPRING = {"first": "2027-02-22", "last": "2027-07-05", "name": "2026-spring"}
TOLD: dict[str, list[Any]] = {
    "terms": [AUTUMN, SPRING],
    "rest_weekdays": [6, 7],
    "holidays": [{"first": "2026-10-01", "last": "2026-10-07", "name": "国庆节"}],
    "made_up": ["2026-10-10"],
}
CALENDAR = calendar_of([json.dumps(TOLD)])
days = st.dates(date(2026, 6, 1), date(2027, 9, 30))


def naive(day: date) -> bool:
    in_term = date(2026, 9, 1) <= day <= date(2027, 1, 20) or date(2027, 2, 22) <= day <= date(2027, 7, 5)
    free = day.weekday() >= 5 or date(2026, 10, 1) <= day <= date(2026, 10, 7)
    return in_term and (not free or day == date(2026, 10, 10))


@given(days)
def test_a_day_is_a_school_day_as_a_person_reads_the_calendar(day: date) -> None:
    assert CALENDAR.is_school_day(day) is naive(day)
    term = CALENDAR.term_of(day)
    assert (term is not None) or not naive(day)


@given(days, days)
def test_the_days_between_are_counted_one_by_one(begin: date, end: date) -> None:
    every = [begin + timedelta(days=offset) for offset in range((end - begin).days)]
    assert list(CALENDAR.school_days_between(begin, end)) == [day for day in every if naive(day)]


@given(days, st.integers(1, 30))
def test_the_nth_day_before_leaves_n_days_behind(day: date, n: int) -> None:
    found = CALENDAR.nth_school_day_before(day, n)
    if found is None:
        assert len(CALENDAR.school_days_between(date(2026, 1, 1), day)) < n
    else:
        assert naive(found) and len(CALENDAR.school_days_between(found, day)) == n


def test_days_before_the_holidays_are_made_up_afterwards() -> None:
    assert CALENDAR.nth_school_day_before(date(2026, 10, 12), 1) == date(2026, 10, 10)  # a Saturday
    assert CALENDAR.nth_school_day_before(date(2026, 10, 8), 1) == date(2026, 9, 30)
    assert CALENDAR.nth_school_day_before(date(2027, 2, 22), 1) == date(2027, 1, 20)  # across the winter holidays


def test_a_school_counts_before_its_township_and_that_before_the_county() -> None:
    def content(first: str) -> str:
        return json.dumps({"terms": [{**AUTUMN, "first": first}]})

    told = [
        ToldYear("469001", None, 2026, content("2026-09-01")),
        ToldYear("469001100", None, 2026, content("2026-09-02")),
        ToldYear("469001100", "A", 2026, content("2026-09-03")),
        ToldYear("469002", None, 2026, content("2026-09-04")),
        ToldYear(
            "469001", None, 2025, json.dumps({"terms": [{**SPRING, "first": "2026-02-23", "last": "2026-07-03"}]})
        ),
    ]
    firsts = {
        place: calendar_for(told, *place).school_days_between(date(2026, 8, 1), date(2026, 12, 1))[0].day
        for place in (("469001", None), ("469001200", "B"), ("469001100", "B"), ("469001100", "A"), ("469002", "C"))
    }
    assert list(firsts.values()) == [1, 1, 2, 3, 4]
    assert calendar_for(told, "469001100", "A").is_school_day(date(2026, 3, 2)), "the year before is the county's"
    assert calendar_for(told, "47", None).years == ()


@pytest.mark.parametrize(
    "change",
    [
        {"terms": []},
        {"terms": [AUTUMN, {**SPRING, "first": "2027-01-20"}]},
        {"terms": [SPRING, AUTUMN]},
        {"terms": [{**AUTUMN, "last": "2026-08-31"}]},
        {"terms": [{**AUTUMN, "first": "2026-02-30"}]},
        {"terms": [{**AUTUMN, "name": ""}]},
        {"rest_weekdays": [0]},
        {"rest_weekdays": [1, 2, 3, 4, 5, 6, 7]},
        {"made_up": ["2027-02-01"]},
        {"colour": "red"},
    ],
)
def test_what_is_no_calendar_is_told_in_both_languages(change: dict[str, object]) -> None:
    with pytest.raises(CalendarError) as told:
        read_year(json.dumps({**TOLD, **change}))
    assert told.value.message_zh and str(told.value) == told.value.message_en


def test_the_same_calendar_is_one_text_in_whatever_order_it_was_typed() -> None:
    other = {name: list(reversed(value)) if name != "terms" else value for name, value in reversed(TOLD.items())}
    assert canonical(read_year(json.dumps(other))) == canonical(read_year(json.dumps(TOLD)))
