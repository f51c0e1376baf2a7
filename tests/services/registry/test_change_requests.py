"""A record that is somebody else's is corrected by request: its owner sees what was, what is and what is wanted."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.corrections.change_requests import _cause
from services.registry.events import ListEntryCorrected, StudentDetailsCorrected
from services.registry.request_events import ChangeRequestApproved, ChangeRequested
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import CLERK, Client, agency, client, enrol, http, school

__all__ = ["client", "http"]  # fixtures
OWN, OTHER = SCHOOLS[0].school_code, SCHOOLS[1].school_code
WHY = {"reason": "与户口簿不一致", "evidence": "户口簿复印件2026-17"}


def ask(client: Client, who: dict[str, Any], target: str, target_id: str, **wanted: str) -> Any:
    client.act_as(who)
    body = {"target": target, "target_id": target_id, "wanted": wanted, **WHY}
    return client.post("/v1/change-requests", json=body)


def asked(client: Client, office: Office, who: dict[str, Any], target: str, target_id: str, **wanted: str) -> str:
    answer = ask(client, who, target, target_id, **wanted)
    assert answer.status_code == 202, answer.text
    office.pump()
    return str(answer.json()["request_id"])


def details(client: Client, request: str) -> dict[str, Any]:
    answer = client.get(f"/v1/change-requests/{request}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def approve(client: Client, request: str) -> Any:
    shown = details(client, request)["shown_hash"]
    return client.post(f"/v1/change-requests/{request}/approve", json={"shown_hash": shown})


def listed(office: Office, sequence: int) -> str:
    """A row of the office's poverty list; its entry."""
    office.send(office.poor(sequence))
    return str(next(each.stream for each in office.log() if type(each.fact).__name__ == "ListEntryAdded"))


def test_an_agency_asks_for_a_students_number_and_her_school_agrees(client: Client, office: Office) -> None:
    student = enrol(client, office, 1)
    office_clerk = agency(office.agency)
    right = office.number(2)
    request = asked(client, office, office_clerk, "student", student, id_number=right, student_number=f"G{right}")
    mine = client.get("/v1/change-requests/mine").json()
    assert [(row["request_id"], row["state"]) for row in mine] == [(request, "open")]
    own = details(client, request)
    assert not own["owned"] and own["shown_hash"] is None
    assert {(each["asked_on"], each["now"]) for each in own["values"]} == {(None, None)}  # who asks is told nothing
    assert right not in str(own)
    client.act_as(school(OTHER))
    assert client.get(f"/v1/change-requests/{request}").status_code == 404
    assert request not in {row["request_id"] for row in client.get("/v1/change-requests").json()["items"]}
    client.act_as(school(OWN))
    assert request in {row["request_id"] for row in client.get("/v1/change-requests").json()["items"]}
    (number,) = [each for each in details(client, request)["values"] if each["field"] == "id_number"]
    assert number["asked_on"] == number["now"] != "" and not number["conflict"]
    assert office.number(1) not in str(number)
    assert approve(client, request).status_code == 200
    corrected = [each for each in office.log() if isinstance(each.fact, StudentDetailsCorrected)]
    (fact,) = [each.fact for each in corrected if str(each.stream) == student]
    assert isinstance(fact, StudentDetailsCorrected) and fact.personal is not None
    assert fact.personal.id_number == right
    told = [each.fact for each in office.log() if str(each.stream) == request]
    assert [type(each) for each in told] == [ChangeRequested, ChangeRequestApproved]
    events = [logged.event for logged, _ in office.installation.entries("registry")]
    (cause,) = {each.cause_id for each in events if str(each.stream_id) == student and each.version == 2}
    assert cause == next(each.event_id for each in events if str(each.stream_id) == request)
    again = client.post(f"/v1/change-requests/{request}/approve", json={"shown_hash": "0" * 32})
    assert again.json()["code"] == "request_decided"


def test_what_changed_meanwhile_is_shown_with_three_values(client: Client, office: Office) -> None:
    student = enrol(client, office, 1)
    request = asked(client, office, school(OTHER), "student", student, phone="13911112222", guardian_name="张建国")
    client.act_as(school(OWN))
    seen = details(client, request)["shown_hash"]
    client.post(f"/v1/students/{student}/correct", json={"phone": "13733334444"})
    stale = client.post(f"/v1/change-requests/{request}/approve", json={"shown_hash": seen})
    assert (stale.status_code, stale.json()["code"]) == (409, "request_outdated")
    values = {each["field"]: each for each in details(client, request)["values"]}
    phone = values["phone"]
    assert (phone["asked_on"], phone["now"], phone["wanted"]) == ("138****8000", "137****4444", "139****2222")
    assert phone["conflict"] and not values["guardian_name"]["conflict"]
    assert approve(client, request).status_code == 200
    told = [each.fact for each in office.log() if isinstance(each.fact, ChangeRequestApproved)]
    assert told[-1].conflicts == ("phone",)


def test_a_school_asks_for_an_agencys_row_and_the_agency_decides(client: Client, office: Office) -> None:
    entry = listed(office, 1)
    request = asked(client, office, school(OWN), "entry", entry, id_number=office.number(3))
    client.act_as(agency("somebody_else"))
    assert client.get(f"/v1/change-requests/{request}").status_code == 404
    client.act_as(agency(office.agency))
    assert [row["request_id"] for row in client.get("/v1/change-requests").json()["items"]] == [request]
    assert approve(client, request).status_code == 200
    (fact,) = [each.fact for each in office.log() if isinstance(each.fact, ListEntryCorrected)]
    assert fact.personal is not None and fact.personal.id_number == office.number(3)
    assert (fact.list, fact.agency, fact.household_type) == ("poverty", office.agency, "脱贫户")
    office.pump()
    assert client.get("/v1/change-requests").json()["items"] == []


def test_a_request_is_refused_with_a_reason_or_taken_back(client: Client, office: Office) -> None:
    student = enrol(client, office, 1)
    first, second = (asked(client, office, school(OTHER), "student", student, phone="13911112222") for _ in range(2))
    back = client.post(f"/v1/change-requests/{first}/refuse", json={"reason": "填错了"})
    assert back.status_code == 200
    client.act_as(school(OWN))
    refused = client.post(f"/v1/change-requests/{second}/refuse", json={"reason": "电话已核实无误"})
    assert refused.status_code == 200
    client.act_as(school(OTHER))
    told = details(client, second)
    assert (told["state"], told["decision"], told["decided_by"]) == ("refused", "电话已核实无误", f"school {OWN}")
    assert details(client, first)["state"] == "refused"
    mine = client.post(f"/v1/change-requests/{second}/approve", json={"shown_hash": "0" * 32})
    assert mine.status_code in (404, 409)


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"grade": "九年级"}, 422, "request_field_unknown"),
        ({"id_number": "110105194912310021"}, 422, "invalid_record"),
        ({"name": ""}, 422, "invalid_record"),
    ],
)
def test_what_cannot_be_wanted_is_not_asked(
    client: Client, office: Office, wanted: dict[str, str], status: int, code: str
) -> None:
    student = enrol(client, office, 1)
    answer = ask(client, school(OTHER), "student", student, **wanted)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_ones_own_record_is_corrected_and_not_asked_about(client: Client, office: Office) -> None:
    student = enrol(client, office, 1)
    for who in (school(OWN), CLERK):
        assert ask(client, who, "student", student, phone="13911112222").json()["code"] == "request_for_oneself"
    assert ask(client, school(OTHER), "student", str(uuid4()), phone="1").json()["code"] == "student_unknown"


def test_a_reason_holds_no_number_of_anybody(client: Client, office: Office) -> None:
    student = enrol(client, office, 1)
    client.act_as(school(OTHER))
    body = {"target": "student", "target_id": student, "wanted": {"phone": "13911112222"}}
    answer = client.post("/v1/change-requests", json=body | WHY | {"reason": f"身份证{office.number(1)}"})
    assert answer.status_code == 422


def test_there_is_no_cause_without_a_request(office: Office) -> None:
    assert _cause(office.registry, UUID(int=5)) is None
