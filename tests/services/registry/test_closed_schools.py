"""A closed school accepts nobody, by no way in; where another took it over, whoever names it means that one. Who is
still enrolled there is listed for the clerk."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

import pytest

from services.registry.commands import EnrolStudents, StudentRecord
from services.registry.errors import SchoolHasClosed
from services.registry.events import StudentEnrolled
from services.registry.handlers import enrol_students
from shared.database.database import driver
from shared.eventsourcing.store import Command
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import CLERK, Client, client, enrolment, http, school
from tests.services.registry.test_reference import lines, opened

__all__ = ["client", "http"]  # fixtures


def closed_pair(client: Client, office: Office, *, merged: bool = False) -> tuple[str, str]:
    """A village school with one pupil, closed on 2026-10-01, and the town's, into which it may have been merged."""
    village, town = opened(client, office, 1, f"村小{office.agency}"), opened(client, office, 2, f"镇小{office.agency}")
    pupil = enrolment(office, 1, school=None, school_code=village)
    assert client.post("/v1/students?as_of=2026-09-01", json=pupil).status_code == 201
    closing = {"on": "2026-10-01", "merged_into": town if merged else None}
    assert client.post(f"/v1/reference/schools/{village}/close", json=closing).status_code == 200
    return village, town


def test_nobody_enrols_at_a_closed_school(client: Client, office: Office) -> None:
    village, town = closed_pair(client, office)
    comer = enrolment(office, 2, school=None, school_code=village)
    refused = client.post("/v1/students?as_of=2026-10-01", json=comer)
    assert (refused.status_code, refused.json()["code"]) == (422, "school_has_closed"), refused.text
    assert refused.json()["facts"] | {"field": ""} == {"field": "", "closed_on": "2026-10-01", "merged_into": None}
    assert "已于2026-10-01撤并,不能再登记学生" in refused.json()["detail"]
    batch = client.post("/v1/students/batch?as_of=2026-10-01", **lines(comer))
    assert batch.json()["facts"]["problems"][0]["code"] == "school_has_closed"
    assert client.post("/v1/students?as_of=2026-09-30", json=comer).status_code == 201  # she came before it closed
    assert client.post("/v1/students?as_of=2026-10-01", json=comer | {"school_code": town}).status_code == 201


def test_who_names_a_school_with_a_successor_means_that_one_from_its_day_on(client: Client, office: Office) -> None:
    village, town = closed_pair(client, office, merged=True)

    def school_of(sequence: int, day: str) -> str | None:
        body = enrolment(office, sequence, school=None, school_code=village)
        answer = client.post(f"/v1/students?as_of={day}", json=body)
        assert answer.status_code == 201, answer.text
        (student,) = answer.json()["student_ids"]
        stated = [each.fact for each in office.log() if each.stream == UUID(student)]
        return stated[-1].school_code if isinstance(stated[-1], StudentEnrolled) else None

    assert school_of(2, "2026-10-01") == town
    assert school_of(3, "2026-09-30") == village  # she came before it closed
    rows = [office.pupil(4, f"村小{office.agency}"), office.pupil(5, f"镇小{office.agency}")]
    assert office.send(rows, list_name="students", on=date(2026, 10, 1)).rejected == 0
    enrolled = [each.fact.school_code for each in office.log() if isinstance(each.fact, StudentEnrolled)]
    assert enrolled[-2:] == [town, town]
    ending = {"on": "2026-11-01", "merged_into": None}
    assert client.post(f"/v1/reference/schools/{town}/close", json=ending).status_code == 200
    late = client.post("/v1/students?as_of=2026-11-02", json=enrolment(office, 6, school=None, school_code=village))
    assert late.json()["code"] == "school_has_closed" and "镇小" in late.json()["detail"]


def test_whoever_states_it_nobody_is_at_a_closed_school(client: Client, office: Office) -> None:
    """The handler itself refuses, also for a record that was read while the school was open."""
    village, town = closed_pair(client, office, merged=True)
    own = office.number(2)
    record = StudentRecord("张二", village, "469001100", own, f"G{own}", "G")
    with pytest.raises(SchoolHasClosed, match=town):
        enrol_students(office.registry, EnrolStudents((record,), date(2026, 10, 1)), Command("t", uuid4(), b""))
    enrol_students(office.registry, EnrolStudents((record,), date(2026, 9, 30)), Command("t", uuid4(), b""))


def test_a_row_of_the_register_comes_back_with_the_school_to_ask(client: Client, office: Office) -> None:
    village, town = closed_pair(client, office)
    rows = [office.pupil(3, f"村小{office.agency}"), office.pupil(4, f"镇小{office.agency}"), office.pupil(5)]
    before = office.send(rows, list_name="students", on=date(2026, 9, 30), dry_run=True)
    assert before.rejected == 0
    receipt = office.send(rows, list_name="students", on=date(2026, 10, 1))
    assert (receipt.rejected, receipt.added) == (1, 2)
    enrolled = [each.fact.school_code for each in office.log() if isinstance(each.fact, StudentEnrolled)]
    assert enrolled == [village, town, SCHOOLS[0].school_code]


def test_who_comes_back_is_at_the_school_that_took_hers_over(client: Client, office: Office) -> None:
    _, town = closed_pair(client, office, merged=True)
    (student,) = [each.stream for each in office.log() if isinstance(each.fact, StudentEnrolled)]
    left = {"on": "2026-09-10", "reason": "suspended"}
    assert client.post(f"/v1/students/{student}/leave", json=left).status_code == 200
    assert client.post(f"/v1/students/{student}/return", json={"on": "2026-10-08"}).status_code == 200
    assert [each.fact.school_code for each in office.log() if isinstance(each.fact, StudentEnrolled)][-1] == town


def test_nobody_comes_back_to_a_closed_school(client: Client, office: Office) -> None:
    _, town = closed_pair(client, office)
    (student,) = [each.stream for each in office.log() if isinstance(each.fact, StudentEnrolled)]
    left = {"on": "2026-09-10", "reason": "suspended"}
    assert client.post(f"/v1/students/{student}/leave", json=left).status_code == 200
    back = client.post(f"/v1/students/{student}/return", json={"on": "2026-10-08"})
    assert back.json()["code"] == "school_has_closed"
    elsewhere = client.post(f"/v1/students/{student}/return", json={"on": "2026-10-08", "school_code": town})
    assert elsewhere.status_code == 200


def test_who_is_still_there_is_listed_for_those_who_may_move_them(client: Client, office: Office) -> None:
    village, town = closed_pair(client, office, merged=True)
    office.pump()

    def listed(day: str, **asked: str) -> list[tuple[str, str, str]]:
        params = {"true_on": day, "school": village, **asked}
        rows = client.get("/v1/reference/closed-schools/students", params=params).json()["items"]
        return [(row["name"], row["school_code"], row["merged_into"]) for row in rows]

    assert listed("2026-10-01") == [("张**1", village, town)] and listed("2026-09-30") == []
    assert listed("2026-10-01", school=town) == []
    client.act_as(school(town))
    assert listed("2026-10-01") == []
    client.act_as({"sub": "agency", "kind": "agency_publisher", "agency": "x"})
    assert client.get("/v1/reference/closed-schools/students").status_code == 403
    client.act_as(CLERK)
    moved = enrolment(office, 1, school=None, school_code=town, enrolled_on="2026-10-01")
    assert client.post("/v1/students?as_of=2026-10-01", json=moved).status_code == 201
    office.pump()
    assert listed("2026-10-01") == []


def test_schools_closed_before_this_was_minded_are_found_in_their_events(client: Client, office: Office) -> None:
    """The step of the schema reads what the log says; the handler says the same."""
    village, town = closed_pair(client, office, merged=True)
    step = next(sql for name, sql in office.running.service.steps if name == "registry-0004-closed-schools")
    update = step[step.index("UPDATE") :]
    with office.registry.database.writing() as connection:
        raw = driver(connection)
        raw.execute("UPDATE known_schools SET closed_on = NULL, merged_into = NULL WHERE school_code = %s", (village,))
        raw.execute(update)
        row = raw.execute("SELECT closed_on, merged_into FROM known_schools WHERE school_code = %s", (village,))
        assert row.fetchone() == (date(2026, 10, 1), town)
