"""Regular reports on a real PostgreSQL behind HTTP: issued by the calendar, read within a scope, issued again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.services.happenings import link, someone
from tests.services.installation import Installation
from tests.services.notifications.cases.desk import NORTH, TODAY, Desk, open_desk

NEXT_MONTH = (TODAY.replace(day=1) + timedelta(days=32)).replace(day=1)


@pytest.fixture
def desk(installation: Installation) -> Iterator[Desk]:
    with open_desk(installation) as made:
        yield made


def lived(desk: Desk) -> None:
    """Two children dropped out, one of them poor; one is still there. Then the month ends."""
    poor = desk.dropped()
    desk.dropped("S3")
    desk.child("S2", stage="junior")
    desk.installation.append("matching", someone(), link(someone(), poor), TODAY)
    desk.settle()


def open_day(desk: Desk, day: date) -> None:
    desk.installation.open_day(desk.service, day)
    desk.settle()


def reports(desk: Desk, **more: Any) -> list[dict[str, Any]]:
    answer = desk.ask("GET", "/reports", **more)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_the_first_day_after_a_month_issues_every_schools_report_once(desk: Desk) -> None:
    lived(desk)
    assert reports(desk) == []
    open_day(desk, NEXT_MONTH)
    open_day(desk, NEXT_MONTH + timedelta(days=1))
    months = reports(desk, params={"level": "school"})
    assert sorted(each["school_code"] for each in months) == ["S1", "S2", "S3"]
    (own,) = [each for each in months if each["school_code"] == "S1"]
    told = desk.ask("GET", f"/reports/{own['report_id']}").json()
    assert told["figures"]["dropped_out.new.raised"] == 1
    assert told["figures"]["dropped_out.poor"] == 1
    assert told["figures"]["signals.raised.dropped_out"] == 1
    assert told["confirmed"] == [
        {"township": NORTH, "school_code": "S1", "school_name": "S1小学", "grade": "5", "children": 1}
    ]
    assert desk.ask("GET", f"/reports/{own['report_id']}/reproduced").json()["same"] is True
