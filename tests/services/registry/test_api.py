"""The registry over HTTP: who may do what, what comes back, and files made to hurt."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from services.registry.events import AccessRefused, DataExported, PersonalDataRead, StudentTransferredOut
from shared.kernel.acts import ActFacts
from shared.tabular.book import open_book
from shared.web.acts import Acts
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.installation import DIVISION
from tests.services.registry.office import LIST_HEADER, REGISTER_HEADER, SCHOOLS, Office, RunningRegistry
from tests.shared.tabular.workbooks import lie_about_size, zip_with
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

SIGNER = Ed25519Signer()
CLERK = {"sub": "clerk", "kind": "aid_clerk", "division": DIVISION[:4]}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Client:
    """Requests of one person after another; every POST has a fresh Idempotency-Key unless one is given."""

    def __init__(self, http: TestClient) -> None:
        self.http = http
        self.act_as(CLERK)

    def act_as(self, who: dict[str, Any]) -> None:
        given = {"division": None, **who}
        self.http.headers["authorization"] = f"Bearer {token(SIGNER, claims(**given))}"

    def get(self, path: str, **given: Any) -> Response:
        answer: Response = self.http.get(path, **given)
        return answer

    def post(self, path: str, key: UUID | None = None, **given: Any) -> Response:
        answer: Response = self.http.post(path, headers={"Idempotency-Key": str(key or uuid4())}, **given)
        return answer

    def send(self, path: Path, list_name: str = "poverty", key: UUID | None = None, **query: Any) -> Response:
        files = {"file": (path.name, path.read_bytes(), "application/octet-stream")}
        return self.post(f"/v1/lists/{list_name}/submissions", key, files=files, params=query)


@pytest.fixture(scope="module")
def http(running: RunningRegistry) -> Iterator[TestClient]:
    service = running.service
    hub = SseHub(service.database.app_conninfo)
    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    app = create_app(
        service.name,
        service.routers,
        authenticator=who,
        database=service.database,
        parts=[hub.part],
        state={"hub": hub},
        acts=Acts(service.store, service.database, ActFacts(AccessRefused, DataExported), DIVISION),
    )
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def client(http: TestClient) -> Client:
    return Client(http)


def school(code: str) -> dict[str, Any]:
    return {"sub": f"school {code}", "kind": "registrar", "school": code}


def agency(name: str) -> dict[str, Any]:
    return {"sub": f"agency {name}", "kind": "agency_publisher", "agency": name}


def enrolment(office: Office, sequence: int = 1, **changed: Any) -> dict[str, Any]:
    own = office.number(sequence)
    body = {"name": f"张{sequence:03d}", "id_number": own, "student_number": f"G{own}", "school": SCHOOLS[0].name}
    body |= {"stage": "小学", "grade": "3", "phone": "13800138000", "address": "望潮县白沙镇1号"} | {
        "enrolled_on": "2026-09-01"
    }
    return body | {"enrolled_on": "2026-09-01"} | changed


def enrol(client: Client, office: Office, sequence: int = 1, **changed: Any) -> str:
    answer = client.post("/v1/students", json=enrolment(office, sequence, **changed))
    assert answer.status_code == 201, answer.text
    office.pump()
    return str(answer.json()["student_ids"][0])


def test_a_numeric_identity_number_is_refused_in_words_a_clerk_can_act_on(client: Client, office: Office) -> None:
    for wrong in (int(office.number(1)[:17] + "0"), 4.69e17):
        answer = client.post("/v1/students", json=enrolment(office, id_number=wrong, student_number=None))
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == "invalid_record"
        assert answer.headers["content-language"] == "zh"
        assert any("\u4e00" <= character <= "\u9fff" for character in answer.json()["detail"])
        assert str(wrong) not in answer.text
    assert office.log() == []


def test_an_unknown_school_is_refused_with_the_three_nearest(client: Client, office: Office) -> None:
    answer = client.post("/v1/students", json=enrolment(office, school="望潮县第三小学"))
    assert answer.status_code == 422 and answer.json()["code"] == "unknown_school"
    offered = [each["name"] for each in answer.json()["facts"]["nearest"]]
    assert len(offered) == 3 and {SCHOOLS[0].name, SCHOOLS[1].name} <= set(offered)


def test_a_post_without_an_idempotency_key_is_refused(client: Client, office: Office) -> None:
    body = enrolment(office)
    for headers in ({}, {"Idempotency-Key": "1"}):
        answer = client.http.post("/v1/students", json=body, headers=headers)
        assert answer.status_code == 422 and "Idempotency-Key" in answer.json()["detail"]
    files = {"file": ("a.xlsx", office.file(office.poor(1)).read_bytes())}
    assert client.http.post("/v1/lists/poverty/submissions", files=files).status_code == 422
    assert office.log() == []


def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(client: Client, office: Office) -> None:
    key = uuid4()
    first = client.post("/v1/students", key, json=enrolment(office))
    again = client.post("/v1/students", key, json=enrolment(office))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = client.post("/v1/students", key, json=enrolment(office, 2))
    assert other.status_code == 422 and other.json()["code"] == "command_reused"
    assert len(office.log()) == 1


def test_another_schools_student_does_not_exist(client: Client, office: Office) -> None:
    student = enrol(client, office)
    assert client.get(f"/v1/students/{student}").status_code == 200
    client.act_as(school(SCHOOLS[1].school_code))
    leaving = {"on": "2026-09-10", "reason": "graduated"}
    asked = {"purpose": "核对家庭情况", "fields": ["phone"]}
    for answer in (
        client.get(f"/v1/students/{student}"),
        client.post(f"/v1/students/{student}/leave", json=leaving),
        client.post(f"/v1/students/{student}/reveal", json=asked),
    ):
        assert answer.status_code == 404 and answer.json()["code"] == "student_unknown"
    assert client.get("/v1/students", params={"q": "张001"}).json()["items"] == []
    client.act_as(school(SCHOOLS[0].school_code))
    assert client.get(f"/v1/students/{student}").status_code == 200
    left = client.post(f"/v1/students/{student}/transfer-out", json={"on": "2026-09-10"})
    assert left.status_code == 200, left.text
    assert [type(each.fact) for each in office.log()][1:] == [StudentTransferredOut]


def test_a_full_read_is_masked_until_asked_for_and_recorded_before_it_is_shown(client: Client, office: Office) -> None:
    student = enrol(client, office)
    shown = client.get(f"/v1/students/{student}").text
    assert office.number(1) not in shown and "13800138000" not in shown and "张001" not in shown
    before = len(office.log())
    asked = {"purpose": "核对家庭情况", "fields": ["phone", "id_number"]}
    answer = client.post(f"/v1/students/{student}/reveal", json=asked)
    assert answer.json()["fields"] == {"phone": "13800138000", "id_number": office.number(1)}
    read = [each.fact for each in office.log()[before:]]
    assert [type(each) for each in read] == [PersonalDataRead]
    assert (read[0].viewer, str(read[0].student_id)) == ("clerk", student)  # type: ignore[attr-defined]


def test_nothing_is_shown_when_the_read_cannot_be_recorded(
    client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = enrol(client, office)

    def failing(*_: Any) -> None:
        raise RuntimeError("the log cannot be written")

    monkeypatch.setattr("services.registry.handlers.note_read", failing)
    asked = {"purpose": "核对家庭情况", "fields": ["phone"]}
    answer = client.post(f"/v1/students/{student}/reveal", json=asked)
    assert answer.status_code == 500 and "13800138000" not in answer.text


def test_a_read_without_a_purpose_or_of_unknown_fields_is_refused(client: Client, office: Office) -> None:
    student = enrol(client, office)
    for body in ({"purpose": "", "fields": ["phone"]}, {"purpose": "核对家庭情况", "fields": ["everything"]}):
        assert client.post(f"/v1/students/{student}/reveal", json=body).status_code == 422


def test_an_agency_sends_its_own_list_only(client: Client, office: Office) -> None:
    path = office.file(office.poor(1, 2))
    client.act_as(agency("civil_affairs"))
    queries: list[dict[str, Any]] = [{}, {"agency": "poverty_office"}, {"agency": "civil_affairs"}]
    for query in queries:
        answer = client.send(path, mode="increment", **query)
        assert answer.status_code == 403, answer.text
    row = {"姓名": "李一", "身份证号": office.number(1)}
    assert client.post("/v1/lists/poverty/entries", json=row).status_code == 403
    client.act_as(school(SCHOOLS[0].school_code))
    assert client.send(path, mode="increment").status_code == 403
    assert office.log() == []
    client.act_as(agency("poverty_office"))
    assert client.send(path, mode="increment").json()["added"] == 2
    assert client.post("/v1/lists/poverty/entries", json=row | {"身份证号": office.number(3)}).status_code == 201


def test_who_answers_for_a_part_sends_nothing_for_all(client: Client, office: Office) -> None:
    """A file of hers would end the rows of everybody else, and a school of another place would be hers."""
    sheet = office.file(office.poor(1, 2))
    row = {"姓名": "李一", "身份证号": office.number(1)}
    school = {"school_code": "X", "name": "甲", "division_code": "469006"}
    line = {"code": "469009", "change": "added", "name": "乙县", "effective_on": "2020-01-01"}
    terms = {"since": "2026-09-01", "day_of_month": 5, "grace_days": 3, "holidays": []}
    client.act_as({"sub": "clerk of a part", "kind": "aid_clerk", "division": "469005"})
    refused = [
        client.send(sheet),
        client.send(sheet, dry_run=True),
        client.post("/v1/lists/poverty/stream", content=json.dumps(row).encode()),
        client.post("/v1/lists/poverty/entries", json=row),
        client.post("/v1/lists/poverty/freshness-contract", json=terms),
        client.post("/v1/schools/batch", content=json.dumps(school).encode()),
        client.post("/v1/reference/divisions/batch", content=json.dumps(line).encode()),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "whole_division_only")] * 7
    assert office.log() == []


def test_submissions_are_listed_newest_first_to_those_they_belong_to(client: Client, office: Office) -> None:
    path = office.file(office.poor(1, 2))
    sent = [client.send(path, mode="increment", agency=office.agency).json()["submission_id"] for _ in range(3)]
    office.pump()
    listed = client.get("/v1/submissions", params={"agency": office.agency, "list": "poverty"})
    assert listed.status_code == 200, listed.text
    assert [each["submission_id"] for each in listed.json()["items"]] == sent[::-1]
    first = client.get("/v1/submissions", params={"agency": office.agency, "limit": 2}).json()
    rest = client.get("/v1/submissions", params={"agency": office.agency, "limit": 2, "after": first["next"]}).json()
    assert [each["submission_id"] for each in first["items"] + rest["items"]] == sent[::-1]
    assert client.get(f"/v1/submissions/{sent[0]}").json()["added"] == 2
    client.act_as(agency("civil_affairs"))
    assert client.get("/v1/submissions", params={"agency": office.agency}).json()["items"] == []
    assert client.get(f"/v1/submissions/{sent[0]}").status_code == 404
    assert client.get(f"/v1/submissions/{sent[0]}/rejects.xlsx").status_code == 404


def test_a_held_snapshot_is_confirmed_by_its_own_agency_once(client: Client, office: Office) -> None:
    client.send(office.file(office.poor(*range(1, 11))), agency=office.agency)
    held = client.send(office.file(office.poor(1, 2)), agency=office.agency).json()
    assert held["held"] and held["missing"] == 8
    address, key = f"/v1/submissions/{held['submission_id']}/confirm", uuid4()
    client.act_as(agency("civil_affairs"))
    assert client.post(address).status_code == 404
    client.act_as(agency(office.agency))
    assert client.post(address, key).json()["removed"] == 8
    assert client.post(address, key).json()["removed"] == 8
    assert client.post(address).status_code == 409
    office.pump()
    shown = client.get(f"/v1/submissions/{held['submission_id']}").json()
    assert (shown["state"], shown["removed"]) == ("confirmed", 8)


def test_a_submission_is_withdrawn_by_its_own_agency_once(client: Client, office: Office) -> None:
    client.act_as(agency("poverty_office"))
    sent = client.send(office.file(office.poor(1, 2, 3)), mode="increment").json()
    path, key = f"/v1/submissions/{sent['submission_id']}/withdraw", uuid4()
    body = {"reason": "wrong_file"}
    client.act_as(agency("civil_affairs"))
    assert client.post(path, json=body).status_code == 404
    client.act_as(school("3146900101"))
    assert client.post(path, json=body).status_code == 403
    client.act_as(agency("poverty_office"))
    assert client.post(path, json={"reason": "张三填错了"}).status_code == 422
    first, again = (client.post(path, key, json=body) for _ in range(2))
    assert first.status_code == 200 and first.json() == again.json()
    assert (first.json()["rows"], first.json()["left"]) == (3, 3)
    refused = client.post(path, json=body)
    assert refused.status_code == 409 and refused.json()["code"] == "submission_withdrawn"
    office.pump()
    found = client.get(f"/v1/submissions/{sent['submission_id']}").json()
    assert (found["state"], found["rows"]) == ("withdrawn", 3)


def test_everyone_may_know_how_old_a_list_is_and_a_clerk_agrees_when_it_is_due(client: Client, office: Office) -> None:
    client.send(office.file(office.poor(1, 2)), mode="increment", agency=office.agency, effective_on="2026-09-01")
    terms = {"since": "2026-09-01", "day_of_month": 5, "grace_days": 3, "holidays": []}
    path, key = "/v1/lists/poverty/freshness-contract", uuid4()
    assert client.post(path, json=terms | {"weekday": 1}).json()["code"] == "bad_contract"
    first, again = (client.post(path, key, json=terms, params={"agency": office.agency}) for _ in range(2))
    assert first.status_code == 200 and first.json() == again.json()
    client.act_as(agency(office.agency))
    assert client.post(path, json=terms).status_code == 403
    client.act_as(school(SCHOOLS[0].school_code))
    found = client.get("/v1/freshness").json()
    (row,) = [each for each in found["items"] if each["agency"] == office.agency]
    assert (row["dated"], row["days_late"], row["silent_since"]) == ("2026-09-01", 0, None)
    assert row["due_on"].endswith("-05") and row["due_by"].endswith("-08") and row["due_on"] > found["as_of"]
    assert row["contract_hash"] == first.json()["content_hash"]


def test_rejected_rows_come_back_as_text_whatever_they_hold(client: Client, office: Office, tmp_path: Path) -> None:
    formula = '=HYPERLINK("http://evil.test","x")'
    rows = [
        (formula, office.number(1), "", SCHOOLS[0].name, "小学", "3", "1"),
        ("@SUM(1)", "+4690011234", "", "=1+1", "小学", "-3", "1"),
        office.pupil(2),
    ]
    sent = client.send(office.file(rows, REGISTER_HEADER), "students")
    assert (sent.json()["added"], sent.json()["rejected"]) == (2, 1), sent.text
    office.pump()
    answer = client.get(f"/v1/submissions/{sent.json()['submission_id']}/rejects.xlsx")
    assert answer.headers["content-type"] == XLSX
    path = tmp_path / "rejects.xlsx"
    path.write_bytes(answer.content)
    back = [list(row) for row in open_book(path).sheets[0].iter_rows()]
    assert [row[0] for row in back] == ["行号", 2]
    assert {"@SUM(1)", "+4690011234", "=1+1", "-3"} <= {cell for cell in back[1] if isinstance(cell, str)}
    assert "学校" in str(back[1][-1])
    with zipfile.ZipFile(path) as archive:
        assert b"<f>" not in b"".join(archive.read(name) for name in archive.namelist())


def test_a_gb18030_csv_is_read(client: Client, office: Office, tmp_path: Path) -> None:
    lines = [
        ",".join(LIST_HEADER),
        *(",".join(row) for row in office.poor(1, 2)),
        f"㛃龘,{office.number(3)},H3,脱贫户,",
    ]
    path = tmp_path / "名单.csv"
    path.write_bytes("\r\n".join(lines).encode("gb18030"))
    answer = client.send(path, agency=office.agency)
    assert answer.status_code == 200 and answer.json()["added"] == 3, answer.text
    assert "㛃龘" in office.standing()


def test_forged_and_exploding_workbooks_are_refused(client: Client, office: Office, tmp_path: Path) -> None:
    forged = tmp_path / "forged.xlsx"
    forged.write_bytes(b"MZ\x90\x00" + bytes(range(256)) * 40)
    bomb = zip_with(tmp_path / "bomb.xlsx", {"xl/worksheets/sheet1.xml": bytes(40_000_000)})
    liar = lie_about_size(
        zip_with(tmp_path / "liar.xlsx", {"xl/worksheets/sheet1.xml": bytes(40_000_000)}),
        "xl/worksheets/sheet1.xml",
        1_000,
    )
    key = uuid4()
    for path in (forged, bomb, liar):
        answer = client.send(path, key=key, agency=office.agency)
        assert answer.status_code == 422, (path.name, answer.text)
        assert answer.json()["code"] in ("not_a_workbook", "workbook_unsafe")
    assert office.log() == []
    mended = client.send(office.file(office.poor(1)), key=key, agency=office.agency)
    assert mended.status_code == 200, "an unreadable file does not use up its key"


def test_a_body_too_large_is_refused(client: Client, office: Office) -> None:
    body = json.dumps(enrolment(office, address="长" * 1_100_000))
    assert client.post("/v1/students", content=body).status_code == 413
    lines = b"\n".join([json.dumps(enrolment(office)).encode()] * 1_001)
    assert client.post("/v1/students/batch", content=lines).status_code == 422
    assert office.log() == []


def test_a_batch_is_taken_whole_or_not_at_all(client: Client, office: Office) -> None:
    good = [enrolment(office, each) for each in range(1, 4)]
    bad = [*good, enrolment(office, 4, id_number="46900119990101001?", student_number=None)]
    answer = client.post("/v1/students/batch", content="\n".join(json.dumps(each) for each in bad))
    assert answer.status_code == 422 and office.log() == []
    answer = client.post("/v1/students/batch", content="\n".join(json.dumps(each) for each in good))
    assert answer.status_code == 200 and len(answer.json()["student_ids"]) == 3 == len(office.log())


def test_a_row_with_an_unusable_number_is_refused_singly(client: Client, office: Office) -> None:
    row = {"姓名": "李一", "身份证号": 469001201603010000, "户类型": "脱贫户"}
    answer = client.post("/v1/lists/poverty/entries", json=row)
    assert answer.status_code == 422 and answer.json()["code"] == "invalid_record"
    assert office.log() == []
