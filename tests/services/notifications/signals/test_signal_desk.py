"""Documents of absence and the rules' versions over HTTP, to the alerts they end and the closings they allow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.visits.events import VisitLogged
from shared.kernel.clock import today
from tests.services.happenings import someone
from tests.services.installation import Installation
from tests.services.notifications.cases.desk import Desk, open_desk

S1, S3 = {"school": "S1"}, {"school": "S3"}


@pytest.fixture
def desk(installation: Installation) -> Iterator[Desk]:
    """One for each test: what a class reported in another would be days at school here."""
    with open_desk(installation) as made:
        installation.bare("visits")
        yield made


def paper(student: UUID, begins: int, ends: int, **fields: Any) -> dict[str, Any]:
    """From ``begins`` to ``ends`` days from today."""
    days = {
        name: (today() + timedelta(days=at)).isoformat() for name, at in (("first_day", begins), ("last_day", ends))
    }
    return {"student_id": str(student), "kind": "sick", "reference": "琼病假2026-18", **days, **fields}


def tell(desk: Desk, body: dict[str, Any], **more: Any) -> Any:
    return desk.ask("POST", "/documented-absences", json=body, **more)


def kinds(desk: Desk, student: UUID) -> set[str]:
    return {row["kind"] for row in desk.alerts() if row["student_id"] == str(student)}


def test_a_document_ends_the_alert_of_its_days_and_its_withdrawal_raises_it_again(desk: Desk) -> None:
    student = desk.child(class_name="1班", grade="5")
    for back in (3, 2, 1):
        desk.report("S1", today() - timedelta(days=back), student)
    desk.settle()
    assert "absent_running" in kinds(desk, student)
    told = tell(desk, paper(student, -5, 5), place=S1)
    assert told.status_code == 201, told.text
    desk.settle()
    assert not kinds(desk, student)
    document = told.json()["document_id"]
    rows = desk.ask("GET", f"/documented-absences?student={student}").json()["items"]
    assert [(row["document_id"], row["expiring"]) for row in rows] == [(document, True)]
    body = {"reason": "登记有误"}
    assert desk.ask("POST", f"/documented-absences/{document}/withdraw", json=body, place=S3).status_code == 404
    assert desk.ask("POST", f"/documented-absences/{document}/withdraw", json=body, place=S1).status_code == 200
    again = desk.ask("POST", f"/documented-absences/{document}/withdraw", json=body, place=S1)
    assert (again.status_code, again.json()["code"]) == (409, "document_withdrawn")
    desk.settle()
    assert "absent_running" in kinds(desk, student)
    assert desk.ask("GET", f"/documented-absences?student={student}").json()["items"] == []


def test_home_teaching_silences_as_long_as_visits_come(desk: Desk) -> None:
    student = desk.child(class_name="1班", grade="5")
    assert tell(desk, paper(student, -60, 60), place=S1).json()["code"] == "student_not_here"  # not arrived yet
    desk.settle()
    assert tell(desk, paper(student, -60, 60, kind="home_teaching"), place=S1).status_code == 201
    desk.settle()  # of two services' logs either may be read first
    for back in (3, 2, 1):
        desk.report("S1", today() - timedelta(days=back), student)
    desk.settle()
    (alert,) = [row for row in desk.alerts() if row["student_id"] == str(student)]
    assert alert["explanation_code"].endswith("_home_teaching_unvisited")
    visit = VisitLogged(
        student_id=student, campaign=None, visited_on=today() - timedelta(days=10), outcome="met", visitor="teacher-1",
        confirmed=(), repeat_on=None, division_code="469001001", school_code="S1", personal=None,
    )  # fmt: skip
    desk.installation.append("visits", someone(), visit, visit.visited_on)
    desk.settle()
    assert not kinds(desk, student)


def test_a_report_told_again_or_mended_or_of_another_time(desk: Desk) -> None:
    """The future, two years back, and a child whom no class of hers names raise nothing; told again nothing new."""
    student, stranger = desk.child(class_name="1班", grade="5"), desk.child("S3", class_name="9班", grade="6")
    for day in range(1, 4):
        desk.report("S1", today() + timedelta(days=day), student)
        desk.report("S1", today() - timedelta(days=730 + day), student)
    desk.report("S1", today() - timedelta(days=1), stranger)
    desk.settle()
    assert not kinds(desk, student) and not kinds(desk, stranger)


def test_a_school_documents_its_own_children_once_and_lists_what_ends_first(desk: Desk) -> None:
    student, other = desk.child("S3"), desk.child("S3")
    desk.settle()
    assert tell(desk, paper(student, 0, 3), place=S1).json()["code"] == "student_not_here"
    assert tell(desk, paper(someone(), 0, 3)).json()["code"] == "student_not_here"
    assert tell(desk, paper(student, 0, 3, reference="13900000000;DROP"), place=S3).status_code == 422
    key = uuid4()
    late = tell(desk, paper(other, 0, 40, kind="abroad"), place=S3, key=key)
    soon = tell(desk, paper(student, 0, 14), place=S3)
    desk.settle()
    assert tell(desk, paper(other, 0, 40, kind="abroad"), place=S3, key=key).json() == late.json()
    assert tell(desk, paper(other, 40, 41, kind="abroad"), place=S3).json()["code"] == "document_overlaps"
    rows = desk.ask("GET", "/documented-absences", place=S3).json()["items"]
    assert [row["document_id"] for row in rows] == [soon.json()["document_id"], late.json()["document_id"]]
    first = desk.ask("GET", "/documented-absences?limit=1", place=S3).json()
    rest = desk.ask("GET", f"/documented-absences?limit=1&after={first['next']}", place=S3).json()
    assert [page["items"][0]["document_id"] for page in (first, rest)] == [row["document_id"] for row in rows]
    expiring = desk.ask("GET", "/documented-absences?expiring=true", place=S3).json()["items"]
    assert [row["document_id"] for row in expiring] == [soon.json()["document_id"]]
    assert desk.ask("GET", "/documented-absences?school=S3", place=S1).json()["items"] == []


def test_rules_have_a_history_and_their_return_days_are_what_a_closing_asks_for(desk: Desk) -> None:
    student = desk.dropped("S2")
    desk.settle()
    (alert,) = [row["alert_id"] for row in desk.alerts() if row["student_id"] == str(student)]
    assert desk.act(alert, "seen").status_code == 200
    (first,) = desk.ask("GET", "/alert-rules", place=S1).json()["items"]
    content = first["content"] | {"variations": [{"division": "469001", "return_days": 5}]}
    assert desk.ask("POST", "/alert-rules", json=content, place=S1).status_code == 403
    bad = desk.ask("POST", "/alert-rules", json=content | {"absent_share": 7})
    assert (bad.status_code, bad.json()["code"]) == (422, "bad_rules")
    assert desk.ask("POST", "/alert-rules", json=content, by="clerk-2").status_code == 201
    desk.settle()
    last, _ = desk.ask("GET", "/alert-rules").json()["items"]
    assert (last["by"], last["as_of"], list(last["changed"])) == ("clerk-2", today().isoformat(), ["variations"])
    refused = desk.act(alert, "close", {"reason": "attending_again", "evidence": "考勤表"})
    assert refused.json()["code"] == "evidence_missing" and "有5个" in refused.json()["detail"]
