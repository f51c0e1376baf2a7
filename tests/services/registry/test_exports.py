"""Exports: masked or for a purpose, within the viewer's rows, whole, and into sheets as offices draw them."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from httpx import Response
from python_calamine import load_workbook

from services.registry.events import DataExported, RegisterExported
from services.registry.exports import exporting
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import Client, agency, client, enrolment, http, school
from tests.shared.tabular.workbooks import workbook

__all__ = ["client", "http"]  # fixtures


def enrolled(client: Client, office: Office, count: int = 3) -> str:
    """So many students in a class of their own; its name."""
    class_name = f"{office.agency[-4:]}班"
    for sequence in range(1, count + 1):
        body = enrolment(office, sequence) | {"class_name": class_name, "phone": "13800138000", "guardian_name": "张大"}
        assert client.post("/v1/students", json=body).status_code == 201
    office.pump()
    return class_name


def table(answer: Response, tmp_path: Path, sheet: int = 0) -> list[list[Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].endswith('.xlsx"')
    path = tmp_path / "export.xlsx"
    path.write_bytes(answer.content)
    return load_workbook(path).get_sheet_by_index(sheet).to_python()


def records(rows: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def exported(office: Office) -> list[RegisterExported]:
    return [each.fact for each in office.log() if isinstance(each.fact, RegisterExported)]


def taken(office: Office) -> list[DataExported]:
    return [each.fact for each in office.log() if isinstance(each.fact, DataExported)]


def test_a_list_is_masked_unless_a_purpose_is_given_and_that_is_recorded(
    client: Client, office: Office, tmp_path: Path
) -> None:
    class_name = enrolled(client, office)
    masked = records(table(client.get(f"/v1/exports/students.xlsx?class_name={class_name}"), tmp_path))
    assert sorted(row["姓名"] for row in masked) == ["张**1", "张**2", "张**3"]
    numbers = {office.number(sequence) for sequence in (1, 2, 3)}
    assert {row["身份证号"] for row in masked} == {f"{each[:4]}**********{each[-4:]}" for each in numbers}
    assert masked[0]["联系电话"] == "138****8000" and masked[0]["监护人姓名"] == "张*"
    assert masked[0]["学校名称"] == SCHOOLS[0].name and masked[0]["学籍状态"] == "在校"
    assert exported(office) == []
    away = taken(office)[-1]
    assert (away.route, away.viewer, away.rows) == ("GET /v1/exports/{kind}.xlsx", "clerk", 3)
    assert away.filters == (f"class_name={class_name}", "kind=students") and away.recorded_by == ()
    key, body = uuid4(), {"purpose": "核对银行卡开户", "class_name": class_name}
    full = records(table(client.post("/v1/exports/students", key, json=body), tmp_path))
    assert {row["身份证号"] for row in full} == numbers and full[0]["联系电话"] == "13800138000"
    again = client.post("/v1/exports/students", key, json=body)
    assert records(table(again, tmp_path)) == full
    both = taken(office)[-2:]
    assert [each.purpose for each in both] == ["核对银行卡开户"] * 2, "each file that leaves, the repeated one too"
    assert both[-1].sha256 == hashlib.sha256(again.content).hexdigest()
    assert both[0].recorded_by == both[1].recorded_by and len(both[0].recorded_by) == 1
    told = exported(office)
    assert len(told) == 1 and (told[0].rows, told[0].purpose, told[0].viewer) == (3, "核对银行卡开户", "clerk")
    assert f"class_name={class_name}" in told[0].filters and "id_number" in told[0].fields
    numbered = client.post("/v1/exports/students", json={**body, "purpose": "查 460001201401010011"})
    assert numbered.status_code == 422 and len(exported(office)) == 1


def test_each_takes_away_no_more_than_she_sees(client: Client, office: Office, tmp_path: Path) -> None:
    class_name = enrolled(client, office, 2)
    address = f"/v1/exports/students.xlsx?class_name={class_name}"
    client.act_as(school(SCHOOLS[1].school_code))
    assert records(table(client.get(address), tmp_path)) == []
    client.act_as(school(SCHOOLS[0].school_code))
    assert len(records(table(client.get(address), tmp_path))) == 2
    client.act_as(agency("civil_affairs"))
    assert client.get(address).status_code == 403
    client.act_as({"sub": "auditor", "kind": "auditor", "division": "4690"})
    assert len(records(table(client.get(address), tmp_path))) == 2
    assert client.post("/v1/exports/students", json={"purpose": "审计需要"}).status_code == 403


def test_entries_and_submissions_come_in_the_words_of_offices(client: Client, office: Office, tmp_path: Path) -> None:
    office.send(office.poor(1, 2))
    office.pump()
    rows = records(table(client.get(f"/v1/exports/entries.xlsx?list=poverty&agency={office.agency}"), tmp_path))
    assert [(row["名单"], row["姓名"], row["户类型"], row["行号"]) for row in rows] == [
        ("扶贫", "李**1", "脱贫户", 1.0),
        ("扶贫", "李**2", "脱贫户", 2.0),
    ]
    sent = records(table(client.get(f"/v1/exports/submissions.xlsx?agency={office.agency}"), tmp_path))
    assert len(sent) == 1 and (sent[0]["方式"], sent[0]["新增"], sent[0]["状态"]) == ("全量名单", 2.0, "已入库")


def test_an_offices_own_sheet_is_filled_below_its_header(client: Client, office: Office, tmp_path: Path) -> None:
    class_name = enrolled(client, office)
    template = workbook(
        tmp_path / "表样.xlsx",
        [
            ("望潮县学生花名册", "", "", "", ""),
            ("填报单位(盖章):", "", "", "", ""),
            ("序号", "学生姓名", "身份证件号", "所在学校", "备注"),
            ("例", "王小明", "11010519491231002X", "某小学", "样例"),
            ("", "", "", "", ""),
            ("填表人:", "", "审核人:", "", ""),
        ],
    )
    files = {"file": (template.name, template.read_bytes(), "application/octet-stream")}
    asked = {"class_name": class_name}
    rows = table(client.post("/v1/exports/students/template", files=files, params=asked), tmp_path)
    assert [row[0] for row in rows[:2]] == ["望潮县学生花名册", "填报单位(盖章):"]
    assert rows[2] == ["序号", "学生姓名", "身份证件号", "所在学校", "备注"]
    assert [row[0] for row in rows[3:6]] == [1.0, 2.0, 3.0] and {row[3] for row in rows[3:6]} == {SCHOOLS[0].name}
    assert all("*" in row[1] and "*" in row[2] and row[4] == "" for row in rows[3:6])
    assert rows[6][0] == "填表人:" and rows[6][2] == "审核人:" and len(rows) == 7, (
        "the example is gone, the close stays"
    )
    assert exported(office) == []
    named = {**asked, "purpose": "上报市级花名册"}
    full = table(client.post("/v1/exports/students/template", files=files, params=named), tmp_path)
    assert {row[2] for row in full[3:6]} == {office.number(sequence) for sequence in (1, 2, 3)}
    assert exported(office)[0].fields == ("name", "id_number"), "only what the sheet asks for was given"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.xlsx", b"PK not a workbook", "not_a_workbook"),
        ("a.csv", "没有,表头\n1,2\n".encode(), "template_has_no_header"),
        ("a.exe", b"MZ", "not_a_workbook"),
    ],
)
def test_what_is_no_template_is_refused(client: Client, name: str, content: bytes, code: str) -> None:
    answer = client.post("/v1/exports/students/template", files={"file": (name, content, "application/octet-stream")})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_more_rows_than_may_be_taken_are_refused_not_cut(
    client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    class_name = enrolled(client, office)
    monkeypatch.setattr(exporting, "EXPORT_ROWS_MOST", 2)
    answer = client.get(f"/v1/exports/students.xlsx?class_name={class_name}")
    assert (answer.status_code, answer.json()["code"], answer.json()["facts"]) == (
        422,
        "export_too_large",
        {"allowed": 2},
    )
    taken = client.post("/v1/exports/students", json={"purpose": "核对信息", "class_name": class_name})
    assert taken.status_code == 422 and exported(office) == [], "nothing was given, so nothing is recorded"


def test_an_export_shows_the_day_asked_for(client: Client, office: Office, tmp_path: Path) -> None:
    class_name = enrolled(client, office, 1)
    address = f"/v1/exports/students.xlsx?class_name={class_name}&true_on="
    assert len(records(table(client.get(address + date(2099, 1, 1).isoformat()), tmp_path))) == 1
    assert records(table(client.get(address + "2001-01-01"), tmp_path)) == []
