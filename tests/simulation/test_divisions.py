"""The county's table of divisions, read as the registry reads a clerk's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from services.registry.reference.division_sheets import division_changes
from services.registry.reference.reference import DivisionChange
from simulation.schools import DIVISION, OTHER_DIVISIONS, OTHER_SCHOOLS, WITHDRAWN_DIVISION
from tests.simulation.conftest import SETTINGS


@pytest.fixture(scope="module")
def lines(county: Path) -> list[DivisionChange]:
    return division_changes(county / "divisions.xlsx")


def in_force(lines: list[DivisionChange], day: date) -> dict[str, str]:
    """Code → name, worked out by hand."""
    found: dict[str, str] = {}
    for line in sorted(lines, key=lambda each: each.on):
        if line.on <= day and line.change == "added":
            found[line.code] = line.name
        elif line.on <= day:
            del found[line.code]
    return found


def test_every_code_of_the_countys_files_stands_in_its_table(county: Path, lines: list[DivisionChange]) -> None:
    now, once = in_force(lines, SETTINGS.as_of), {line.code for line in lines}
    summary = json.loads((county / "county.json").read_text(encoding="utf-8"))
    assert now[DIVISION] == summary["division"]["name"]
    assert {town["code"]: town["name"] for town in summary["townships"]}.items() <= now.items()
    assert set(OTHER_DIVISIONS) <= now.keys() and WITHDRAWN_DIVISION in once - now.keys()
    assert len(set(lines)) == len(lines)


def named(school: str, now: dict[str, str]) -> Iterator[str]:
    return (code for code, name in now.items() if school.startswith(name))


def test_schools_elsewhere_lie_in_one_neighbour_in_two_or_in_none(lines: list[DivisionChange]) -> None:
    now = in_force(lines, SETTINGS.as_of)
    assert [len(list(named(school, now))) for school in OTHER_SCHOOLS] == [1, 1, 1, 2, 0]


def test_the_table_of_a_day_before_is_another(lines: list[DivisionChange]) -> None:
    now, then = in_force(lines, SETTINGS.as_of), in_force(lines, date(2010, 1, 1))
    gone = set(then.values()) - set(now.values())
    (township,) = (name for name in gone if name.endswith("乡"))
    assert gone == {"临江县", "东岸县", "西潮县", township}
    assert "临江市" in set(now.values()) - set(then.values())
