"""Papers that explain an absence, over HTTP: who may enter them, what they silence, what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.events import ClassAttendanceReported, StudentPlaced
from tests.services.happenings import someone
from tests.services.installation import Installation
from tests.services.notifications.cases.desk import SCHOOLS, TODAY, Desk, open_desk

S1, S3 = {"school": "S1"}, {"school": "S3"}
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def desk(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    installation = Installation(postgres, tmp_path_factory.mktemp("documents"))
    with open_desk(installation) as made:
        yield made
    installation.close()


def paper(student: UUID, first: date, last: date, kind: str = "sick") -> dict[str, str]:
    return {
        "student_id": str(student), "kind": kind, "first_day": first.isoformat(), "last_day": last.isoformat(),
        "reference": "病假条2026-17",
    }  # fmt: skip


def enter(desk: Desk, body: dict[str, str], **more: Any) -> Any:
    return desk.ask("POST", "/documented-absences", json=body, place=more.pop("place", S1), **more)


def listed(desk: Desk, student: UUID, **asked: str) -> list[dict[str, Any]]:
    answer = desk.ask("GET", "/documented-absences", params={"student": str(student), **asked})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def absent(desk: Desk, student: UUID, days: list[date], reason: str = "unexplained") -> None:
    """Her own class reports her absent on these days."""
    for day in days:
        fact = ClassAttendanceReported(
            school_code="S1", division_code=SCHOOLS["S1"], stage="primary", grade="5",
            class_name=room(student), members=30, absences={reason: (student,)}, school_day=True,
            reported_by="teacher",
        )  # fmt: skip
        desk.installation.append("registry", someone(), fact, day)


def open_kinds(desk: Desk, student: UUID) -> list[str]:
    desk.settle()
    return [row["kind"] for row in desk.alerts(params={"student": str(student)})]


def room(student: UUID) -> str:
    """A class of her own, so that nobody else's report is a day at school for her."""
    return f"{student.int % 10_000}班"


def a_child(desk: Desk) -> UUID:
    student = desk.child(stage="primary", grade="5")
    placed = StudentPlaced(
        school_code="S1", division_code=SCHOOLS["S1"], stage="primary", grade="5", class_name=room(student)
    )
    desk.installation.append("registry", student, placed, date(2022, 9, 2))
    return student


def test_a_paper_silences_its_days_and_its_withdrawal_brings_the_alert(desk: Desk) -> None:
    student = a_child(desk)
    desk.settle()
    entered = enter(desk, paper(student, TODAY - 10 * DAY, TODAY + 3 * DAY))
    assert entered.status_code == 200, entered.text
    absent(desk, student, [TODAY - 4 * DAY, TODAY - 3 * DAY, TODAY - 2 * DAY])
    assert open_kinds(desk, student) == []
    document = entered.json()["document_id"]
    withdrawn = desk.ask("POST", f"/documented-absences/{document}/withdraw", json={"reason": "误录"}, place=S1)
    assert withdrawn.status_code == 200
    assert open_kinds(desk, student) == ["absent_running"]
    assert [row["state"] for row in listed(desk, student, state="withdrawn")] == ["withdrawn"]
    assert listed(desk, student) == []


def test_a_paper_entered_later_takes_the_alert_back(desk: Desk) -> None:
    student = a_child(desk)
    desk.settle()
    absent(desk, student, [TODAY - 7 * DAY, TODAY - 6 * DAY, TODAY - 5 * DAY])
    assert open_kinds(desk, student) == ["absent_running"]
    assert enter(desk, paper(student, TODAY - 8 * DAY, TODAY + DAY)).status_code == 200
    assert open_kinds(desk, student) == []
    (ended,) = desk.alerts(params={"student": str(student), "state": "withdrawn"})
    assert ended["ended_reason"] == "absence_documented"


def test_what_cannot_be_is_refused_in_words(desk: Desk) -> None:
    student = a_child(desk)
    desk.settle()
    backwards = enter(desk, paper(student, TODAY, TODAY - DAY))
    assert (backwards.status_code, backwards.json()["detail"]) == (422, "结束日期不能早于开始日期")
    longest = enter(desk, paper(student, TODAY, TODAY + 184 * DAY))
    assert (longest.status_code, longest.json()["code"]) == (422, "document_too_long")
    assert enter(desk, paper(student, TODAY, TODAY + 183 * DAY)).status_code == 200
    desk.settle()
    again = enter(desk, paper(student, TODAY + 183 * DAY, TODAY + 190 * DAY))
    assert (again.status_code, again.json()["code"]) == (409, "document_overlaps")
    assert enter(desk, paper(student, TODAY + 184 * DAY, TODAY + 190 * DAY)).status_code == 200
    assert enter(desk, paper(student, TODAY, TODAY + DAY, "abroad")).status_code == 200
    assert enter(desk, paper(uuid4(), TODAY, TODAY + DAY)).status_code == 404


def test_a_school_enters_sees_and_withdraws_only_its_own(desk: Desk) -> None:
    student = a_child(desk)
    desk.settle()
    assert enter(desk, paper(student, TODAY, TODAY + DAY), place=S3).status_code == 404
    entered = enter(desk, paper(student, TODAY, TODAY + DAY)).json()["document_id"]
    desk.settle()
    assert desk.ask("GET", "/documented-absences", place=S3).json()["items"] == []
    (row,) = desk.ask("GET", "/documented-absences", params={"student": str(student)}, place=S1).json()["items"]
    assert (row["document_id"], row["days_left"], row["state"]) == (entered, 2, "standing")
    gone = desk.ask("POST", f"/documented-absences/{entered}/withdraw", json={"reason": "误录"}, place=S3)
    assert gone.status_code == 404


def test_the_same_entry_twice_is_one_paper(desk: Desk) -> None:
    student, key = a_child(desk), uuid4()
    desk.settle()
    body = paper(student, TODAY, TODAY + 20 * DAY)
    first, second = (enter(desk, body, key=key).json() for _ in range(2))
    assert first == second
    desk.settle()
    assert len(listed(desk, student)) == 1
    assert listed(desk, student, state="expiring") == []
    assert len(listed(desk, student, state="standing")) == 1
