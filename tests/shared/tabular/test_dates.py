"""Dates as offices write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tabular import dates
from shared.tabular.dates import DateError


def first(cell: object) -> date | None:
    period = dates.parse(cell)
    return None if period is None else period.first


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2012.9", date(2012, 9, 1)),
        ("2012.10", date(2012, 10, 1)),
        (2012.9, date(2012, 9, 1)),
        (2012.11, date(2012, 11, 1)),
        ("201209", date(2012, 9, 1)),
        (201209, date(2012, 9, 1)),
        (201209.0, date(2012, 9, 1)),
        ("20120901", date(2012, 9, 1)),
        (20120901.0, date(2012, 9, 1)),
        ("2012年9月", date(2012, 9, 1)),
        ("2012年9月3日", date(2012, 9, 3)),
        ("2012 年 9 月 3 日", date(2012, 9, 3)),
        ("二〇一二年九月", date(2012, 9, 1)),
        ("二○一二年十一月二十三日", date(2012, 11, 23)),
        ("二〇一二年十月三十日", date(2012, 10, 30)),
        ("2012/9/3", date(2012, 9, 3)),
        ("2012-09-03", date(2012, 9, 3)),
        ("2012-09-03 00:00:00", date(2012, 9, 3)),
        ("２０１２．９．３", date(2012, 9, 3)),
        ("2012", date(2012, 1, 1)),
        ("2012年", date(2012, 1, 1)),
        (41153, date(2012, 9, 1)),
        (41153.5, date(2012, 9, 1)),
        ("41153", date(2012, 9, 1)),
        (date(2012, 9, 3), date(2012, 9, 3)),
        (datetime.fromisoformat("2012-09-03T12:00"), date(2012, 9, 3)),
        ("", None),
        (None, None),
        ("长期", None),
        ("至今", None),
    ],
)
def test_a_date_is_read(cell: object, expected: date | None) -> None:
    assert first(cell) == expected


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("2012.13", "impossible"),
        ("20120230", "impossible"),
        ("1812.1", "impossible"),
        ("去年", "unreadable"),
        ("9月", "unreadable"),
        (True, "unreadable"),
        (2012.1, "ambiguous_month"),
        (9, "unreadable"),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(cell: object, code: str) -> None:
    with pytest.raises(DateError) as refused:
        dates.parse(cell)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("cell", "after"),
    [
        ("2025-06-30", date(2025, 7, 1)),
        ("2025.6", date(2025, 7, 1)),
        ("2025.12", date(2026, 1, 1)),
        ("2025", date(2026, 1, 1)),
    ],
)
def test_the_period_ends_after_its_last_day(cell: str, after: date) -> None:
    period = dates.parse(cell)
    assert period is not None
    assert period.after == after


@given(st.dates(date(1930, 1, 1), date(2099, 12, 31)))
def test_every_day_reads_the_same_in_every_form(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    forms: list[object] = [
        day,
        serial,
        float(serial),
        f"{day:%Y%m%d}",
        day.isoformat(),
        f"{day.year}.{day.month}.{day.day}",
    ]
    forms.append(f"{day.year}年{day.month}月{day.day}日")
    for form in forms:
        period = dates.parse(form)
        assert period is not None
        assert period.is_day
        assert (period.first, period.after) == (day, day + timedelta(days=1))
