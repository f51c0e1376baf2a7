"""Autumn intake without numbers: no child becomes two when the number comes; nobody guesses which of two is meant."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.registry.events import StudentDetailsCorrected, StudentEnrolled, StudentRecordAliased
from tests.services.registry.office import SCHOOLS, TERM, Cells, Office
from tests.services.registry.test_api import Client, client, http

__all__ = ["client", "http"]  # fixtures
HEADER = ("姓名", "身份证号", "学籍号", "性别", "学校名称", "学段", "年级", "班级", "监护人姓名")
LATER = date(2026, 10, 8)


def row(office: Office, name: str, number: int = 0, **fields: str) -> Cells:
    """A row of the register; without a number when ``number`` is 0."""
    own = office.number(number) if number else ""
    said = {"school": SCHOOLS[0].name, "sex": "", "grade": "一年级", "class": "", "guardian": ""} | fields
    place = (said["sex"], said["school"], "小学", said["grade"], said["class"], said["guardian"])
    return (name, own, f"G{own}" if own else "", *place)


def send(office: Office, *rows: Cells, on: date | None = None, dry_run: bool = False) -> Any:
    return office.send(rows, list_name="students", header=HEADER, dry_run=dry_run, on=on or TERM)


def students(office: Office) -> set[UUID]:
    """Everybody who was ever enrolled: a second stream would be a second student."""
    return {each.stream for each in office.log() if isinstance(each.fact, StudentEnrolled)}


def test_a_child_without_a_number_is_the_same_child_when_it_comes(office: Office) -> None:
    name = f"赵{office.agency[-3:]}"
    send(office, row(office, name))
    (child,) = students(office)
    dry = send(office, row(office, name, 1, **{"class": "2班"}), on=LATER, dry_run=True)
    receipt = send(office, row(office, name, 1, **{"class": "2班"}), on=LATER)
    assert (dry.rejected, receipt.rejected) == (0, 0)
    assert students(office) == {child}
    told = [each.fact for each in office.log() if isinstance(each.fact, StudentDetailsCorrected)]
    assert [fact.personal.id_number for fact in told if fact.personal] == [office.number(1)]
    aliases = [each.fact for each in office.log() if isinstance(each.fact, StudentRecordAliased)]
    assert aliases == [StudentRecordAliased(student_id=child)]
    before = office.count()
    again = send(office, row(office, name, 1, **{"class": "2班"}), on=LATER)
    assert (again.unchanged, office.count() - before) == (1, 1)  # the receipt, and nothing about her


def test_more_about_a_child_without_a_number_makes_no_second_one(office: Office) -> None:
    name = f"钱{office.agency[-3:]}"
    send(office, row(office, name))
    send(office, row(office, name, guardian="钱大有", sex="女"), on=LATER)
    send(office, row(office, name, 1, guardian="钱大有"), on=LATER)
    assert len(students(office)) == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"guardian": "孙大海"}, {"guardian": "孙小海"}),
        ({"grade": "一年级"}, {"grade": "四年级"}),
        ({"school": SCHOOLS[0].name}, {"school": SCHOOLS[1].name}),
    ],
)
def test_who_is_told_apart_is_another_child(office: Office, first: dict[str, str], then: dict[str, str]) -> None:
    name = f"孙{office.agency[-3:]}"
    send(office, row(office, name, 0, **first))
    receipt = send(office, row(office, name, 1, **then), on=LATER)
    assert receipt.rejected == 0 and len(students(office)) == 2


def test_of_two_children_of_one_name_nobody_guesses_which_is_meant(office: Office) -> None:
    name = f"李{office.agency[-3:]}"
    send(office, row(office, name, guardian="李一山"), row(office, name, guardian="李二山"))
    assert len(students(office)) == 2
    unclear = send(office, row(office, name, 1), on=LATER)
    assert (unclear.rejected, unclear.problems) == (1, {"provisional_ambiguous": 1})
    clear = send(office, row(office, name, 1, guardian="李二山"), on=LATER)
    assert clear.rejected == 0 and len(students(office)) == 2


def test_two_rows_that_may_mean_one_child_both_come_back(office: Office) -> None:
    name = f"周{office.agency[-3:]}"
    send(office, row(office, name))
    receipt = send(office, row(office, name, 1), row(office, name, 3), on=LATER)
    assert receipt.rejected == 2 and len(students(office)) == 1


def test_a_single_enrolment_finds_the_child_and_says_when_it_cannot(client: Client, office: Office) -> None:
    name = f"吴{office.agency[-3:]}"
    body = {"name": name, "school": SCHOOLS[0].name, "stage": "小学", "grade": "一年级"}
    first = client.post("/v1/students", json=body).json()["student_ids"]
    numbered = body | {"id_number": office.number(1), "student_number": f"G{office.number(1)}"}
    assert client.post("/v1/students", json=numbered).json()["student_ids"] == first
    for guardian in ("吴一", "吴二"):
        client.post("/v1/students", json=body | {"guardian_name": guardian, "grade": "二年级"})
    unclear = client.post("/v1/students", json=body | {"grade": "二年级", "id_number": office.number(2)})
    assert unclear.status_code == 422
    assert unclear.json()["facts"]["problems"][0]["code"] == "provisional_ambiguous"
