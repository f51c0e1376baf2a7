"""The tasks of a term over HTTP: due by the calendar, done and taken up again, a school's own by that school alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from fastapi.testclient import TestClient

from services.registry.terms.first_term_plan import FIRST_PLAN
from services.registry.terms.term_plan import canonical
from tests.services.installation import Installation
from tests.services.registry.office import SCHOOLS, RunningRegistry
from tests.services.registry.test_api import CLERK, Client, http, school

__all__ = ["http"]  # a fixture
AUTUMN = {"school_year": 2025, "term": "2025-autumn"}
CALENDAR = {
    "division_code": "469000",
    "school_year": 2025,
    "terms": [
        {"first": "2025-09-01", "last": "2026-01-20", "name": "2025-autumn"},
        {"first": "2026-03-02", "last": "2026-07-05", "name": "2026-spring"},
    ],
    "holidays": [{"first": "2025-10-01", "last": "2025-10-07", "name": "国庆节"}],
}
OWN = CALENDAR | {  # of one school, a week later
    "school_code": SCHOOLS[2].school_code,
    "division_code": "469002",
    "terms": [{"first": "2025-09-08", "last": "2026-01-20", "name": "2025-autumn"}, CALENDAR["terms"][1]],  # type: ignore[index]
}


@pytest.fixture(scope="module")
def running(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    """A registry of its own: other tests tell calendars of theirs. Its schools stand since before the terms."""
    installation = Installation(postgres, tmp_path_factory.mktemp("terms"))
    made = RunningRegistry(installation, date(2025, 8, 1))
    yield made
    installation.close()


@pytest.fixture(scope="module")
def client(http: TestClient, running: RunningRegistry) -> Client:
    made = Client(http)
    for told in (CALENDAR, OWN):
        assert made.post("/v1/reference/calendars?as_of=2025-08-01", json=told).status_code == 201
    running.installation.pump()
    return made


@pytest.fixture(autouse=True)
def _clerk(client: Client) -> None:
    client.act_as(CLERK)


def tasks(client: Client, day: str, **asked: Any) -> dict[tuple[str, str | None], dict[str, Any]]:
    params = {"true_on": day, "limit": "200", **AUTUMN, **asked}
    found = client.get("/v1/term-tasks", params=params)
    assert found.status_code == 200, found.text
    return {(row["task"], row["school_code"]): row for row in found.json()["items"]}


def test_every_task_stands_in_its_term_by_the_calendar_of_its_place(client: Client) -> None:
    rows = tasks(client, "2025-09-02")
    check = [(row["school_code"], row["due_on"], row["state"]) for row in rows.values() if row["who"] == "school"]
    assert check == [
        (SCHOOLS[0].school_code, "2025-09-01", "late"),
        (SCHOOLS[1].school_code, "2025-09-01", "late"),
        (SCHOOLS[2].school_code, "2025-09-08", "upcoming"),  # by its own calendar
    ]
    disclosure = rows["disclosure", None]
    assert (disclosure["title"], disclosure["opens_on"], disclosure["due_on"]) == ("公示", "2025-09-30", "2025-10-13")
    assert tasks(client, "2025-09-02", state="late", task="opening_check").keys() == {
        ("opening_check", SCHOOLS[0].school_code),
        ("opening_check", SCHOOLS[1].school_code),
    }
    terms = client.get("/v1/terms", params={"true_on": "2025-09-02"}).json()["items"]
    assert [(each["term"], each["current"], each["late"]) for each in terms] == [
        ("2026-spring", False, 0),
        ("2025-autumn", True, 2),
    ]
    assert client.get("/v1/term-tasks", params={"true_on": "2025-09-02"}).json()["items"][0]["term"] == "2025-autumn"
    assert client.get("/v1/term-tasks", params={"true_on": "2024-09-02"}).json()["items"] == []  # no calendar then


def test_the_list_turns_pages(client: Client) -> None:
    first = client.get("/v1/term-tasks", params={**AUTUMN, "limit": 4}).json()
    rest = client.get("/v1/term-tasks", params={**AUTUMN, "limit": 20, "after": first["next"]}).json()
    assert len(first["items"]) == 4 and len(rest["items"]) == 5 and rest["next"] is None
    assert client.get("/v1/term-tasks", params={"after": "WyJzIl0"}).status_code == 422


def test_a_school_does_its_own_task_and_may_have_to_do_it_again(client: Client, running: RunningRegistry) -> None:
    own, other = SCHOOLS[0].school_code, SCHOOLS[1].school_code
    told = AUTUMN | {"task": "opening_check", "school_code": own, "on": "2025-09-01", "count": 412}
    client.act_as(school(own))
    assert {code for _, code in tasks(client, "2025-09-02")} == {own}
    assert client.get("/v1/term-tasks/due", params={"true_on": "2025-09-02"}).json()[0]["outstanding"] == 1
    key = uuid4()
    done = client.post("/v1/term-tasks/done", key, json=told)
    assert done.status_code == 200, done.text
    assert client.post("/v1/term-tasks/done", key, json=told).json() == done.json()
    assert client.post("/v1/term-tasks/done", json=told).json()["code"] == "term_task_already_done"
    for refused in ({"school_code": other}, {"task": "payment", "school_code": None}, {"term": "2024-autumn"}):
        answer = client.post("/v1/term-tasks/done", json=told | refused)
        assert (answer.status_code, answer.json()["code"]) == (404, "term_task_unknown")
    client.act_as(CLERK)
    running.installation.pump()
    rows = tasks(client, "2025-09-02")
    row = rows["opening_check", own]
    assert (row["state"], row["done_on"], row["count"], row["told_by"]) == ("done", "2025-09-01", 412, f"school {own}")
    assert rows["opening_check", other]["state"] == "late"
    again = AUTUMN | {"task": "opening_check", "school_code": own, "on": "2025-09-10", "note": "人数有误"}
    early = client.post("/v1/term-tasks/reopen", json=again | {"on": "2025-08-31"})
    assert early.json()["code"] == "term_task_changed_later"
    assert client.post("/v1/term-tasks/reopen", json=again).status_code == 200
    assert client.post("/v1/term-tasks/reopen", json=again).json()["code"] == "term_task_not_done"
    running.installation.pump()
    assert tasks(client, "2025-09-09")["opening_check", own]["state"] == "done"  # on that day it was
    late = tasks(client, "2025-09-10")["opening_check", own]
    assert (late["state"], late["note"], late["done_on"]) == ("late", "人数有误", None)


def test_a_task_is_not_done_before_its_time(client: Client) -> None:
    disclosed = AUTUMN | {"task": "disclosure", "on": "2025-10-10"}
    early = client.post("/v1/term-tasks/done", json=disclosed)
    assert (early.status_code, early.json()["facts"]["earliest"]) == (422, "2025-10-13")  # five working days
    ahead = client.post("/v1/term-tasks/done", json=disclosed | {"on": "2199-01-01"})
    assert ahead.json()["code"] == "term_task_in_future"
    noted = client.post("/v1/term-tasks/done", json=disclosed | {"note": "见 469001201408150030"})
    assert "备注" in noted.json()["detail"]
    with_school = client.post("/v1/term-tasks/done", json=disclosed | {"school_code": SCHOOLS[0].school_code})
    assert with_school.status_code == 404


def test_what_is_due_today_comes_first_what_is_long_past_is_no_work(client: Client) -> None:
    due = client.get("/v1/term-tasks/due", params={"true_on": "2025-09-10"}).json()
    assert [(each["task"], each["outstanding"]) for each in due][1:] == [
        ("reference_date", 1),
        ("list_cut_off", 1),
        ("review_finished", 1),
    ]
    assert (due[0]["task"], due[0]["state"]) == ("opening_check", "late")
    today = client.get("/v1/term-tasks/due", params={"true_on": "2025-09-15"}).json()
    assert [each["task"] for each in today][:2] == ["reference_date", "opening_check"]
    client.act_as({"sub": "auditor", "kind": "auditor", "division": "4690"})
    assert client.get("/v1/term-tasks/due").status_code == 200
    assert client.post("/v1/term-tasks/done", json=AUTUMN | {"task": "close"}).status_code == 403
    client.act_as({"sub": "far", "kind": "aid_clerk", "division": "460200"})
    assert tasks(client, "2025-09-02") == {}


def test_another_plan_counts_from_its_day(client: Client, running: RunningRegistry) -> None:
    before = client.get("/v1/term-plan", params={"true_on": "2025-09-01"}).json()
    assert before["content"] == msgspec.json.decode(canonical(FIRST_PLAN))
    plan = {"tasks": before["content"]["tasks"][:2]}
    plan["tasks"][1]["due"] = {"anchor": "fixed", "month": 9, "day": 30}
    taken = client.post("/v1/term-plan?as_of=2026-03-01", json=plan)
    assert taken.status_code == 201 and len(taken.json()["event_ids"]) == 1, taken.text
    assert client.post("/v1/term-plan?as_of=2026-03-01", json=plan).json()["event_ids"] == []
    assert client.post("/v1/term-plan", json={"tasks": []}).json()["code"] == "bad_term_plan"
    client.act_as({"sub": "near", "kind": "aid_clerk", "division": "469001"})
    assert client.post("/v1/term-plan", json=plan).status_code == 403
    client.act_as(CLERK)
    running.installation.pump()
    assert tasks(client, "2026-03-02")["reference_date", None]["due_on"] == "2025-09-30"
    assert tasks(client, "2026-02-28")["reference_date", None]["due_on"] == "2025-09-15"


def test_without_a_plan_or_a_calendar_there_is_nothing_to_do(client: Client) -> None:
    assert client.get("/v1/terms", params={"true_on": "2019-01-01"}).json()["items"] == []
    assert client.get("/v1/term-plan", params={"true_on": "2019-01-01"}).json() is None


def test_a_report_says_whether_there_was_school_that_day(client: Client, running: RunningRegistry) -> None:
    own = {"school_code": SCHOOLS[0].school_code, "grade": "3", "class_name": "1"}
    born = {"name": "张三", "birth_date": "2017-03-01", "stage": "小学"}
    enrolled = client.post("/v1/students?as_of=2025-08-20", json=own | born | {"enrolled_on": "2025-08-20"})
    assert enrolled.status_code == 201, enrolled.text
    running.installation.pump()
    said = {"2026-03-03": True, "2026-03-07": False, "2026-02-10": False, "2026-07-06": None}
    for day in said:
        taken = client.post("/v1/attendance", json=own | {"day": day})
        assert taken.status_code == 200, taken.text
    running.installation.pump()
    for day, school_day in said.items():
        (row,) = client.get("/v1/attendance", params={"day": day}).json()["items"]
        assert row["school_day"] is school_day, day
