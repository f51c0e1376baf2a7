"""Lists as they must not be, each through the real intake: taken whole, told of, or refused with a reason."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from services.registry.events import ListEntryAdded
from shared.tabular.errors import TabularError
from tests.services.registry.office import LIST_HEADER, TERM, Office
from tests.services.registry.test_api import CLERK, Client, client, http
from tests.shared.tabular.workbooks import workbook, zip_with

__all__ = ["client", "http"]
HOUSEHOLD_HEADER = ("姓名", "身份证号", "户编号", "与户主关系", "户类型", "识别时间", "退出时间")


def test_two_agencies_that_contradict_each_other_are_both_kept_and_shown_side_by_side(
    client: Client, office: Office
) -> None:
    person = office.number(1)
    said = {"one": ("李一", "脱贫户"), "other": ("李壹", "边缘易致贫户")}
    for agency, (name, kind) in said.items():
        rows = [(name, person, "H1", kind, ""), (f"同{name}", office.number(2), "H2", "脱贫户", "")]
        sent = client.send(office.file(rows[:1] if agency == "other" else rows), agency=f"{office.agency}_{agency}")
        assert sent.json()["added"] == len(rows[:1] if agency == "other" else rows)
    office.pump()
    page = client.get("/v1/contradictions", params={"limit": 200, "true_on": "2099-01-01"}).json()
    (found,) = [each for each in page["items"] if any(row["agency"].startswith(office.agency) for row in each["rows"])]
    assert found["differs"] == ["name", "household_type"]
    assert {(row["agency"], row["household_type"]) for row in found["rows"]} == {
        (f"{office.agency}_one", "脱贫户"),
        (f"{office.agency}_other", "边缘易致贫户"),
    }
    assert person not in str(page) and "李壹" not in str(page)
    client.act_as({"sub": "a", "kind": "agency_publisher", "agency": f"{office.agency}_one"})
    assert client.get("/v1/contradictions", params={"limit": 200}).json()["items"] == []


def test_pages_of_contradictions_join_up(client: Client, office: Office) -> None:
    for agency, kind in (("a", "脱贫户"), ("b", "边缘易致贫户")):
        sent = client.send(
            office.file(office.poor(*range(1, 6), household_type=kind)), agency=f"{office.agency}_{agency}"
        )
        assert sent.json()["added"] == 5
    office.pump()
    params: dict[str, Any] = {"limit": 2}
    seen: list[str] = []
    while True:
        page = client.get("/v1/contradictions", params=params).json()
        seen += [each["first_entry_id"] for each in page["items"]]
        if page["next"] is None:
            break
        params["after"] = page["next"]
    assert len(seen) == len(set(seen)) and seen == sorted(seen)


def test_dates_of_a_wrong_era_or_in_the_wrong_order_are_told_and_the_rows_kept(office: Office) -> None:
    rows = [
        ("李一", office.number(1), "H1", "户主", "脱贫户", "2062-09-01", ""),
        ("李二", office.number(2), "H2", "户主", "脱贫户", "2025-09-01", "2024-09-01"),
        ("李三", office.number(3), "H3", "户主", "脱贫户", "民国一百一十四年", ""),
        ("李四", office.number(4), "H4", "户主", "脱贫户", "2025-02-30", ""),
    ]
    receipt = office.send(rows, header=HOUSEHOLD_HEADER)
    assert (receipt.rows, receipt.added) == (4, 4)
    assert receipt.problems == {"in_future": 1, "ends_before_begin": 1, "unreadable": 1, "impossible": 1}
    told = {each.row: each.zh for each in receipt.problem_rows}
    assert "一年以后" in told[1] and "早于" in told[2] and "无法识别" in told[3] and "不存在" in told[4]


def test_a_person_in_two_households_and_a_household_without_a_head_are_told_and_the_rows_kept(office: Office) -> None:
    rows = [
        ("李一", office.number(1), "H1", "户主", "脱贫户", "", ""),
        ("李二", office.number(2), "H1", "子", "脱贫户", "", ""),
        ("李二", office.number(2), "H2", "户主", "脱贫户", "", ""),
        ("李三", office.number(3), "H3", "子", "脱贫户", "", ""),
        ("李四", office.number(4), "H3", "女", "脱贫户", "", ""),
    ]
    receipt = office.send(rows, header=HOUSEHOLD_HEADER)
    assert (receipt.rows, receipt.added, receipt.rejected) == (5, 5, 0)
    assert receipt.problems == {"two_households": 2, "no_head": 1}
    told = {each.row: each.zh for each in receipt.problem_rows}
    assert set(told) == {2, 3, 4} and "第3行" in told[2] and "第2行" in told[3] and "户主" in told[4]
    assert office.count(lambda each: isinstance(each.fact, ListEntryAdded)) == 5


def test_the_same_file_twice_and_a_copy_under_another_name_add_nothing(office: Office, tmp_path: Path) -> None:
    path = office.file(office.poor(*range(1, 6)))
    office.send(path)
    copy = tmp_path / "副本.xlsx"
    copy.write_bytes(path.read_bytes())
    for again in (path, copy):
        receipt = office.send(again)
        assert (receipt.added, receipt.corrected, receipt.removed, receipt.unchanged) == (0, 0, 0, 5)


def test_hidden_sheets_rows_and_filters_are_read_and_the_receipt_says_so(client: Client, office: Office) -> None:
    path = office.file([])
    book = xlsxwriter.Workbook(str(path))
    for number, hidden in ((0, False), (1, True)):
        sheet = book.add_worksheet(f"表{number}")
        rows = [LIST_HEADER, *office.poor(*range(1 + 4 * number, 5 + 4 * number))]
        for index, row in enumerate(rows):
            sheet.write_row(index, 0, row)
        if hidden:
            sheet.hide()
        else:
            sheet.autofilter(0, 0, 4, 4)
            sheet.set_row(2, None, None, {"hidden": True})
            sheet.set_row(3, 40.5, None, {"hidden": True})
    book.close()
    for dry_run in (True, False):
        told = client.send(path, agency=office.agency, dry_run=dry_run).json()
        assert (told["rows"], told["added"], told["hidden_sheets"], told["hidden_rows"]) == (8, 8, 1, 2)
    assert len(office.standing()) == 8


def test_merged_cells_mean_the_same_in_every_row_they_cover(office: Office, tmp_path: Path) -> None:
    rows = [list(row) for row in office.poor(1, 2, 3)]
    for row in rows[1:]:
        row[2] = row[3] = ""
    path = workbook(tmp_path / "a.xlsx", [LIST_HEADER, *rows], merges=[(1, 2, 3, 2), (1, 3, 3, 3)])
    assert office.send(path).problems == {}
    facts = [each.fact for each in office.log() if isinstance(each.fact, ListEntryAdded)]
    assert len({fact.household_key for fact in facts}) == 1 and facts[0].household_key is not None
    assert {fact.household_type for fact in facts} == {"脱贫户"}


def test_a_sheet_of_every_row_the_format_has_is_refused_with_what_to_do(client: Client, office: Office) -> None:
    path = office.file([])
    row = b'<row><c t="inlineStr"><is><t>A</t></is></c></row>'
    sheet = b"<worksheet><sheetData>" + row * 1_048_576 + b"</sheetData></worksheet>"
    refused = client.send(zip_with(path, {"xl/worksheets/sheet1.xml": sheet}), agency=office.agency)
    assert refused.status_code == 422 and "csv" in refused.json()["detail"]
    assert office.log() == []


def test_one_stray_cell_in_the_last_row_of_the_format_does_no_harm(office: Office) -> None:
    path = office.file([])
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for index, row in enumerate([LIST_HEADER, *office.poor(1, 2, 3)]):
        sheet.write_row(index, 0, row)
    sheet.write(1_048_575, 4, "完")
    book.close()
    try:
        receipt = office.send(path)
    except TabularError as refused:
        assert "csv" in refused.zh
    else:
        assert (receipt.rows, receipt.added) == (3, 3)


def test_households_cannot_merge_in_a_circle(client: Client, office: Office) -> None:
    ids = []
    for number in (1, 2):
        members = [{"name": "李一", "id_number": office.number(number), "head": True}]
        body = {"list": "poverty", "household_number": f"{office.agency}-{number}", "members": members}
        made = client.post(
            "/v1/households", json=body | {"division_code": "469001"}, params={"as_of": TERM.isoformat()}
        )
        assert made.status_code == 201, made.text
        ids.append(made.json()["household_id"])
    on = {"on": "2026-10-01", "why": "两户合并"}
    asked = client.post(f"/v1/households/{ids[0]}/merge", json=on | {"into_household_id": ids[1]})
    proposal = f"/v1/household-proposals/{asked.json()['proposal_id']}"
    agreed = {"preview_hash": client.get(proposal).json()["preview_hash"]}
    client.act_as(CLERK | {"sub": "second clerk", "kind": "approver"})
    assert client.post(f"{proposal}/approve", json=agreed).status_code == 200
    client.act_as(CLERK)
    circle = client.post(f"/v1/households/{ids[1]}/merge", json=on | {"into_household_id": ids[0]})
    assert (circle.status_code, circle.json()["code"]) == (409, "household_already_merged")
    itself = client.post(f"/v1/households/{ids[1]}/merge", json=on | {"into_household_id": ids[1]})
    assert itself.status_code == 422


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml"])
def test_a_workbook_cut_in_the_middle_is_refused(office: Office, part: str) -> None:
    path = office.file(office.poor(1, 2))
    with zipfile.ZipFile(path) as archive:
        assert part in archive.namelist()
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TabularError):
        office.send(path, on=date(2026, 9, 1))
    assert office.log() == []
