"""Suspended and due back: who is expected when, extensions, and who should have been back on a day."""

from __future__ import annotations

from datetime import date

from services.registry.events import StudentEnrolled, StudentLeft
from services.registry.life_events import StudentSuspensionExtended
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import Client, client, enrol, http, school

__all__ = ["client", "http"]  # fixtures
SUSPENDED = {"on": "2026-09-10", "reason": "suspended", "due_back": "2027-03-01"}


def overdue(client: Client, office: Office, student: str, day: str, **given: str) -> int | None:
    """How many days this student was overdue on a day; None when she is not in the list."""
    office.pump()
    query = {"true_on": day, "overdue": "true", "school": SCHOOLS[0].school_code} | given
    rows = client.get("/v1/suspensions", params=query).json()["items"]
    return next((row["days_overdue"] for row in rows if row["student_id"] == student), None)


def test_a_suspended_student_is_due_back_later_after_an_extension_and_then_returns(
    client: Client, office: Office
) -> None:
    student = enrol(client, office)
    assert client.post(f"/v1/students/{student}/leave", json=SUSPENDED).status_code == 200
    assert overdue(client, office, student, "2027-02-28") is None
    assert overdue(client, office, student, "2027-03-01") == 0
    assert overdue(client, office, student, "2027-03-05") == 4
    assert overdue(client, office, student, "2026-10-01", overdue="false") == 0
    later = {"on": "2027-02-20", "due_back": "2027-09-01"}
    extended = client.post(f"/v1/students/{student}/extend-suspension", json=later)
    assert extended.status_code == 200, extended.text
    assert overdue(client, office, student, "2027-03-05") is None
    assert overdue(client, office, student, "2027-09-02") == 1
    assert client.post(f"/v1/students/{student}/return", json={"on": "2027-09-02"}).status_code == 200
    assert overdue(client, office, student, "2027-09-02") is None
    assert overdue(client, office, student, "2027-09-01") == 0  # that day she was not back
    assert [type(each.fact) for each in office.log()] == [
        StudentEnrolled,
        StudentLeft,
        StudentSuspensionExtended,
        StudentEnrolled,
    ]
    shown = client.get(f"/v1/students/{student}", params={"true_on": "2027-02-25"}).json()
    assert (shown["state"], shown["due_back"]) == ("suspended", "2027-09-01")
    assert shown["history"][1]["text"] == "休学延期"
    assert client.get(f"/v1/students/{student}", params={"true_on": "2027-09-02"}).json()["due_back"] is None


def test_dates_that_cannot_be_are_refused(client: Client, office: Office) -> None:
    student = enrol(client, office)
    leave, extend = f"/v1/students/{student}/leave", f"/v1/students/{student}/extend-suspension"

    def code(path: str, body: dict[str, str]) -> tuple[int, str]:
        answer = client.post(path, json=body)
        return answer.status_code, answer.json()["code"]

    assert code(leave, SUSPENDED | {"due_back": "2026-09-10"}) == (422, "due_back_too_early")
    assert code(leave, SUSPENDED | {"reason": "abroad"}) == (422, "due_back_of_no_suspension")
    assert code(extend, {"on": "2026-09-20", "due_back": "2027-03-01"}) == (409, "not_suspended")
    assert client.post(leave, json=SUSPENDED).status_code == 200
    assert code(extend, {"on": "2026-12-01", "due_back": "2027-03-01"}) == (422, "due_back_too_early")
    assert code(extend, {"on": "2027-05-01", "due_back": "2027-04-01"}) == (422, "due_back_too_early")
    assert code(extend, {"on": "2026-09-01", "due_back": "2027-09-01"}) == (422, "before_last_change")
    client.act_as(school(SCHOOLS[1].school_code))
    assert code(extend, {"on": "2026-12-01", "due_back": "2027-09-01"}) == (404, "student_unknown")
    assert office.count(lambda each: isinstance(each.fact, StudentSuspensionExtended)) == 0


def test_a_suspension_without_a_date_gets_one_later_and_a_graduate_is_no_longer_suspended(
    client: Client, office: Office
) -> None:
    student = enrol(client, office)
    undated = {"on": "2026-09-10", "reason": "suspended"}
    assert client.post(f"/v1/students/{student}/leave", json=undated).status_code == 200
    assert overdue(client, office, student, "2030-01-01") is None
    dated = {"on": "2026-09-12", "due_back": "2027-03-01"}
    assert client.post(f"/v1/students/{student}/extend-suspension", json=dated).status_code == 200
    assert overdue(client, office, student, "2027-03-02") == 1
    assert client.post(f"/v1/students/{student}/return", json={"on": "2027-03-03"}).status_code == 200
    assert client.post(f"/v1/students/{student}/leave", json={"on": "2027-07-01", "reason": "graduated"}).is_success
    body = {"on": "2027-07-02", "due_back": "2027-09-01"}
    assert client.post(f"/v1/students/{student}/extend-suspension", json=body).json()["code"] == "not_suspended"
    assert overdue(client, office, student, date(2028, 1, 1).isoformat()) is None


def test_another_school_does_not_see_who_is_suspended(client: Client, office: Office) -> None:
    student = enrol(client, office)
    assert client.post(f"/v1/students/{student}/leave", json=SUSPENDED).status_code == 200
    office.pump()
    client.act_as(school(SCHOOLS[1].school_code))
    assert student not in client.get("/v1/suspensions", params={"true_on": "2027-03-05"}).text
