"""A school year as a sheet: read with its days as offices write them, refused line by line; years that overlap."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.registry.errors import InvalidBatch
from services.registry.events import SchoolCalendarActivated
from services.registry.reference.calendar_sheets import calendar_year
from shared.standards.school_calendar import Span
from shared.tabular.errors import HeaderMissing
from tests.services.registry.office import Office
from tests.services.registry.test_api import Client, client, http
from tests.shared.tabular.workbooks import workbook

__all__ = ["client", "http"]  # fixtures
HEADER = ("类型", "名称", "开始日期", "结束日期")
ROWS = [
    ("望潮县2023学年校历(虚构)", "", "", ""),
    HEADER,
    ("学期", "2023-autumn", "2023年9月1日", "2024.01.20"),
    ("学期", "2024-spring", date(2024, 2, 26), "20240705"),
    ("节假日", "国庆节", "2023-10-01", "2023-10-07"),
    ("补课日", "", "2023-10-08", ""),
    ("每周休息日", "周六、星期日", "", ""),
]


def test_a_sheet_is_read_as_the_office_writes_it(tmp_path: Path) -> None:
    year = calendar_year(workbook(tmp_path / "校历.xlsx", ROWS))
    assert [(term.name, term.first, term.last) for term in year.terms] == [
        ("2023-autumn", date(2023, 9, 1), date(2024, 1, 20)),
        ("2024-spring", date(2024, 2, 26), date(2024, 7, 5)),
    ]
    assert year.holidays == (Span(date(2023, 10, 1), date(2023, 10, 7), "国庆节"),)
    assert (year.made_up, year.rest_weekdays) == ((date(2023, 10, 8),), (6, 7))


def test_lines_that_cannot_be_are_told_together(tmp_path: Path) -> None:
    wrong = [
        ("学年", "x", "2023-09-01", ""),
        ("学期", "x", "2023-09-31", ""),
        ("学期", "x", "2023-09-02", "2023-09-01"),
        ("学期", "长" * 41, "2023-09-01", "2023-12-01"),
        ("每周休息日", "周八", "2023-09-01", ""),
        ("节假日", "x", "2023-10", ""),
    ]
    with pytest.raises(InvalidBatch) as refused:
        calendar_year(workbook(tmp_path / "wrong.xlsx", [HEADER, *wrong]))
    problems: Any = refused.value.facts["problems"]
    assert [(each["line"], each["code"]) for each in problems] == [
        (1, "kind"),
        (2, "date"),
        (3, "days"),
        (4, "name"),
        (5, "weekday"),
        (6, "date"),
    ]
    with pytest.raises(HeaderMissing):
        calendar_year(workbook(tmp_path / "none.xlsx", [("学期", "x"), ("a", "b")]))


def test_a_sheet_activates_a_calendar_once(client: Client, office: Office, tmp_path: Path) -> None:
    place = {"division_code": "469003", "school_year": 2023, "as_of": "2023-08-01"}
    path = workbook(tmp_path / "校历.xlsx", ROWS)

    def sent(**changed: Any) -> Any:
        files = {"file": (path.name, path.read_bytes(), "application/octet-stream")}
        return client.post("/v1/reference/calendars/uploads", files=files, params=place | changed)

    taken = sent()
    assert taken.status_code == 201 and len(taken.json()["event_ids"]) == 1, taken.text
    assert sent().json()["event_ids"] == []
    overlapping = sent(school_year=2024)
    assert (overlapping.status_code, overlapping.json()["code"]) == (422, "calendar")
    assert sent(school_year=2026).status_code == 201  # no year of this place stands beside it
    assert sent(division_code="110101").status_code == 403
    facts = [each.fact for each in office.log() if isinstance(each.fact, SchoolCalendarActivated)]
    assert [fact.school_year for fact in facts] == [2023, 2026]
