"""Classes change: for one student, and for a set that is taken whole or not at all."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.events import StudentPlaced
from shared.kernel.clock import today
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import Client, client, http, school
from tests.services.registry.year import found_school, seat, seats

__all__ = ["client", "http"]  # fixtures


def lately() -> date:
    """A day on which a class may still change."""
    return today() - timedelta(days=10)


class Grade:
    """Three children in one class."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.school = found_school(office.registry, office.school_code(1), f"第{office.agency}小学")
        self.children = seat(office.registry, self.school, [(office.number(each), "三年级") for each in (1, 2, 3)])

    def classes(self) -> list[str | None]:
        self.office.pump()
        found = seats(self.office.registry, self.children)
        return [found[child][2] for child in self.children]


@pytest.fixture
def grade(office: Office) -> Grade:
    return Grade(office)


def change(client: Client, child: UUID, class_name: str, on: date | None = None) -> Any:
    return client.post(
        f"/v1/students/{child}/class", json={"on": (on or lately()).isoformat(), "class_name": class_name}
    )


def reshuffle(client: Client, *rows: tuple[UUID, str], on: date | None = None) -> Any:
    lines = "\n".join(json.dumps({"student_id": str(child), "class_name": name}) for child, name in rows)
    return client.post("/v1/students/classes/batch", content=lines, params={"on": (on or lately()).isoformat()})


def test_a_student_changes_class_from_a_day_on(client: Client, office: Office, grade: Grade) -> None:
    client.act_as(school(grade.school))
    child = grade.children[0]
    done = change(client, child, "2班")
    assert (done.status_code, done.json()["version"]) == (200, 2), done.text
    assert change(client, child, "2班").json()["event_ids"] == []
    assert grade.classes() == ["2班", "1班", "1班"]
    (fact,) = [each.fact for each in office.log() if isinstance(each.fact, StudentPlaced)]
    assert (fact.stage, fact.grade, fact.promotion_id) == ("primary", "三年级", None)


def test_a_change_before_what_was_told_of_later_days_is_refused(client: Client, grade: Grade) -> None:
    child = grade.children[0]
    assert change(client, child, "2班").status_code == 200
    early = change(client, child, "3班", lately() - timedelta(days=1))
    assert (early.status_code, early.json()["code"]) == (422, "before_last_change")
    assert change(client, child, "3班", today() + timedelta(days=1)).json()["code"] == "day_in_future"
    assert client.post(f"/v1/students/{child}/leave", json={"on": lately().isoformat(), "reason": "abroad"}).is_success
    assert change(client, child, "3班", today()).json()["code"] == "student_not_enrolled"


def test_a_set_is_reshuffled_in_one_request(client: Client, office: Office, grade: Grade) -> None:
    one, two, three = grade.children
    done = reshuffle(client, (one, "2班"), (two, "3班"), (three, "1班"))
    assert done.status_code == 200 and done.json()["changed"] == 2, done.text
    assert grade.classes() == ["2班", "3班", "1班"]


def test_a_set_with_wrong_rows_moves_nobody_and_says_which_and_why(
    client: Client, office: Office, grade: Grade
) -> None:
    one, two, three = grade.children
    assert client.post(f"/v1/students/{two}/leave", json={"on": lately().isoformat(), "reason": "abroad"}).is_success
    assert change(client, three, "9班", today()).status_code == 200
    wrong = reshuffle(client, (one, "2班"), (two, "2班"), (three, "2班"), (uuid4(), "2班"), (one, "3班"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_batch")
    assert wrong.json()["facts"]["count"] == 4
    assert [(each["line"], each["code"]) for each in wrong.json()["facts"]["problems"]] == [
        (2, "student_not_enrolled"),
        (3, "before_last_change"),
        (4, "student_unknown"),
        (5, "named_twice"),
    ]
    assert grade.classes()[0] == "1班"
    assert reshuffle(client, (one, "2班"), on=today() + timedelta(days=1)).json()["code"] == "day_in_future"


def test_another_schools_students_are_not_moved(client: Client, office: Office, grade: Grade) -> None:
    client.act_as(school(SCHOOLS[1].school_code))
    assert change(client, grade.children[0], "2班").status_code == 404
    told = reshuffle(client, (grade.children[0], "2班")).json()["facts"]["problems"]
    assert told[0]["code"] == "student_unknown"
    assert office.count(lambda each: isinstance(each.fact, StudentPlaced)) == 0
