"""Ages: whole years on a day, and two separate rules, aid age and compulsory age. No clock: the day is an argument."""

from __future__ import annotations

from datetime import date

AID_AGE_LOWEST_YEARS = 3
AID_AGE_HIGHEST_YEARS = 24
COMPULSORY_ENTRY_YEARS = 6
COMPULSORY_LENGTH_YEARS = 9
SCHOOL_YEAR_FIRST_DAY = (9, 1)  # month, day


def age_on(birth: date, day: date) -> int:
    """Whole years on `day`; negative before birth. A child of 29 February grows older on 1 March in common years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def of_aid_age(
    birth: date,
    day: date,
    lowest: int = AID_AGE_LOWEST_YEARS,
    highest: int = AID_AGE_HIGHEST_YEARS,
) -> bool:
    """True from the birthday of `lowest` up to the day before the birthday of `highest` + 1, in years."""
    return lowest <= age_on(birth, day) <= highest


def school_year(day: date) -> int:
    """The calendar year in which the school year of `day` begins (1 September)."""
    return day.year if (day.month, day.day) >= SCHOOL_YEAR_FIRST_DAY else day.year - 1


def compulsory_period(birth: date) -> tuple[date, date]:
    """[from, to): 1 September of the year the child is six by 31 August, and nine school years later."""
    late = (birth.month, birth.day) >= SCHOOL_YEAR_FIRST_DAY
    entry = birth.year + COMPULSORY_ENTRY_YEARS + late
    return date(entry, *SCHOOL_YEAR_FIRST_DAY), date(entry + COMPULSORY_LENGTH_YEARS, *SCHOOL_YEAR_FIRST_DAY)


def of_compulsory_age(birth: date, day: date) -> bool:
    """True from 1 September of the year the child is six by 31 August until nine school years are over."""
    begins, ends = compulsory_period(birth)
    return begins <= day < ends
