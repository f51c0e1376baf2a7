"""How offices write dates: 2012.9, 201209, 20120901, with signs, or as the serial number of a spreadsheet."""

from __future__ import annotations

from datetime import date
from random import Random

SERIAL_DAY_ZERO = date(1899, 12, 30)


def month_cell(rng: Random, day: date | None) -> str | int:
    """A first of the month, written in one of eight ways; empty for None."""
    if day is None:
        return ""
    way = rng.randrange(8)
    if way == 0:
        return f"{day.year}.{day.month}"
    if way == 1:
        return f"{day:%Y%m}"
    if way == 2:
        return f"{day:%Y%m%d}"
    if way == 3:
        return f"{day:%Y-%m-%d}"
    if way == 4:
        return f"{day.year}年{day.month}月"
    if way == 5:
        return f"{day.year}/{day.month}/{day.day}"
    if way == 6:
        return day.year * 100 + day.month
    return serial(day)


def day_cell(rng: Random, day: date) -> str | int:
    """A full date, written in one of five ways."""
    way = rng.randrange(5)
    if way == 0:
        return f"{day:%Y%m%d}"
    if way == 1:
        return f"{day:%Y-%m-%d}"
    if way == 2:
        return f"{day.year}.{day.month}.{day.day}"
    if way == 3:
        return f"{day.year}年{day.month}月{day.day}日"
    return serial(day)


def serial(day: date) -> int:
    """Days since the spreadsheet's day zero."""
    return (day - SERIAL_DAY_ZERO).days
