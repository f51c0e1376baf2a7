from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.standards.age import age_on, compulsory_period, of_aid_age, of_compulsory_age, school_year


def test_age_grows_on_the_birthday() -> None:
    assert age_on(date(2010, 5, 2), date(2020, 5, 1)) == 9
    assert age_on(date(2010, 5, 2), date(2020, 5, 2)) == 10


def test_a_leap_day_child_grows_older_on_the_first_of_march() -> None:
    assert age_on(date(2012, 2, 29), date(2018, 2, 28)) == 5
    assert age_on(date(2012, 2, 29), date(2018, 3, 1)) == 6
    assert age_on(date(2012, 2, 29), date(2020, 2, 29)) == 8


def test_aid_age_includes_both_ends() -> None:
    born = date(2000, 9, 1)
    assert not of_aid_age(born, date(2003, 8, 31))
    assert of_aid_age(born, date(2003, 9, 1))
    assert of_aid_age(born, date(2025, 8, 31))
    assert not of_aid_age(born, date(2025, 9, 1))
    assert not of_aid_age(born, date(2019, 9, 1), highest=18)


def test_six_by_the_end_of_august_enters_that_autumn() -> None:
    assert compulsory_period(date(2014, 8, 31)) == (date(2020, 9, 1), date(2029, 9, 1))
    assert compulsory_period(date(2014, 9, 1)) == (date(2021, 9, 1), date(2030, 9, 1))
    assert of_compulsory_age(date(2014, 8, 31), date(2020, 9, 1))
    assert not of_compulsory_age(date(2014, 8, 31), date(2020, 8, 31))
    assert of_compulsory_age(date(2014, 8, 31), date(2029, 8, 31))
    assert not of_compulsory_age(date(2014, 8, 31), date(2029, 9, 1))


def test_a_school_year_begins_in_september() -> None:
    assert school_year(date(2024, 8, 31)) == 2023
    assert school_year(date(2024, 9, 1)) == 2024


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_whole_years_agree_with_counting_birthdays(birth: date, day: date) -> None:
    def birthday(year: int) -> date:
        try:
            return birth.replace(year=year)
        except ValueError:
            return date(year, 2, 28) + timedelta(days=1)

    reached = sum(birthday(year) <= day for year in range(birth.year + 1, 2052))
    assert max(age_on(birth, day), 0) == reached


@given(st.dates(date(1990, 1, 1), date(2030, 1, 1)), st.dates(date(2000, 1, 1), date(2050, 1, 1)))
def test_compulsory_age_is_six_by_august_for_nine_school_years(birth: date, day: date) -> None:
    age_by_august = age_on(birth, date(school_year(day), 8, 31))
    assert of_compulsory_age(birth, day) == (6 <= age_by_august <= 14)
