"""What changes about a student, a household or one list row, over HTTP: by whom, from when, and under which numbers."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from services.registry.events import (
    HouseholdMemberJoined,
    HouseholdMemberLeft,
    ListEntryRemoved,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentRecordAliased,
)
from services.registry.lists.submissions import STUDENT_ROWS
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import CLERK, Client, agency, client, enrol, enrolment, http, school

__all__ = ["client", "http"]  # fixtures
LEFT = {"on": "2026-09-10", "reason": "suspended"}


def facts(office: Office) -> list[type]:
    return [type(each.fact) for each in office.log()]


def test_a_student_comes_back_to_where_she_was_and_is_told_apart_from_one_who_never_left(
    client: Client, office: Office
) -> None:
    student = enrol(client, office, class_name="2班")
    address = f"/v1/students/{student}/return"
    assert client.post(address, json={"on": "2026-09-20"}).json()["code"] == "already_enrolled"
    assert client.post(f"/v1/students/{student}/leave", json=LEFT).status_code == 200
    back = client.post(address, json={"on": "2027-03-01", "grade": "4"})
    assert back.status_code == 200 and back.json()["version"] == 3, back.text
    assert facts(office) == [StudentEnrolled, StudentLeft, StudentEnrolled]
    again = office.log()[-1]
    assert isinstance(again.fact, StudentEnrolled) and again.fact.personal is not None
    assert (again.fact.grade, again.fact.class_name, again.fact.personal.name) == ("4", "2班", "张001")
    assert again.effective_on == date(2027, 3, 1)


def test_nobody_leaves_before_she_came_or_returns_before_she_left(client: Client, office: Office) -> None:
    student = enrol(client, office, enrolled_on="2026-09-15")
    early = client.post(f"/v1/students/{student}/leave", json=LEFT)
    assert (early.status_code, early.json()["code"]) == (422, "before_last_change")
    client.post(f"/v1/students/{student}/leave", json=LEFT | {"on": "2026-10-10"})
    back = client.post(f"/v1/students/{student}/return", json={"on": "2026-10-09"})
    assert (back.status_code, back.json()["facts"]["last"]) == (422, "2026-10-10")
    assert facts(office) == [StudentEnrolled, StudentLeft]


def test_what_happened_is_listed_newest_first(client: Client, office: Office) -> None:
    student = enrol(client, office)
    client.post(f"/v1/students/{student}/leave", json=LEFT)
    office.pump()
    shown = client.get(f"/v1/students/{student}")
    assert shown.json()["state"] == "suspended" and shown.headers["etag"] == '"2"'
    assert [each["type"] for each in shown.json()["history"]] == ["StudentLeft", "StudentEnrolled"]
    assert shown.json()["history"][0]["text"] == "离校" and shown.json()["history"][0]["recorded_at"]


def test_a_temporary_number_becomes_the_permanent_one_without_a_new_student(client: Client, office: Office) -> None:
    temporary = f"L{office.number(1)[:17]}1"
    student = enrol(client, office, id_number=None, student_number=temporary)
    own = office.number(1)
    done = client.post(f"/v1/students/{student}/correct", json={"id_number": own, "student_number": f"G{own}"})
    assert done.status_code == 200, done.text
    assert facts(office) == [StudentEnrolled, StudentDetailsCorrected, StudentRecordAliased]
    row = client.post("/v1/students", json=enrolment(office))  # the register states her under the new number
    assert row.json()["student_ids"] == [student]
    assert StudentEnrolled not in facts(office)[3:]
    same = client.post(f"/v1/students/{student}/correct", json={"id_number": own})
    assert same.json()["event_ids"] == []


def test_a_child_enrolled_without_a_student_number_is_the_same_child_when_it_arrives(
    client: Client, office: Office
) -> None:
    student = enrol(client, office, student_number=None)
    assert client.post("/v1/students", json=enrolment(office)).json()["student_ids"] == [student]
    assert facts(office) == [StudentEnrolled, StudentDetailsCorrected]


def test_a_corrected_number_that_is_another_students_is_refused(client: Client, office: Office) -> None:
    student, _ = enrol(client, office, 1), enrol(client, office, 2)
    taken = {"id_number": office.number(2), "student_number": f"G{office.number(2)}"}
    answer = client.post(f"/v1/students/{student}/correct", json=taken)
    assert (answer.status_code, answer.json()["code"]) == (409, "record_key_taken")
    alone = client.post(f"/v1/students/{student}/correct", json={"id_number": office.number(3)})
    assert (alone.status_code, alone.json()["code"]) == (422, "invalid_record")  # the G number says otherwise
    assert facts(office) == [StudentEnrolled, StudentEnrolled]


def test_a_correction_of_what_somebody_else_changed_meanwhile_is_refused(client: Client, office: Office) -> None:
    student = enrol(client, office)
    address, read = f"/v1/students/{student}/correct", {"If-Match": '"1"'}
    client.http.headers.update(read)
    try:
        assert client.post(address, json={"phone": "13900139000"}).status_code == 200
        late = client.post(address, json={"phone": "13700137000"})
    finally:
        del client.http.headers["If-Match"]
    assert (late.status_code, late.json()["code"]) == (412, "stale")


def test_what_others_changed_since_is_told_field_by_field(client: Client, office: Office) -> None:
    student = enrol(client, office, phone="13500135000")
    address = f"/v1/students/{student}"
    client.act_as(CLERK | {"sub": "first"})
    client.post(f"{address}/correct", json={"phone": "13900139000", "guardian_name": "张大", "on": "2026-09-02"})
    client.act_as(CLERK | {"sub": "second"})
    client.post(f"{address}/correct", json={"guardian_name": "张二", "on": "2026-09-03"})
    client.post(f"{address}/class", json={"on": "2026-09-05", "class_name": "7班"})
    told = client.get(f"{address}/changed-since", params={"version": 1}).json()
    fields = {each.pop("field"): each for each in told["fields"]}
    guardian = {"before": "", "now": "张*", "hidden": False, "changed_by": "second", "effective_on": "2026-09-03"}
    assert (told["version"], set(fields)) == (4, {"phone", "guardian_name"})
    assert fields["guardian_name"] == guardian
    assert (fields["phone"]["now"], fields["phone"]["changed_by"]) == ("139****9000", "first")
    since = client.get(f"{address}/changed-since", params={"version": 2}).json()["fields"]
    assert [(each["field"], each["before"], each["hidden"]) for each in since] == [("guardian_name", "张*", True)]
    assert client.get(f"{address}/changed-since", params={"version": 3}).json()["fields"] == []
    client.act_as(school(SCHOOLS[1].school_code))
    assert client.get(f"{address}/changed-since", params={"version": 1}).json()["code"] == "student_unknown"


@pytest.mark.parametrize("action", ["correct", "return", "transfer-out", "accept-elsewhere"])
def test_another_schools_student_cannot_be_changed(client: Client, office: Office, action: str) -> None:
    student = enrol(client, office)
    bodies: dict[str, dict[str, Any]] = {
        "correct": {"phone": "13900139000"},
        "return": {"on": "2026-09-20"},
        "transfer-out": {"on": "2026-09-20"},
        "accept-elsewhere": {"on": "2026-09-20", "destination_division_code": "460100"},
    }
    client.act_as(school(SCHOOLS[1].school_code))
    answer = client.post(f"/v1/students/{student}/{action}", json=bodies[action])
    assert (answer.status_code, answer.json()["code"]) == (404, "student_unknown")
    assert facts(office) == [StudentEnrolled]


def test_a_school_enrols_at_itself_only(client: Client, office: Office) -> None:
    client.act_as(school(SCHOOLS[1].school_code))
    assert client.post("/v1/students", json=enrolment(office)).status_code == 403
    assert client.post("/v1/students", json=enrolment(office, 901, school=SCHOOLS[1].name)).status_code == 201


def test_a_school_named_by_an_unknown_code_only_is_refused_with_the_nearest_codes(
    client: Client, office: Office
) -> None:
    body = enrolment(office, school=None, school_code=SCHOOLS[2].school_code[:-1] + "9")
    answer = client.post("/v1/students", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_school")
    assert len(answer.json()["facts"]["nearest"]) == 3
    none = client.post("/v1/students", json=enrolment(office, school=None))
    assert (none.status_code, none.json()["code"]) == (422, "invalid_record")


def test_a_school_is_found_by_the_name_it_bore_before(client: Client, office: Office) -> None:
    code = office.school_code(1)
    told = {"school_code": code, "name": f"新名{code}小学", "division_code": "469001000000"}
    line = json.dumps(told | {"former_names": [f"旧名{code}小学"], "stages": ["primary"]})
    answer = client.post("/v1/schools/batch", content=line)
    assert answer.status_code == 200 and len(answer.json()["event_ids"]) == 1, answer.text
    assert client.post("/v1/schools/batch", content=line).json()["event_ids"] == []
    assert client.post("/v1/students", json=enrolment(office, school=f"旧名{code}小学")).status_code == 201
    enrolled = office.log()[-1].fact
    assert isinstance(enrolled, StudentEnrolled)
    assert (enrolled.school_code, enrolled.division_code) == (code, "469001")


def test_a_batch_larger_than_one_command_is_one_answer_and_repeats(client: Client, office: Office) -> None:
    count = STUDENT_ROWS + 100
    lines = "\n".join(json.dumps(enrolment(office, each)) for each in range(1, count + 1))
    first = client.post("/v1/students/batch", content=lines)
    assert first.status_code == 200 and len(set(first.json()["student_ids"])) == count, first.text[:300]
    again = client.post("/v1/students/batch", content=lines)
    assert again.json()["student_ids"] == first.json()["student_ids"] and again.json()["event_ids"] == []
    assert len(office.log()) == count


def test_every_wrong_line_of_a_batch_is_named(client: Client, office: Office) -> None:
    wrong = [
        json.dumps(enrolment(office, 1)),
        json.dumps(enrolment(office, 2, school="望潮县第三小学")),
        '{"name": 5}',
    ]
    answer = client.post("/v1/students/batch", content="\n".join(wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_batch")
    assert [each["line"] for each in answer.json()["facts"]["problems"]] == [3]
    answer = client.post("/v1/students/batch", content="\n".join(wrong[:2]))
    assert [(each["line"], each["code"]) for each in answer.json()["facts"]["problems"]] == [(2, "unknown_school")]
    assert office.log() == []


def test_one_row_leaves_its_list_by_its_own_agency_only(client: Client, office: Office) -> None:
    client.act_as(agency("poverty_office"))
    row = {"姓名": "李一", "身份证号": office.number(1), "户类型": "脱贫户"}
    entry = client.post("/v1/lists/poverty/entries", json=row).json()["entry_id"]
    address = f"/v1/lists/poverty/entries/{entry}/remove"
    client.act_as(agency("civil_affairs"))
    assert client.post(address, json={}).status_code == 404
    client.act_as(agency("poverty_office"))
    assert client.post(f"/v1/lists/civil/entries/{entry}/remove", json={}).status_code == 404
    done = client.post(address, json={"on": "2026-10-01", "reason": "died"})
    assert len(done.json()["event_ids"]) == 1
    assert client.post(address, json={}).json()["event_ids"] == []
    last = office.log()[-1]
    assert isinstance(last.fact, ListEntryRemoved)
    assert (last.fact.reason, last.effective_on) == ("died", date(2026, 10, 1))


def test_a_person_on_both_files_of_civil_affairs_has_an_entry_on_each(client: Client, office: Office) -> None:
    client.act_as(agency("civil_affairs"))
    person = {"姓名": "李一", "身份证号": office.number(1), "城乡类别": "农村"}
    entries = {
        client.post("/v1/lists/civil/entries", json=person | {"救助类型": kind}).json()["entry_id"]
        for kind in ("低保", "特困")
    }
    assert len(entries) == 2


def test_a_purpose_holds_no_number(client: Client, office: Office) -> None:
    student = enrol(client, office)
    body = {"purpose": f"核对{office.number(1)}", "fields": ["phone"]}
    assert client.post(f"/v1/students/{student}/reveal", json=body).status_code == 422
    assert facts(office) == [StudentEnrolled]


def test_a_household_is_stated_whole_and_knows_its_student(client: Client, office: Office) -> None:
    student = enrol(client, office)
    client.act_as(agency("poverty_office"))
    child = {"name": "张001", "id_number": office.number(1), "relation": "之子"}
    head = {"name": "张大", "id_number": "469001620101001", "relation": "户主", "head": True}  # 15 digits: an old card
    body = {"list": "poverty", "household_number": f"H{office.number(1)}", "members": [head, child]}
    made = client.post("/v1/households", json=body)
    assert made.status_code == 201 and len(made.json()["event_ids"]) == 3, made.text
    joined = [each.fact for each in office.log() if isinstance(each.fact, HouseholdMemberJoined)]
    assert {str(each.student_id) for each in joined} == {student, "None"}
    assert client.post("/v1/households", json=body).json()["event_ids"] == []
    left = client.post("/v1/households", json=body | {"members": [child]})
    assert len(left.json()["event_ids"]) == 1 and facts(office)[-1] is HouseholdMemberLeft
    wrong = client.post("/v1/households", json=body | {"members": [{"name": "张二", "id_number": 4.69e17}]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_record")
    client.act_as(agency("civil_affairs"))
    assert client.post("/v1/households", json=body).status_code == 403


def test_a_households_members_are_masked(client: Client, office: Office) -> None:
    members = [{"name": "张大明", "head": True}, {"name": "张小", "id_number": office.number(1)}]
    body = {"list": "civil", "household_number": f"D{office.number(1)}", "members": members}
    made = client.post("/v1/households", json=body | {"division_code": "469001"}).json()
    office.pump()
    shown = client.get(f"/v1/households/{made['household_id']}").json()
    assert [each["name"] for each in shown["members"]] == ["张*明", "张*"]
    assert office.number(1) not in json.dumps(shown)
    client.act_as({"sub": "elsewhere", "kind": "aid_clerk", "division": "46"})
    assert client.get(f"/v1/households/{made['household_id']}").status_code == 200
    client.act_as({"sub": "elsewhere", "kind": "aid_clerk", "division": "45"})
    assert client.get(f"/v1/households/{made['household_id']}").status_code == 404
