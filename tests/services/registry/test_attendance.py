"""Attendance over HTTP: who may report what, what counts after a correction, who is silent."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.life_events import ClassAttendanceReported
from services.registry.search.search_box import in_figures
from services.registry.students.attendance import Report
from services.registry.students.reporting_classes import ClassRegister, report_one
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import Client, client, http, school
from tests.services.registry.year import found_school, seat

__all__ = ["client", "http"]  # fixtures


def yesterday() -> date:
    """A day that is over: a class of it is reported or missing."""
    return today() - timedelta(days=1)


class TwoClasses:
    """A school with three children in one class and one in another."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.school = found_school(office.registry, office.school_code(1), f"第{office.agency}小学")
        numbers = [office.number(each) for each in range(1, 5)]
        self.first = seat(office.registry, self.school, [(each, "三年级") for each in numbers[:3]])
        self.second = seat(office.registry, self.school, [(numbers[3], "三年级")], class_name="2班")
        office.pump()

    def body(self, *absent: tuple[UUID, str], **fields: Any) -> dict[str, Any]:
        children = [{"student_id": str(child), "reason": reason} for child, reason in absent]
        named: dict[str, Any] = {"school_code": self.school, "grade": "三年级", "class_name": "1班", "absent": children}
        return named | {"day": yesterday().isoformat()} | fields


@pytest.fixture
def classes(office: Office) -> TwoClasses:
    return TwoClasses(office)


def absences(client: Client, child: UUID, **span: date) -> list[tuple[str, str | None, bool]]:
    given = {name: day.isoformat() for name, day in span.items()}
    answer = client.get(f"/v1/students/{child}/absences", params=given)
    assert answer.status_code == 200, answer.text
    return [(row["day"], row["reason"], row["late"]) for row in answer.json()]


def reported(office: Office) -> list[ClassAttendanceReported]:
    return [each.fact for each in office.log() if isinstance(each.fact, ClassAttendanceReported)]


def test_a_class_is_reported_and_a_second_report_counts_instead(
    client: Client, office: Office, classes: TwoClasses
) -> None:
    client.act_as(school(classes.school))
    one, two, three = classes.first
    first = client.post("/v1/attendance", json=classes.body((one, "sick"), late=[str(two)]))
    assert first.status_code == 200, first.text
    again = client.post("/v1/attendance", json=classes.body((one, "sick"), late=[str(two)]))
    assert len(first.json()["event_ids"]) == 1 and again.json()["event_ids"] == []
    office.pump()
    assert absences(client, one) == [(yesterday().isoformat(), "sick", False)]
    assert absences(client, two) == [(yesterday().isoformat(), None, True)]
    corrected = client.post("/v1/attendance", json=classes.body((one, "leave"), (three, "unexplained")))
    assert len(corrected.json()["event_ids"]) == 1
    office.pump()
    assert [absences(client, child) for child in classes.first] == [
        [(yesterday().isoformat(), "leave", False)],
        [],
        [(yesterday().isoformat(), "unexplained", False)],
    ]
    assert len(reported(office)) == 2  # both are on record
    (row,) = client.get("/v1/attendance", params={"day": yesterday(), "school": classes.school}).json()["items"]
    assert (row["absent"], row["late"], row["members"], row["corrected"]) == (2, 0, 3, True)
    assert absences(client, one, last=yesterday() - timedelta(days=1)) == []


def test_classes_that_did_not_report_are_listed(client: Client, office: Office, classes: TwoClasses) -> None:
    def silent() -> list[tuple[str, int]]:
        asked = {"day": yesterday(), "school": classes.school, "limit": 1}
        answer = client.get("/v1/attendance/unreported", params=asked)
        rows = answer.json()["items"]
        while answer.json()["next"]:
            following = asked | {"after": answer.json()["next"]}
            answer = client.get("/v1/attendance/unreported", params=following)
            rows += answer.json()["items"]
        return [(row["class_name"], row["members"]) for row in rows]

    assert silent() == [("1班", 3), ("2班", 1)]
    assert client.post("/v1/attendance", json=classes.body()).status_code == 200
    office.pump()
    assert silent() == [("2班", 1)]


def test_a_batch_is_taken_whole_or_told_line_by_line(client: Client, office: Office, classes: TwoClasses) -> None:
    def send(*bodies: dict[str, Any]) -> Any:
        return client.post("/v1/attendance/batch", content="\n".join(json.dumps(each) for each in bodies))

    (other,) = classes.second
    wrong = send(
        classes.body(),
        classes.body((other, "sick"), class_name="2班", day=(today() + timedelta(days=1)).isoformat()),
        classes.body((other, "sick")),
        classes.body(class_name="7班"),
        classes.body(late=[str(classes.first[0])]),
        classes.body(class_name="2班", full=True),
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_batch")
    told = [(each["line"], each["code"]) for each in wrong.json()["facts"]["problems"]]
    assert told == [
        (2, "day_in_future"),
        (3, "not_in_class"),
        (4, "unknown_class"),
        (5, "reported_twice"),
        (6, "list_incomplete"),
    ]
    assert reported(office) == []
    done = send(classes.body(), classes.body((other, "sick"), class_name="2班", full=True))
    assert done.status_code == 200 and len(done.json()["event_ids"]) == 2
    assert [sum(map(len, each.absences.values())) for each in reported(office)] == [0, 1]


def test_who_was_in_the_class_is_asked_of_that_day(client: Client, office: Office, classes: TwoClasses) -> None:
    one = classes.first[0]
    left = {"on": yesterday().isoformat(), "reason": "abroad"}
    assert client.post(f"/v1/students/{one}/leave", json=left).status_code == 200
    office.pump()
    gone = client.post("/v1/attendance", json=classes.body((one, "sick")))
    assert (gone.status_code, gone.json()["code"]) == (422, "not_in_class")
    before = (yesterday() - timedelta(days=1)).isoformat()
    assert client.post("/v1/attendance", json=classes.body((one, "sick"), day=before)).status_code == 200


def test_the_same_report_again_gives_the_same_answer_whoever_left_meanwhile(
    client: Client, office: Office, classes: TwoClasses
) -> None:
    key, body = uuid4(), classes.body((classes.first[0], "sick"))
    first = client.post("/v1/attendance", key, json=body)
    left = {"on": yesterday().isoformat(), "reason": "abroad"}
    assert client.post(f"/v1/students/{classes.first[0]}/leave", json=left).status_code == 200
    office.pump()
    assert client.post("/v1/attendance", json=body).json()["code"] == "not_in_class"
    assert client.post("/v1/attendance", key, json=body).json() == first.json()


def test_a_child_who_came_a_moment_ago_is_in_her_class(client: Client, office: Office, classes: TwoClasses) -> None:
    (child,) = seat(office.registry, classes.school, [(office.number(9), "三年级")], class_name="1班")
    done = client.post("/v1/attendance", json=classes.body((child, "sick")))  # no view shows her yet
    assert done.status_code == 200, done.text
    assert reported(office)[-1].members == 4


def test_another_schools_class_is_unknown(client: Client, office: Office, classes: TwoClasses) -> None:
    client.act_as(school(SCHOOLS[1].school_code))
    for body in (classes.body(), classes.body((classes.first[0], "sick"))):
        assert client.post("/v1/attendance", json=body).json()["code"] == "unknown_class"
    assert client.get(f"/v1/students/{classes.first[0]}/absences").status_code == 404
    assert client.get("/v1/attendance", params={"day": yesterday(), "school": classes.school}).json()["items"] == []
    client.act_as({"sub": "auditor", "kind": "auditor", "division": "46"})
    assert client.post("/v1/attendance", json=classes.body()).status_code == 403


def test_a_day_that_is_no_school_day_is_flagged_and_taken(office: Office, classes: TwoClasses) -> None:
    def saturday(school_code: str, day: date) -> bool:
        return not (school_code == classes.school and day == yesterday())

    register = ClassRegister(office.registry, Scope(division="4690"), saturday)
    report = Report(classes.school, "三年级", "1班", yesterday())
    report_one(register, report, Command("teacher", uuid4(), b"r"), today())
    assert [each.school_day for each in reported(office)] == [False]


def test_any_order_of_arrival_gives_the_same_absences(client: Client, office: Office, classes: TwoClasses) -> None:
    rng = random.Random(5)
    expected: Sequence[UUID] = ()
    for _ in range(6):
        expected = rng.sample(classes.first, rng.randrange(3))
        body = classes.body(*((child, "sick") for child in expected))
        assert client.post("/v1/attendance", json=body).status_code == 200
    office.installation.pump(shuffle=rng, batch=3)
    assert {child for child in classes.first if absences(client, child)} == set(expected)


def test_a_schools_classes_and_their_children_are_shown_as_they_were_reported_at_once(
    client: Client, office: Office, classes: TwoClasses
) -> None:
    client.act_as(school(classes.school))
    asked = {"day": yesterday().isoformat(), "school": classes.school}

    def shown() -> list[tuple[str, int, bool, int, int, bool]]:
        told = client.get("/v1/attendance/classes", params=asked).json()
        names = ("class_name", "members", "reported", "absent", "late", "corrected")
        return [tuple(each[name] for name in names) for each in told["classes"]]

    assert shown() == [("1班", 3, False, 0, 0, False), ("2班", 1, False, 0, 0, False)]
    one, two, three = classes.first
    client.post("/v1/attendance", json=classes.body((one, "sick"), late=[str(two)]))
    assert shown()[0] == ("1班", 3, True, 1, 1, False)  # no view was brought up to date in between
    client.post("/v1/attendance", json=classes.body((three, "leave")))
    assert shown()[0] == ("1班", 3, True, 1, 0, True)
    sheet = client.get(
        "/v1/attendance/class", params=asked | {"stage": "primary", "grade": "三年级", "class_name": "1班"}
    ).json()
    assert {each["student_id"]: each["reason"] for each in sheet["children"]} == {
        str(one): None,
        str(two): None,
        str(three): "leave",
    }
    assert all("*" in each["name"] and len(each["number_end"]) == 4 for each in sheet["children"])
    assert sheet["about"]["members"] == 3 and sheet["about"]["corrected"] is True
    nobody = client.get("/v1/attendance/class", params=asked | {"grade": "九年级", "class_name": "1班"})
    assert nobody.status_code == 422 and nobody.json()["code"] == "unknown_class"
    office.pump()
    rows = client.get("/v1/attendance/schools", params={"day": yesterday()}).json()["items"]
    assert [(row["classes"], row["reported"]) for row in rows] == [(2, 1)]
    client.act_as(school(SCHOOLS[0].school_code))
    assert client.get("/v1/attendance/classes", params=asked).json()["classes"] == []


def test_grades_and_classes_sort_as_people_count_them() -> None:
    assert sorted(["一一班", "10班", "2班", "实验班", "1班"], key=in_figures) == [
        "一一班",
        "实验班",
        "1班",
        "2班",
        "10班",
    ]
    assert sorted(["十年级", "二年级", "一年级", "三年级"], key=in_figures) == ["一年级", "二年级", "三年级", "十年级"]
