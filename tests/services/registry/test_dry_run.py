"""The check before an import: every error at once beside its row, in words to act on; the mended sheet sent again."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from services import registry
from services.registry.events import DataExported
from services.registry.lists import advice
from services.registry.sheets.lists import RowProblem
from shared.standards import disability, identity_number, student_number
from shared.tabular import dates
from shared.tabular import rows as data_rows
from shared.tabular.annotating import COLUMN_TITLE
from tests.services.portal.test_texts import HOME
from tests.services.registry.office import LIST_HEADER, REGISTER_HEADER, Office
from tests.services.registry.test_api import Client, agency, client, http
from tests.shared.tabular.workbooks import workbook

__all__ = ["client", "http"]
SOURCE = Path(registry.__file__).parent
PROBLEM_TEXTS = tomllib.loads((HOME / "texts.toml").read_text("utf-8"))["problem"]


def declared() -> set[tuple[str, str]]:
    """(field, code) of every problem a row may have: what the source names outright and what the standards tell."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RowProblem"
            if named and all(isinstance(each, ast.Constant) for each in node.args[:2]):  # type: ignore[attr-defined]
                found.add(tuple(each.value for each in node.args[:2]))  # type: ignore[attr-defined]
    days = ("birth_date", "valid_from", "valid_to", "exited_on", "lifted_on")
    found |= {(field, code) for field in days for code in dates.MESSAGES}
    found |= {("id_number", code) for code in (*identity_number.MESSAGES, "other_document")}
    found |= {("student_number", code) for code in student_number.MESSAGES}
    found |= {("certificate_number", code) for code in disability.MESSAGES}
    found |= {("school_code", "empty"), ("name", "empty"), ("division_code", "empty")}
    return found


def test_every_reason_has_advice_and_a_word_on_the_page_in_both_languages() -> None:
    assert len(declared()) > 45
    for field, code in declared():
        told = advice.advice(RowProblem(field, code, "号码不对", "wrong"))
        assert told.zh and told.en and re.search("[\u4e00-\u9fff]", told.zh)
        assert advice.FIELDS_ZH[field] in advice.note([RowProblem(field, code, "号码不对", "wrong")])
        zh, en = PROBLEM_TEXTS[code]
        assert zh and en


def test_no_advice_reads_like_the_foot_of_a_form() -> None:
    """A note of ours in the last column must not make its row a footer when the sheet is sent again."""
    for field, code in declared():
        text = advice.note([RowProblem(field, code, "号码不对", "wrong")])
        assert not data_rows._FOOTER.search(text) and not data_rows._NOTE.match(text)


def read(path: Path, sheet: int = 0) -> list[list[Any]]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(sheet).to_python()


def checked(client: Client, path: Path, to: Path, list_name: str = "poverty", **query: Any) -> list[list[Any]]:
    files = {"file": (path.name, path.read_bytes(), "application/octet-stream")}
    answer = client.post(f"/v1/lists/{list_name}/dry-run.xlsx", files=files, params=query)
    assert answer.status_code == 200, answer.text[:300]
    to.write_bytes(answer.content)
    return read(to)


def test_all_errors_stand_beside_their_rows_and_the_mended_sheet_applies_only_what_changed(
    client: Client, office: Office, tmp_path: Path
) -> None:
    rows = [
        *office.poor(1, 2),
        ("", office.number(3), "H003", "脱贫户", ""),
        ("王四", office.number(4)[:-1] + "?", "H004", "奇怪户", ""),
        ("王五", 4.69e17, "H005", "脱贫户", ""),
        ("李001", office.number(1), "H009", "脱贫户", ""),
        ("合计", "", "", "", ""),
    ]
    path = office.file(rows)
    client.act_as(agency("poverty_office"))
    back = checked(client, path, tmp_path / "checked.xlsx", mode="increment")
    (taken,) = office.log()  # that the checked file was given back, and nothing of its content
    assert isinstance(taken.fact, DataExported)
    assert [row[:5] for row in back] == [[*LIST_HEADER], *[list(row) for row in rows]]
    notes = [row[5] if len(row) > 5 else "" for row in back]
    assert notes[0] == COLUMN_TITLE and notes[2] == notes[7] == ""
    assert "请修改【姓名】姓名为空。补填姓名。" in notes[3]
    assert "请修改【身份证号】" in notes[4] and "请修改【户类型】" in notes[4] and notes[4].count("\n") == 1
    assert "文本" in notes[5] and "提示【户编号】与第6行是同一人,但户编号不同" in notes[1]
    assert office.number(4)[:-1] not in notes[4]

    sent = client.send(path, mode="increment").json()
    assert (sent["added"], sent["rejected"]) == (6, 3)
    mended = [list(row) for row in back]
    mended[3][0] = "王三"
    mended[4][1], mended[4][3] = office.number(4), "脱贫户"
    again = workbook(tmp_path / "mended.xlsx", mended)
    foretold = checked(client, again, tmp_path / "again.xlsx", mode="increment")
    assert [row[5] for row in foretold[3:5]] == ["", ""] and len(foretold[0]) == 6
    receipt = client.send(again, mode="increment").json()
    assert (receipt["rows"], receipt["unchanged"], receipt["rejected"]) == (6, 4, 1)
    assert (receipt["added"], receipt["corrected"]) == (
        1,
        1,
    )  # a mended number is another record, a name is a correction


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_a_register_is_checked_the_same_way_also_as_csv(
    client: Client, office: Office, tmp_path: Path, ending: str
) -> None:
    rows = [office.pupil(1), office.pupil(2, school="没有的小学"), office.pupil(1, grade="4")]
    path = office.file(rows, REGISTER_HEADER)
    if ending == ".csv":
        path = tmp_path / "register.csv"
        path.write_text("\n".join(",".join(row) for row in [REGISTER_HEADER, *rows]), "utf-8")
    back = checked(client, path, tmp_path / "checked.xlsx", "students")
    notes = [row[7] for row in back]
    assert notes[1] == "" and "请修改【学校】" in notes[2] and "可不改" not in notes[2] and "相近的有" in notes[2]
    assert "请修改【整行】" in notes[3] and "第1行" in notes[3]


def test_merged_cells_keep_their_values_in_the_sheet_that_goes_back(
    client: Client, office: Office, tmp_path: Path
) -> None:
    rows = [list(row) for row in office.poor(1, 2)]
    rows[1][2] = ""
    path = workbook(tmp_path / "merged.xlsx", [LIST_HEADER, *rows], merges=[(1, 2, 2, 2)])
    back = checked(client, path, tmp_path / "checked.xlsx", agency="poverty_office")
    assert [row[2] for row in back[1:]] == [rows[0][2]] * 2
