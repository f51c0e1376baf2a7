"""The division codes of the invented county and its neighbours with their history, as a county keeps its table.

Every place is invented and stands on a code that GB/T 2260 never issued; only provinces, and the level above a county
directly under one, are as the standard names them. One neighbour became a city, one a district, one county went into
ours, one of our townships was renamed, and one name stands in two provinces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from simulation.schools import COUNTY_NAME, DIVISION, WITHDRAWN_DIVISION, Township
from simulation.sheets import Cell

LONG_AGO = date(1988, 5, 1)
TOWN_SINCE = date(2012, 3, 1)
CITY_SINCE = date(2015, 12, 1)
DISTRICT_SINCE = date(2019, 6, 1)
_ADDED, _RENAMED, _WITHDRAWN = "设立", "更名", "撤销"
_STANDARD, _INVENTED = "GB/T 2260", "虚构资料"
_NAMED_BY_THE_STANDARD = (
    ("430000", "湖南省"),
    ("440000", "广东省"),
    ("450000", "广西壮族自治区"),
    ("460000", "海南省"),
    ("469000", "省直辖县级行政区划"),
)
_NEIGHBOURS = (
    ("430980", "东岸区"),  # of another province: the name alone does not tell which
    ("440980", "岭溪县"),
    ("450980", "榕湾县"),
    ("469081", "南屏县"),
)
_BECAME = (  # former code and name, the day, code and name since
    ("469082", "临江县", CITY_SINCE, "469083", "临江市"),
    ("469084", "东岸县", DISTRICT_SINCE, "460080", "东岸区"),
)


def division_rows(townships: Sequence[Township], as_of: date) -> Iterator[list[Cell]]:
    """Lines of the table in the order of layouts.DIVISIONS. The county that went into ours did so in the year before
    ``as_of``: its numbers are of children, too."""
    for code, name in _NAMED_BY_THE_STANDARD:
        yield _line(code, name, LONG_AGO, _ADDED, source=_STANDARD)
    yield _line(DIVISION, COUNTY_NAME, LONG_AGO, _ADDED)
    yield _line(WITHDRAWN_DIVISION, "西潮县", LONG_AGO, _ADDED)
    yield _line(WITHDRAWN_DIVISION, "", date(as_of.year - 1, 1, 1), _WITHDRAWN, DIVISION)
    for code, name in _NEIGHBOURS:
        yield _line(code, name, LONG_AGO, _ADDED)
    for former, former_name, day, code, name in _BECAME:
        yield _line(former, former_name, LONG_AGO, _ADDED)
        yield _line(former, "", day, _WITHDRAWN, code)
        yield _line(code, name, day, _ADDED)
    *others, last = townships
    for township in others:
        yield _line(township.code, township.name, LONG_AGO, _ADDED)
    yield _line(last.code, last.name.removesuffix("镇") + "乡", LONG_AGO, _ADDED)
    yield _line(last.code, last.name, TOWN_SINCE, _RENAMED)


def _line(code: str, name: str, day: date, change: str, successor: str = "", source: str = _INVENTED) -> list[Cell]:
    return [code, name, day.isoformat(), change, successor, source]
