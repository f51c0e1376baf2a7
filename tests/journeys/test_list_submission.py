"""Story: an agency sends its list as a file, sees what became of every row, mends what came back, sends it again."""

from __future__ import annotations

import io
import uuid
from typing import Any

import pytest
import python_calamine

from tests.support import sheets
from tests.support.callers import Caller
from tests.support.district import District
from tests.support.people import Kind, Row

MIXED: tuple[Kind, ...] = ("exact", "exact", "other_name", "slip", "lost_digits", "stranger", "adult", "nobody")


def mixed_rows(district: District) -> list[Row]:
    """Rows of every sort about children of this journey."""
    children = [district.newcomer() for _ in MIXED]
    about = ("exact", "other_name", "slip", "lost_digits")
    return [
        district.people.row("poverty", kind, child if kind in about else None)
        for kind, child in zip(MIXED, children, strict=True)
    ]


def submit(district: District, content: bytes, *, key: uuid.UUID | None = None, **query: Any) -> Any:
    """Send a file as the poverty office; the answer."""
    params = {"mode": "increment", "filename": "list.xlsx", **query}
    office = district.office.agencies["poverty"]
    return office.post("registry", "/lists/poverty/submissions", key=key, content=content, params=params)


def events(district: District) -> int:
    (row,) = district.system.ask("registry", "SELECT count(*) FROM events")
    assert isinstance(row[0], int)
    return row[0]


def workbook(content: bytes) -> list[list[Any]]:
    """The cells of the first sheet of an export."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    return book.get_sheet_by_index(0).to_python()


def rejects(caller: Caller, submission_id: str) -> list[list[Any]]:
    answer = caller.ask("registry", f"/submissions/{submission_id}/rejects.xlsx")
    assert answer.status_code == 200, answer.text[:300]
    return workbook(answer.content)


def test_the_counts_of_a_file_balance_and_every_row_ends_in_one_state(district: District) -> None:
    rows = mixed_rows(district)
    receipt = submit(district, sheets.xlsx(sheets.table(rows), title="脱贫户名单 2026 年秋季")).json()
    assert receipt["rows"] == len(rows)
    assert receipt["added"] + receipt["corrected"] + receipt["unchanged"] == len(rows)
    assert receipt["rejected"] == sum(row.kind in ("slip", "lost_digits") for row in rows)
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    district.compare()
    states = district.office.clerk.read("matching", "/roster/summary")["by_list"]["poverty"]
    assert sum(states.values()) == sum(row.list == "poverty" for row in district.oracle.rows.values())


def test_rows_that_cannot_be_matched_come_back_with_their_reason(district: District) -> None:
    rows = mixed_rows(district)
    receipt = submit(district, sheets.xlsx(sheets.table(rows))).json()
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    head, *body = rejects(district.office.agencies["poverty"], receipt["submission_id"])
    assert head[-1] == "退回原因"
    wrong = {number: row for number, row in enumerate(rows, 1) if row.kind in ("slip", "lost_digits")}
    assert {int(line[0]) for line in body} == set(wrong)
    for line in body:
        assert dict(zip(head, line, strict=True))["成员姓名"] == wrong[int(line[0])].name
        assert line[-1], "a row came back without a reason"


def test_the_same_file_twice_changes_nothing(district: District) -> None:
    content = sheets.xlsx(sheets.table(rows := mixed_rows(district)))
    first = submit(district, content).json()
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    before = events(district)
    again = submit(district, content).json()
    assert (again["added"], again["corrected"], again["removed"]) == (0, 0, 0)
    assert again["unchanged"] == first["rows"]
    district.system.settle()
    assert events(district) == before + 1, "only the receipt of the second submission is recorded"
    district.compare()


def test_the_same_submission_sent_again_gets_the_same_receipt_and_another_file_is_refused(district: District) -> None:
    key = uuid.uuid4()
    rows = [district.people.row("poverty", "exact", district.newcomer())]
    content = sheets.xlsx(sheets.table(rows))  # a workbook holds the second it was made
    receipt = submit(district, content, key=key).json()
    for row in rows:
        district.oracle.listed(row)
    again = submit(district, content, key=key)
    other = submit(district, sheets.xlsx(sheets.table([district.people.row("poverty", "stranger")])), key=key)
    assert again.json()["submission_id"] == receipt["submission_id"]
    assert (again.json()["added"], again.json()["rows"]) == (receipt["added"], receipt["rows"])
    assert (other.status_code, other.json()["code"]) == (422, "command_reused")
    district.system.settle()
    district.compare()


def test_a_dry_run_tells_what_would_be_and_leaves_nothing(district: District) -> None:
    rows = mixed_rows(district)
    district.system.settle()
    before = events(district)
    receipt = submit(district, sheets.xlsx(sheets.table(rows)), dry_run=True).json()
    assert receipt["dry_run"] is True
    assert (receipt["rows"], receipt["added"]) == (len(rows), len(rows))
    district.system.settle()
    assert events(district) == before
    district.compare()


def test_a_row_mended_in_the_next_file_changes_that_row_alone(district: District) -> None:
    child = district.newcomer()
    wrong = district.people.row("poverty", "slip", child)
    others = [district.people.row("poverty", "exact", district.newcomer()) for _ in range(3)]
    district.office.list_rows([wrong, *others], district.today)
    mended = Row("poverty", "exact", child.name, child.number, child, dict(wrong.facts))
    receipt = submit(district, sheets.xlsx(sheets.table([mended, *others]))).json()
    assert (receipt["added"], receipt["corrected"], receipt["unchanged"]) == (0, 1, 3)
    del district.oracle.rows[wrong.key]  # the person number says that it is the same record
    district.oracle.listed(mended)
    district.system.settle()
    district.compare()


def test_half_a_file_does_not_end_the_aid_of_the_other_half_until_a_person_confirms(district: District) -> None:
    rows = [district.people.row("disability", "exact", district.newcomer()) for _ in range(6)]
    district.office.list_rows(rows, district.today)
    standing = [row for row in district.oracle.rows.values() if row.list == "disability"]
    half, rest = standing[: len(standing) // 2], standing[len(standing) // 2 :]
    agency = district.office.agencies["disability"]
    content = sheets.xlsx(sheets.table(half))
    receipt = district.office.send(agency, "disability", content, district.today, mode="snapshot")
    assert (receipt["held"], receipt["missing"], receipt["removed"]) == (True, len(rest), 0)
    district.system.settle()
    district.compare()

    key, path = uuid.uuid4(), f"/submissions/{receipt['submission_id']}/confirm"
    stranger = district.office.agencies["poverty"]
    assert stranger.post("registry", path).status_code == 404, "another agency's submission"
    answers = [agency.post("registry", path, key=key) for _ in range(2)]
    assert [answer.json()["removed"] for answer in answers] == [len(rest)] * 2
    for row in rest:
        district.oracle.removed(row)
    district.system.settle()
    district.compare()


def test_a_wrong_file_is_withdrawn_and_the_roster_is_as_before(district: District) -> None:
    rows = [district.people.row("poverty", "exact", district.newcomer()) for _ in range(3)]
    receipt = submit(district, sheets.xlsx(sheets.table(rows))).json()
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    district.compare()

    path, key = f"/submissions/{receipt['submission_id']}/withdraw", uuid.uuid4()
    stranger = district.office.agencies["civil"]
    assert stranger.post("registry", path, {"reason": "wrong_file"}).status_code == 404
    answers = [
        district.office.agencies["poverty"].post("registry", path, {"reason": "wrong_file"}, key=key).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1] and (answers[0]["rows"], answers[0]["left"]) == (3, 3)
    for row in rows:
        district.oracle.never_true(row)
    district.system.settle()
    district.compare()


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_a_csv_as_offices_save_it_is_read_like_a_workbook(district: District, encoding: str) -> None:
    rows = [district.people.row("poverty", "exact", district.newcomer()) for _ in range(3)]
    content = sheets.csv_text(sheets.table(rows), encoding)
    receipt = submit(district, content, filename="名单.csv").json()
    assert (receipt["rows"], receipt["added"], receipt["rejected"]) == (3, 3, 0)
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    district.compare()
