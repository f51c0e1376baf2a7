"""Reference data over HTTP: schools that close, division codes by era, calendars; true on a day, known at a moment."""

from __future__ import annotations

import json
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.registry.events import SchoolCalendarActivated, SchoolClosed
from tests.services.registry.office import Office
from tests.services.registry.test_api import Client, agency, client, http, school
from tests.shared.tabular.workbooks import workbook

__all__ = ["client", "http"]  # fixtures
TERMS = [{"first": "2026-09-01", "last": "2027-01-20", "name": "2026-autumn"}]
CALENDAR = {"division_code": "469001", "school_year": 2026, "terms": TERMS}


def lines(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"content": "\n".join(json.dumps(row) for row in rows)}


def opened(client: Client, office: Office, sequence: int, name: str, on: str = "2020-09-01") -> str:
    code = office.school_code(sequence)
    told = {"school_code": code, "name": name, "division_code": "469001100"}
    assert client.post(f"/v1/schools/batch?as_of={on}", **lines(told)).status_code == 200
    return code


def shown(client: Client, code: str, **asked: str) -> dict[str, Any] | None:
    items = client.get("/v1/reference/schools", params={"limit": "200", **asked}).json()["items"]
    return next((row for row in items if row["school_code"] == code), None)


def test_a_school_closes_on_a_day_and_stays_on_record(client: Client, office: Office) -> None:
    village, town = opened(client, office, 1, "村小"), opened(client, office, 2, "镇小")
    closing = {"on": "2026-08-01", "merged_into": town}
    key = uuid4()
    done = client.post(f"/v1/reference/schools/{village}/close", key, json=closing)
    assert done.status_code == 200, done.text
    assert client.post(f"/v1/reference/schools/{village}/close", key, json=closing).json() == done.json()
    again = client.post(f"/v1/reference/schools/{village}/close", json=closing)
    assert (again.status_code, again.json()["code"]) == (409, "school_already_closed")
    office.pump()
    after, before = shown(client, village, true_on="2026-08-01"), shown(client, village, true_on="2026-07-31")
    assert after is not None and before is not None
    assert (after["closed"], after["merged_into"], after["township"]) == (True, town, "469001100")
    assert (before["closed"], before["merged_into"]) == (False, None)
    history = client.get(f"/v1/reference/schools/{village}/history").json()
    assert [each["type"] for each in history] == ["SchoolClosed", "SchoolRegistered"] and history[0]["recorded_at"]
    stated = {"school_code": village, "name": "村小", "division_code": "469001100"}
    assert client.post("/v1/schools/batch?as_of=2026-09-01", **lines(stated)).json()["event_ids"] == []
    assert [type(each.fact) for each in office.log()].count(SchoolClosed) == 1


def test_a_school_that_cannot_close_is_told_why(client: Client, office: Office) -> None:
    own, other = opened(client, office, 1, "甲校"), opened(client, office, 2, "乙校")
    address = f"/v1/reference/schools/{own}/close"
    assert (
        client.post(address, json={"on": "2026-08-01", "merged_into": own}).json()["code"] == "no_school_to_merge_into"
    )
    assert (
        client.post(address, json={"on": "2026-08-01", "merged_into": "x"}).json()["code"] == "no_school_to_merge_into"
    )
    assert client.post(address, json={"on": "2019-08-01"}).json()["code"] == "before_school_began"
    client.post(f"/v1/reference/schools/{other}/close", json={"on": "2026-08-01"})
    into_closed = client.post(address, json={"on": "2026-08-01", "merged_into": other})
    assert into_closed.json()["code"] == "no_school_to_merge_into"
    assert client.post("/v1/reference/schools/none/close", json={"on": "2026-08-01"}).status_code == 404
    client.act_as({"sub": "far", "kind": "aid_clerk", "division": "460200"})
    assert client.post(address, json={"on": "2026-08-01"}).status_code == 404
    client.act_as(school(own))
    assert client.post(address, json={"on": "2026-08-01"}).status_code == 403


def test_what_was_known_of_a_school_before_it_was_said_to_close(client: Client, office: Office) -> None:
    code = opened(client, office, 1, "旧校")
    office.installation.sequence()
    time.sleep(0.01)
    moment = datetime.now(UTC).isoformat()
    time.sleep(0.01)
    client.post(f"/v1/reference/schools/{code}/close", json={"on": "2021-08-01"})
    client.post(
        "/v1/schools/batch?as_of=2020-09-01", **lines({"school_code": code, "name": "新名", "division_code": "469001"})
    )
    office.pump()
    now, then = shown(client, code), shown(client, code, known_at=moment)
    assert now is not None and (now["name"], now["closed"]) == ("新名", True)
    assert then is not None and (then["name"], then["closed"]) == ("旧校", False)
    assert shown(client, code, known_at=(datetime.now(UTC) - timedelta(days=1)).isoformat()) is None
    assert client.get("/v1/reference/schools", params={"known_at": "2026-01-01T00:00:00"}).status_code == 422


def test_division_codes_come_and_go_with_their_days(client: Client, office: Office) -> None:
    told: list[dict[str, Any]] = [
        {"code": "998101", "on": "2003-04-01", "change": "withdrawn", "successors": ["998102"], "source": "2003-1"},
        {"code": "998101", "on": "1980-01-01", "change": "added", "name": "望潮县"},
        {"code": "998102", "on": "2003-04-01", "change": "added", "name": "望潮区"},
        {"code": "998102", "on": "2010-01-01", "change": "added", "name": "新潮区"},
    ]
    first = client.post("/v1/reference/divisions/batch", **lines(*told))
    assert first.status_code == 200 and len(first.json()["event_ids"]) == 4, first.text
    assert client.post("/v1/reference/divisions/batch", **lines(*told)).json()["event_ids"] == []
    office.pump()

    def on(day: str, **asked: str) -> dict[str, Any]:
        params = {"within": "9981", "true_on": day, **asked}
        return {row["code"]: row for row in client.get("/v1/reference/divisions", params=params).json()["items"]}

    assert set(on("2002-01-01")) == {"998101"} and on("2002-01-01")["998101"]["in_force"]
    later = on("2011-01-01")
    assert (later["998101"]["in_force"], later["998101"]["successors"]) == (False, ["998102"])
    assert (later["998101"]["name"], later["998102"]["name"]) == ("望潮县", "新潮区")
    assert set(on("2011-01-01", in_force="false")) == {"998101"}
    assert len(client.get("/v1/reference/divisions/998102/history").json()) == 2
    assert client.get("/v1/reference/divisions/000000/history").status_code == 404
    wrong = client.post("/v1/reference/divisions/batch", **lines({"code": "1", "on": "2003-04-01", "change": "added"}))
    assert wrong.status_code == 422
    unnamed = client.post("/v1/reference/divisions/batch", **lines({**told[1], "name": ""}))
    assert unnamed.json()["facts"]["lines"] == [1]


DIVISION_SHEET = [
    ("望潮市行政区划变更表(虚构)", "", "", "", "", ""),
    ("代码", "名称", "变更日期", "变更类型", "撤并后代码", "依据"),
    ("998201", "老潮县", "1980年1月1日", "设立", "", ""),
    ("998201", "", "2003.04.01", "撤销", "998202、998203", "2003年第1号"),
    (998202, "东潮区", date(2003, 4, 1), "设立", "", ""),
    ("998203", "西潮区", "20030401", "设立", "", ""),
    ("998203", "西潮市", "2019-01-01", "更名", "", ""),
]


def test_a_history_of_codes_comes_in_as_the_sheet_a_county_keeps(
    client: Client, office: Office, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "区划.xlsx", DIVISION_SHEET)
    files = {"file": (path.name, path.read_bytes(), "application/octet-stream")}
    taken = client.post("/v1/reference/divisions/uploads", files=files)
    assert taken.status_code == 200 and len(taken.json()["event_ids"]) == 5, taken.text
    assert client.post("/v1/reference/divisions/uploads", files=files).json()["event_ids"] == []
    office.pump()
    rows = client.get("/v1/reference/divisions", params={"within": "9982", "true_on": "2020-01-01"}).json()["items"]
    assert [(row["code"], row["name"], row["in_force"], row["successors"]) for row in rows] == [
        ("998201", "老潮县", False, ["998202", "998203"]),
        ("998202", "东潮区", True, ["998202"]),
        ("998203", "西潮市", True, ["998203"]),
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (("99820", "x", "2003-04-01", "设立", "", ""), "division_code"),
        (("998201", "x", "2003-02-30", "设立", "", ""), "date"),
        (("998201", "x", "2003年4月", "设立", "", ""), "date"),
        (("998201", "x", "2003-04-01", "改了", "", ""), "change"),
        (("998201", "", "2003-04-01", "设立", "", ""), "change"),
        (("998201", "x", "2003-04-01", "撤销", "9982x2", ""), "division_code"),
    ],
)
def test_a_line_that_cannot_be_sends_the_sheet_back(
    client: Client, tmp_path: Path, row: tuple[str, ...], code: str
) -> None:
    path = workbook(tmp_path / "区划.xlsx", [*DIVISION_SHEET, row])
    files = {"file": (path.name, path.read_bytes(), "application/octet-stream")}
    answer = client.post("/v1/reference/divisions/uploads", files=files)
    assert answer.status_code == 422, answer.text
    assert [(each["line"], each["code"]) for each in answer.json()["facts"]["problems"]] == [(6, code)]


def test_a_calendar_tells_school_days_and_a_school_may_have_its_own(client: Client, office: Office) -> None:
    code = opened(client, office, 1, "山里小学")
    holiday = {"first": "2026-10-01", "last": "2026-10-07", "name": "国庆节"}
    wide = client.post("/v1/reference/calendars", json={**CALENDAR, "holidays": [holiday], "made_up": ["2026-10-10"]})
    assert wide.status_code == 201, wide.text
    own = client.post("/v1/reference/calendars", json={**CALENDAR, "school_code": code, "rest_weekdays": [7]})
    assert own.status_code == 201 and own.json()["calendar_id"] != wide.json()["calendar_id"], own.text
    same = client.post("/v1/reference/calendars", json={**CALENDAR, "school_code": code, "rest_weekdays": [7, 7]})
    assert same.json()["event_ids"] == []
    office.pump()

    def day(on: str, **asked: str) -> tuple[bool, str | None]:
        params = {"day": on, "division_code": "469001100", "before": "2", **asked}
        told = client.get("/v1/reference/school-day", params=params).json()
        return told["school_day"], told["nth_before"]

    assert day("2026-10-12") == (True, "2026-10-09") and day("2026-10-03") == (False, "2026-09-29")
    assert day("2026-10-03", school_code=code) == (True, "2026-10-01"), "a Saturday with school, no holiday of its own"
    assert (
        client.get("/v1/reference/school-day", params={"day": "2026-10-12", "division_code": "47"}).json()["term"]
        is None
    )
    rows = client.get("/v1/reference/calendars").json()["items"]
    mine = next(row for row in rows if row["school_code"] == code)
    assert mine["terms"] == 1 and mine["school_days"] == 122
    history = client.get(f"/v1/reference/calendars/{own.json()['calendar_id']}/history").json()
    assert history[0]["fields"]["content"]["rest_weekdays"] == [7]
    assert client.get(f"/v1/reference/calendars/{uuid4()}/history").status_code == 404
    facts = [each.fact for each in office.log() if isinstance(each.fact, SchoolCalendarActivated)]
    assert [fact.school_code for fact in facts] == [None, code]


def test_a_calendar_of_a_school_is_told_where_the_school_is(client: Client, office: Office) -> None:
    own = {**CALENDAR, "school_code": opened(client, office, 1, "河边小学")}
    beside = client.post("/v1/reference/calendars", json={**own, "division_code": "469002"})
    assert (beside.status_code, beside.json()["code"]) == (404, "school_not_on_record")
    around = client.post("/v1/reference/calendars", json={**own, "division_code": "469000"})
    assert around.status_code == 201, "469000 is all of 4690: " + around.text


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"terms": [{"first": "2026-09-01", "last": "2026-08-01", "name": "x"}]}, 422),
        ({"made_up": ["2027-06-01"]}, 422),
        ({"school_code": "nowhere"}, 404),
        ({"division_code": "460200"}, 403),
        ({"terms": []}, 422),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(client: Client, change: dict[str, Any], status: int) -> None:
    assert client.post("/v1/reference/calendars", json={**CALENDAR, **change}).status_code == status


def test_who_reports_lists_reads_reference_data_and_changes_none(client: Client) -> None:
    client.act_as(agency("civil_affairs"))
    assert client.get("/v1/reference/schools").status_code == 200
    assert client.post("/v1/reference/calendars", json=CALENDAR).status_code == 403
    assert client.post("/v1/reference/divisions/batch", **lines({})).status_code == 403
