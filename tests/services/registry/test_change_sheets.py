"""An export is edited and sent back: exactly what was edited is proposed, and what cannot be is told row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.registry.events import StudentDetailsCorrected, StudentPlaced
from shared.kernel.clock import today
from shared.tabular.book import open_book
from tests.services.registry.test_api import Client, client, http, school
from tests.services.registry.test_changes_in_mass import Village, approve, merge, undo, village
from tests.services.registry.year import change_all
from tests.shared.tabular.workbooks import workbook

__all__ = ["client", "http", "village"]  # fixtures


class Sheet:
    """The export of a school as a clerk edits it: rows as lists under their titles."""

    def __init__(self, client: Client, school_code: str, folder: Path) -> None:
        self._client, self._folder = client, folder
        answer = client.get("/v1/student-sheets.xlsx", params={"school": school_code})
        path = folder / "export.xlsx"
        path.write_bytes(answer.content)
        self.titles, *self.rows = [list(row) for row in open_book(path).sheets[0].iter_rows()]

    def row(self, student: UUID) -> dict[str, Any]:
        (row,) = [row for row in self.rows if row[0] == str(student)]
        return dict(zip(map(str, self.titles), row, strict=True))

    def edit(self, student: UUID, **cells: str) -> None:
        (row,) = [row for row in self.rows if row[0] == str(student)]
        for title, text in cells.items():
            row[self.titles.index(title)] = text

    def line(self, student: UUID) -> int:
        """The row's number, counted from 1 below the header."""
        return 1 + next(number for number, row in enumerate(self.rows) if row[0] == str(student))

    def send(self) -> Any:
        path = workbook(self._folder / f"{uuid4()}.xlsx", [self.titles, *self.rows])
        files = {"file": (path.name, path.read_bytes(), "application/octet-stream")}
        return self._client.post("/v1/changes/uploads", files=files, params={"reason": "按导出表更正"})


def test_an_edited_export_changes_exactly_what_was_edited(client: Client, village: Village, tmp_path: Path) -> None:
    sheet = Sheet(client, village.a, tmp_path)
    first, second, third = village.at_a
    assert sheet.row(first)["姓名"] == "张***0" and sheet.row(first)["版本"] in ("1", 1)
    sheet.edit(first, 班级="5班", 联系电话="13900001234", 姓名="张改名")
    sheet.edit(second, 就读方式="住校")
    answer = sheet.send()
    assert answer.status_code == 202, answer.text
    change = answer.json()["change_id"]
    change_all(village.registry)
    rows = {row["student_id"]: row for row in client.get(f"/v1/changes/{change}/students").json()["items"]}
    assert rows.keys() == {str(first), str(second)}
    fields = {each["field"]: (each["before"], each["after"]) for each in rows[str(first)]["fields"]}
    assert fields == {"class_name": ("1班", "5班"), "name": ("张***0", "张*名"), "phone": ("", "139****1234")}
    done = approve(client, village, change)
    assert (done["changed"], {each["field"] for each in done["fields"]}) == (
        2,
        {"boarder", "class_name", "name", "phone"},
    )
    village.shown()
    assert client.get(f"/v1/students/{first}").json()["name"] == "张*名"
    assert (village.shown()[first][4], village.shown()[third][4]) == ("5班", "1班")
    undo(client, village, change)
    village.shown()
    shown = client.get(f"/v1/students/{first}").json()
    assert (shown["name"], shown["class_name"], shown["phone"]) == ("张***0", "1班", "")
    told = [each.fact for each in village.office.log() if each.stream == first]
    assert [type(each) for each in told[1:]] == [StudentPlaced, StudentDetailsCorrected] * 2


def test_rows_of_a_sheet_that_cannot_be_are_told_one_by_one(client: Client, village: Village, tmp_path: Path) -> None:
    sheet = Sheet(client, village.a, tmp_path)
    first, second, third = village.at_a
    client.post(f"/v1/students/{first}/class", json={"on": today().isoformat(), "class_name": "3班"})
    sheet.edit(first, 班级="4班")
    sheet.edit(second, 身份证号=village.office.number(77))
    sheet.edit(third, 学段="大学", 姓名="李*四")
    sheet.rows.append(["不是编号", *sheet.rows[0][1:]])
    answer = sheet.send()
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_batch")
    codes = sorted(each["code"] for each in answer.json()["facts"]["problems"])
    assert codes == ["changed_since_export", "no_such_value", "no_such_value", "not_in_a_sheet"]


def test_a_student_changed_since_is_settled_field_by_field(client: Client, village: Village, tmp_path: Path) -> None:
    sheet = Sheet(client, village.a, tmp_path)
    first, second, third = village.at_a
    for student in village.at_a:
        client.post(f"/v1/students/{student}/class", json={"on": today().isoformat(), "class_name": "3班"})
    sheet.edit(first, 联系电话="13900001234")  # nobody else touched it: taken
    sheet.edit(second, 班级="4班", 联系电话="13900005678")
    sheet.edit(third, 班级="3班")  # as it stands: kept
    (problem,) = sheet.send().json()["facts"]["problems"]
    assert (problem["code"], problem["line"]) == ("changed_since_export", sheet.line(second))
    for said in ("“班级”", "表中“4班”", "导出时“1班”", "现为“3班”", f"{today()} 起"):
        assert said in problem["zh"]
    assert "电话" not in problem["zh"]
    sheet.edit(second, 班级="!4班")
    answer = sheet.send()
    assert answer.status_code == 202, answer.text
    change = answer.json()["change_id"]
    change_all(village.registry)
    rows = {row["student_id"]: row for row in client.get(f"/v1/changes/{change}/students").json()["items"]}
    told = {
        student: {each["field"]: (each["before"], each["after"]) for each in row["fields"]}
        for student, row in rows.items()
    }
    assert told == {
        str(first): {"phone": ("", "139****1234")},
        str(second): {"class_name": ("3班", "4班"), "phone": ("", "139****5678")},
    }


def test_a_conflict_shows_no_more_of_a_person_than_the_export(client: Client, village: Village, tmp_path: Path) -> None:
    sheet = Sheet(client, village.a, tmp_path)
    first = village.at_a[0]
    client.post(f"/v1/students/{first}/correct", json={"phone": "13733334444"})
    sheet.edit(first, 联系电话="13900001234")
    answer = sheet.send()
    (problem,) = answer.json()["facts"]["problems"]
    assert "表中“139****1234”,导出时“”,现为“137****4444”" in problem["zh"]
    assert "13900001234" not in answer.text and "13733334444" not in answer.text
    sheet.edit(first, 联系电话="13733334444")  # what stands now, in full
    assert sheet.send().json()["facts"]["problem"] == "nothing_differs"
    sheet.edit(first, 联系电话="\uff01 13900001234")
    assert sheet.send().status_code == 202


def test_a_sheet_of_another_schools_students_is_refused(client: Client, village: Village, tmp_path: Path) -> None:
    sheet = Sheet(client, village.a, tmp_path)
    sheet.edit(village.at_a[0], 班级="4班")
    client.act_as(school(village.b))
    answer = sheet.send()
    assert {each["code"] for each in answer.json()["facts"]["problems"]} == {"student_unknown"}
    exported = client.get("/v1/student-sheets.xlsx")
    (tmp_path / "own.xlsx").write_bytes(exported.content)
    rows = list(open_book(tmp_path / "own.xlsx").sheets[0].iter_rows())[1:]
    assert {row[0] for row in rows} == {str(each) for each in village.at_b}


def test_an_unedited_export_proposes_nothing(client: Client, village: Village, tmp_path: Path) -> None:
    answer = Sheet(client, village.a, tmp_path).send()
    assert answer.json()["facts"]["problem"] == "nothing_differs"


def test_classes_of_a_grade_are_reshuffled_in_one_go_and_put_back(client: Client, village: Village) -> None:
    first, second = (str(each) for each in village.at_a[:2])
    here = {"school": village.a}
    grades = {each["grade"]: each["classes"] for each in client.get("/v1/class-seats/grades", params=here).json()}
    assert grades["三年级"] == [{"class_name": "1班", "students": 2}]
    asked = here | {"stage": "primary", "grade": "三年级"}
    seats = {each["student_id"]: each for each in client.get("/v1/class-seats", params=asked).json()}
    assert seats.keys() == {first, second} and seats[first]["name"] == "张***0"
    moved = [{"student_id": each, "version": seats[each]["version"], "class_name": "2班"} for each in (first, second)]
    body = {"day": today().isoformat(), "reason": "秋季分班", "seats": moved}
    client.act_as(school(village.a))
    answer = client.post("/v1/changes/classes", json=body)
    assert answer.status_code == 202, answer.text
    change = answer.json()["change_id"]
    change_all(village.registry)
    told = client.get(f"/v1/changes/{change}").json()
    assert (told["kind"], told["state"], told["students"]) == ("classes", "ready", 2)
    assert village.shown()[village.at_a[0]][4] == "1班", "a preview moves nobody"
    assert approve(client, village, change)["changed"] == 2
    stood = village.shown()
    assert [stood[each][4] for each in village.at_a] == ["2班", "2班", "1班"]
    client.act_as(school(village.a))
    again = client.post("/v1/changes/classes", json=body | {"reason": "重复提交"})
    assert {each["code"] for each in again.json()["facts"]["problems"]} == {"changed_since_export"}
    client.act_as(school(village.b))
    theirs = client.post("/v1/changes/classes", json=body | {"reason": "别校学生"})
    assert {each["code"] for each in theirs.json()["facts"]["problems"]} == {"student_unknown"}
    assert client.get("/v1/class-seats", params=asked).json() == []
    assert undo(client, village, change)["restored"] == 2
    assert {village.shown()[each][4] for each in village.at_a} == {"1班"}


def test_who_was_erased_moves_along_and_what_a_sheet_wants_of_her_is_gone(
    client: Client, village: Village, tmp_path: Path
) -> None:
    keys, number = village.registry.keys, village.office.number(1)
    sheet = Sheet(client, village.a, tmp_path)
    sheet.edit(village.at_a[0], 联系电话="13900001234")
    edited = sheet.send().json()["change_id"]
    change_all(village.registry)
    merger = merge(client, village)
    for keyring in (village.registry.keyring, village.office.running.service.keyring):  # each remembers keys a while
        keyring.erase(keys.person(number, village.at_a[0]))
    rows = client.get(f"/v1/changes/{edited}/students").json()["items"]
    assert [(each["before"], each["after"]) for each in rows[0]["fields"]] == [("", "")]
    done = approve(client, village, merger)
    assert (done["changed"], done["changed_since"]) == (6, 0)
    assert village.shown()[village.at_a[0]][1] == village.c
