"""Division codes by era, on an invented history: a county split, merged on, and a city that took over another code."""

from __future__ import annotations

from datetime import date

import pytest

from shared.standards.division_history import CodeEra, DivisionHistory

LONG_AGO, SPLIT, MERGED, RENAMED, OPEN = (
    date(1980, 1, 1),
    date(2003, 4, 1),
    date(2016, 7, 1),
    date(2019, 1, 1),
    date.max,
)
HISTORY = DivisionHistory(
    [
        CodeEra("990101", LONG_AGO, SPLIT, "望潮县", True),
        CodeEra("990101", SPLIT, OPEN, "望潮县", False, ("990102", "990103")),
        CodeEra("990102", SPLIT, MERGED, "东潮区", True),
        CodeEra("990102", MERGED, OPEN, "东潮区", False, ("990104",)),
        CodeEra("990103", SPLIT, RENAMED, "西潮县", True),
        CodeEra("990103", RENAMED, OPEN, "西潮市", True),
        CodeEra("990104", MERGED, OPEN, "潮安区", True),
        CodeEra("990201", LONG_AGO, SPLIT, "无主县", True),
        CodeEra("990201", SPLIT, OPEN, "无主县", False),
        CodeEra("990301", SPLIT, OPEN, "甲县", False, ("990302",)),  # two that name each other
        CodeEra("990302", SPLIT, OPEN, "乙县", False, ("990301",)),
    ]
)


@pytest.mark.parametrize(
    ("code", "day", "successors"),
    [
        ("990101", date(2003, 3, 31), ("990101",)),
        ("990101", SPLIT, ("990102", "990103")),
        ("990101", date(2020, 1, 1), ("990103", "990104")),
        ("990102", date(2020, 1, 1), ("990104",)),
        ("990104", date(2010, 1, 1), ()),
        ("990201", date(2020, 1, 1), ()),
        ("990301", date(2020, 1, 1), ()),
        ("000000", date(2020, 1, 1), ()),
    ],
)
def test_a_withdrawn_code_leads_to_those_in_force(code: str, day: date, successors: tuple[str, ...]) -> None:
    assert HISTORY.successors(code, day) == successors


def test_a_code_tells_its_name_for_ever() -> None:
    assert HISTORY.name_of("990101", date(2020, 1, 1)) == "望潮县"
    assert (HISTORY.name_of("990103", date(2018, 12, 31)), HISTORY.name_of("990103", RENAMED)) == ("西潮县", "西潮市")
    assert HISTORY.name_of("990104", date(1990, 1, 1)) == "潮安区" and HISTORY.name_of("1", SPLIT) is None
    assert HISTORY.division_on("990104", date(1990, 1, 1)) is None
    assert HISTORY.in_force("990103", SPLIT) and not HISTORY.in_force("990101", SPLIT)


@pytest.mark.parametrize(
    ("issued", "own", "same"),
    [
        ("990104", "990104", True),
        ("990102", "990104", True),  # its area is ours now
        ("990102", "990103", False),
        ("990101", "990104", None),  # split: some of it is ours
        ("990101", "9901", True),
        ("990201", "990104", None),  # withdrawn, and nobody said where it went
        ("990201", "990201", True),
        ("110101", "9901", False),  # not on record: what the code says counts
    ],
)
def test_an_issued_code_means_a_place_of_today(issued: str, own: str, same: bool | None) -> None:
    assert HISTORY.same_place(issued, own, date(2026, 9, 1)) is same
