"""From paper: two people type the same before anything is recorded; a scan is read for a purpose and by who may."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from services.registry.events import ListEntryAdded, StudentEnrolled
from services.registry.paper_events import PaperCheckDiffered, PaperEntered, PaperRecorded, PaperScanRead
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import CLERK, Client, agency, client, http, school

__all__ = ["client", "http"]  # fixtures
OWN, OTHER = SCHOOLS[0].school_code, SCHOOLS[1].school_code
TYPIST, SECOND = school(OWN) | {"sub": "typist"}, school(OWN) | {"sub": "second"}
SCAN = b"%PDF-1.4 scanned paper of a child"


def pupil(office: Office, sequence: int = 1) -> dict[str, str]:
    return {"name": f"郑{sequence:03d}", "id_number": office.number(sequence), "school_code": OWN, "grade": "一年级"}


def typed(client: Client, fields: dict[str, str], kind: str = "student", who: dict[str, Any] = TYPIST) -> str:
    client.act_as(who)
    answer = client.post("/v1/papers", json={"kind": kind, "fields": fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["paper_id"])


def check(client: Client, paper: str, name: str, number: str, who: dict[str, Any] = SECOND) -> Any:
    client.act_as(who)
    return client.post(f"/v1/papers/{paper}/check", json={"fields": {"name": name, "id_number": number}})


def test_what_two_people_typed_alike_is_recorded_as_an_enrolment(client: Client, office: Office) -> None:
    fields = pupil(office)
    paper = typed(client, fields)
    assert not any(isinstance(each.fact, StudentEnrolled) for each in office.log())
    own = check(client, paper, fields["name"], fields["id_number"], TYPIST)
    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    done = check(client, paper, f" {fields['name']}", fields["id_number"].lower())
    assert done.status_code == 200 and done.json()["differences"] == []
    told = [(each.stream, each.fact) for each in office.log()]
    (student,) = [stream for stream, fact in told if isinstance(fact, StudentEnrolled)]
    assert done.json()["recorded_id"] == str(student)
    facts = [fact for stream, fact in told if str(stream) == paper]
    assert [type(each) for each in facts] == [PaperEntered, PaperRecorded]
    again = check(client, paper, fields["name"], fields["id_number"])
    assert again.json()["code"] == "paper_decided"


def test_a_difference_is_shown_and_nothing_recorded_until_both_agree(client: Client, office: Office) -> None:
    fields, right = pupil(office), office.number(2)
    paper = typed(client, fields)
    differs = check(client, paper, fields["name"], right).json()
    assert differs["recorded_id"] is None
    assert differs["differences"] == [{"field": "id_number", "first": fields["id_number"], "second": right}]
    facts = [each.fact for each in office.log()]
    assert [each.fields for each in facts if isinstance(each, PaperCheckDiffered)] == [("id_number",)]
    assert not any(isinstance(each, StudentEnrolled) for each in facts)
    client.act_as(SECOND)  # was right, and types it anew; now somebody else must check
    amended = client.post(f"/v1/papers/{paper}/amend", json={"fields": fields | {"id_number": right}})
    assert amended.status_code == 200
    assert check(client, paper, fields["name"], right, SECOND).json()["code"] == "second_person_needed"
    assert check(client, paper, fields["name"], right, TYPIST).json()["recorded_id"]
    (enrolled,) = [each.fact for each in office.log() if isinstance(each.fact, StudentEnrolled)]
    assert enrolled.personal is not None and enrolled.personal.id_number == right


def test_a_list_row_is_typed_by_its_agency(client: Client, office: Office) -> None:
    poverty = agency("poverty_office") | {"sub": "p1"}
    fields = {"name": "冯一", "id_number": office.number(3), "household_type": "脱贫户", "household_number": "K1"}
    paper = typed(client, fields, "poverty", poverty)
    client.act_as(agency("civil_affairs"))
    assert client.get(f"/v1/papers/{paper}").status_code == 404
    assert client.post("/v1/papers", json={"kind": "poverty", "fields": fields}).status_code == 403
    done = check(client, paper, "冯一", office.number(3), poverty | {"sub": "p2"})
    assert done.json()["recorded_id"]
    (row,) = [each.fact for each in office.log() if isinstance(each.fact, ListEntryAdded)]
    assert (row.agency, row.household_type) == ("poverty_office", "脱贫户")


def test_a_scan_is_sealed_and_read_for_a_purpose_by_who_may(client: Client, office: Office) -> None:
    paper = typed(client, pupil(office, 4))
    files = {"file": ("scan.pdf", SCAN, "application/pdf")}
    assert client.post(f"/v1/papers/{paper}/attachments", files=files).status_code == 201
    client.act_as(school(OTHER))
    assert client.get(f"/v1/papers/{paper}/scan", params={"purpose": "想看一看"}).status_code == 404
    client.act_as(SECOND)
    assert client.get(f"/v1/papers/{paper}/scan").status_code == 422
    read = client.get(f"/v1/papers/{paper}/scan", params={"purpose": "二次核对"})
    assert (read.status_code, read.content, read.headers["content-type"]) == (200, SCAN, "application/pdf")
    assert read.headers["cache-control"] == "no-store"
    reads = [each.fact for each in office.log() if isinstance(each.fact, PaperScanRead)]
    assert [(each.viewer, each.purpose) for each in reads] == [("second", "二次核对")]
    with psycopg.connect(office.installation.databases["registry"].app_conninfo) as connection:
        kept = connection.execute("SELECT sealed, scan FROM papers WHERE paper_id = %s", (paper,)).fetchone()
    assert kept is not None and SCAN not in bytes(kept[1]) and "郑".encode() not in bytes(kept[0])


@pytest.mark.parametrize("content", [b"<html>", b"%PDF-" + b"0" * (8 << 20)])
def test_what_is_no_scan_is_not_kept(client: Client, office: Office, content: bytes) -> None:
    paper = typed(client, pupil(office, 5))
    files = {"file": ("scan.pdf", content, "application/pdf")}
    answer = client.post(f"/v1/papers/{paper}/attachments", files=files)
    assert (answer.status_code, answer.json()["code"]) == (422, "scan_unusable")
    assert client.get(f"/v1/papers/{paper}/scan", params={"purpose": "二次核对"}).status_code == 404


def test_what_could_not_be_recorded_is_not_typed_either(client: Client, office: Office) -> None:
    client.act_as(TYPIST)
    wrong = pupil(office) | {"id_number": office.number(1)[:17] + "?"}
    assert client.post("/v1/papers", json={"kind": "student", "fields": wrong}).json()["code"] == "invalid_record"
    other = pupil(office) | {"school_code": OTHER}
    assert client.post("/v1/papers", json={"kind": "student", "fields": other}).status_code == 403


def test_papers_that_wait_are_listed_masked_for_whom_they_concern(client: Client, office: Office) -> None:
    paper = typed(client, pupil(office, 6))
    rows = {row["paper_id"]: row for row in client.get("/v1/papers").json()}
    assert (rows[paper]["name"], rows[paper]["own"]) == ("郑**6", True)
    client.act_as(school(OTHER))
    assert paper not in str(client.get("/v1/papers").json())
    client.act_as(CLERK)
    refused = client.post(f"/v1/papers/{paper}/refuse", json={"reason": "重复录入"})
    assert refused.status_code == 200
    assert client.get(f"/v1/papers/{paper}").json()["state"] == "refused"
