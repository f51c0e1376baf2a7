"""Sheets of people that are wrong: every row says what to do about it, in its own column; the rest is taken in."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
import xlsxwriter

from services.access.domain import written_name
from services.access.errors import BadName, TooManyRows
from services.access.staff import columns, sheets
from services.access.staff.columns import write_template
from services.access.staff.rows import staff_row
from services.access.staff.sheets import read_staff
from shared.standards.posts import KINDS, POSTS
from shared.tabular.annotating import COLUMN_TITLE
from shared.tabular.errors import HeaderMissing, TextUnreadable
from shared.tabular.sheets import Cell, read_workbook
from tests.services.access.conftest import Office
from tests.services.access.staff_process import until_killed
from tests.services.access.staff_sheets import (
    FIRST,
    HEADER,
    check,
    counts,
    csv_sheet,
    held,
    line,
    register_schools,
    sheet,
    take,
    teacher,
)


@pytest.fixture(scope="module", autouse=True)
def schools(office: Office) -> None:
    register_schools(office)


# Row → the words that its note begins with, beside the column it names.
BAD = (
    (teacher("", "zhao1"), "姓名", "要填写姓名"),
    (teacher("赵一", ""), "登录名", "要填写登录名"),
    (teacher("赵一", "赵老师"), "登录名", "登录名应为3至64位"),
    (teacher("赵一", "460100199001011234"), "登录名", "登录名应为3至64位"),
    (line("赵一", "zhao1", "教务主任", school=FIRST), "岗位", "没有这个岗位"),
    (line("赵一", "zhao1", "", school=FIRST), "岗位", "要填写岗位"),
    (line("赵一", "zhao1", "校长"), "学校标识码", "校长要填写学校标识码"),
    (line("赵一", "zhao1", "校长", school="3146999999"), "学校标识码", "学校目录中没有这所学校"),
    (line("赵一", "zhao1", "校长", school=FIRST, division="469000"), "行政区划代码", "校长不填行政区划代码"),
    (line("赵一", "zhao1", "班主任", school=FIRST, room="1班"), "年级", "班主任要填写年级"),
    (line("赵一", "zhao1", "班主任", school=FIRST, grade="五 年级", room="1班"), "班级", "年级和班级"),
    (line("赵一", "zhao1", "班主任", school=FIRST, stage="大学", grade="一", room="1"), "学段", "学段应为"),
    (line("赵一", "zhao1", "乡镇干部", division="469000"), "行政区划代码", "乡镇干部的行政区划代码应为9、12位"),
    (line("赵一", "zhao1", "乡镇干部", division="469001000"), "行政区划代码", "乡镇干部的行政区划代码应为9、12位"),
    (line("赵一", "zhao1", "资助中心出纳", division="440100"), "整行", "超出您的管理范围"),
    (line("赵一", "zhao1", "部门报送员", agency="公安局"), "部门", "部门应为"),
    (teacher("赵一", "zhao1", begins="2026-09-01", ends="2026-08-31"), "结束日期", "结束日期早于开始日期"),
    (teacher("赵一", "zhao1", ends="2020-07-01"), "结束日期", "结束日期已过"),
    (teacher("赵一", "zhao1", begins="明年"), "开始日期", "日期无法识别"),
    (teacher("赵一", "zhao1", begins="2026-02-30"), "开始日期", "日期不存在"),
    (teacher("赵\u202e一", "zhao1"), "姓名", "姓名应为1至80个字"),
    (teacher("赵\u2066一", "zhao1"), "姓名", "姓名应为1至80个字"),
    (teacher("赵" * 81, "zhao1"), "姓名", "姓名应为1至80个字"),
)


def test_each_row_that_is_wrong_is_refused_with_what_to_do(office: Office, tmp_path: Path) -> None:
    rows = [row if row[1] != "zhao1" else (row[0], f"zhao{number}", *row[2:]) for number, (row, *_) in enumerate(BAD)]
    receipt = check(office, sheet(tmp_path, *rows))
    assert counts(receipt) == (0, 0, 0, len(BAD), 0)
    for told, (_, column, words) in zip(receipt.problem_rows, BAD, strict=True):
        assert told.zh.startswith(f"{column}:{words}"), told


def test_all_that_is_wrong_comes_back_at_once_beside_each_row(office: Office, tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        teacher("钱一", "qian1"),
        line("", "x", "校长", ends="2020-01-01"),
        teacher("钱一", "qian1", ends="2030-07-01"),
        teacher("钱二", "qian1", "2班"),
    )
    receipt = check(office, path, annotated=tmp_path / "checked.xlsx")
    (checked,) = read_workbook(tmp_path / "checked.xlsx")
    first, *rows = list(checked.iter_rows())
    place = first.index(COLUMN_TITLE)
    assert first[:place] == list(HEADER)
    notes = [str(row[place]) for row in rows]
    assert "第4个数据行是另一个姓名" in notes[0]
    assert notes[1].count("请修改【") == 3 and "【登录名】" in notes[1] and "【学校标识码】" in notes[1]
    assert "与第1个数据行是同一人的同一岗位" in notes[2] and "第1个数据行是另一个姓名" in notes[3]
    assert counts(receipt) == (0, 0, 0, 4, 0)
    again = check(office, tmp_path / "checked.xlsx")
    assert again.problems == receipt.problems, "its last column is no field"


def test_a_login_name_of_somebody_else_is_told(office: Office, tmp_path: Path) -> None:
    take(office, sheet(tmp_path, teacher("孙一", "sun1", "3班")))
    other = check(office, sheet(tmp_path, teacher("孙二", "sun1", "4班")))
    assert other.problems == {"other_name": 1} and "孙" not in other.problem_rows[0].zh
    same = check(office, sheet(tmp_path, teacher(" 孙一 ", "SUN1", "3班")))
    assert counts(same) == (0, 0, 1, 0, 0), "blanks and capitals make no other person"


def test_merged_cells_are_read_in_every_row_and_hidden_rows_are_told(office: Office, tmp_path: Path) -> None:
    rows = [teacher("李一", "li1", "5班"), ("", "", *teacher("", "", "6班")[2:])]
    receipt = check(office, sheet(tmp_path, *rows, merges=[(1, 0, 2, 0), (1, 1, 2, 1)]))
    assert counts(receipt) == (2, 0, 0, 0, 1)
    path = tmp_path / "hidden.xlsx"
    book = xlsxwriter.Workbook(str(path))
    for page in (book.add_worksheet(), book.add_worksheet()):
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, teacher("李二", f"li{uuid4().hex[:6]}", "7班"))
    book.worksheets()[0].set_row(1, None, None, {"hidden": True})
    book.worksheets()[1].hide()
    book.close()
    told = check(office, path)
    assert (told.rows, told.hidden_rows, told.hidden_sheets) == (2, 1, 1)


def test_a_formula_counts_as_what_it_came_to_and_nothing_runs_that_looks_like_one(
    office: Office, tmp_path: Path
) -> None:
    path = tmp_path / "formulas.xlsx"
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    page = book.add_worksheet()
    page.write_row(0, 0, HEADER)
    page.write_row(1, 0, teacher('=HYPERLINK("http://x","y")', "zhou1"))
    page.write_row(2, 0, teacher("周二", "", "8班"))
    page.write_formula(2, 1, '="zhou"&"2"', None, "zhou2")
    page.write_row(3, 0, teacher("周三", "", "9班"))
    page.write_formula(3, 1, "=A9", None, "")
    book.close()
    receipt = take(office, path)
    assert counts(receipt) == (2, 0, 0, 1, 2) and receipt.problems == {"missing": 1}
    assert {login for login, *_ in held(office)} >= {"zhou1", "zhou2"}


def test_a_csv_is_read_too_and_one_with_nul_in_it_is_none(office: Office, tmp_path: Path) -> None:
    assert counts(check(office, csv_sheet(tmp_path, teacher("吴一", "wu1", "1班")))) == (1, 0, 0, 0, 1)
    with pytest.raises(TextUnreadable):
        check(office, csv_sheet(tmp_path, teacher("吴\x00二", "wu2", "2班")))
    with pytest.raises(BadName):
        written_name("吴\x00二")


def test_a_row_without_a_login_name_is_never_taken_for_a_footer(office: Office, tmp_path: Path) -> None:
    rows = [teacher("何一", "he1"), line("何二", "", "校长", school=FIRST), ("填表人:何三",)]
    assert counts(check(office, sheet(tmp_path, *rows))) == (1, 0, 0, 1, 1)


def test_a_sheet_without_a_header_or_with_a_million_rows_is_refused_whole(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    headless = tmp_path / "headless.csv"
    headless.write_text("教师,工号\n王一,1\n", encoding="utf-8")
    with pytest.raises(HeaderMissing):
        check(office, headless)
    monkeypatch.setattr(sheets, "HIGHEST_ROWS", 3)
    with pytest.raises(TooManyRows):
        check(office, sheet(tmp_path, *(teacher(f"郑{number}", f"zheng{number}") for number in range(4))))


def test_the_template_is_read_as_an_empty_sheet_and_names_every_post(tmp_path: Path) -> None:
    write_template(tmp_path / "template.xlsx", KINDS)
    assert read_staff(tmp_path / "template.xlsx", KINDS).rows == []
    people, posts, words = read_workbook(tmp_path / "template.xlsx")
    assert next(people.iter_rows()) == [title for title, _ in columns.COLUMNS.values()]
    assert [row[0] for row in posts.iter_rows()][1:] == [POSTS[kind].zh for kind in KINDS]
    assert [row[0] for row in words.iter_rows()][1:-1] == [title for title, _ in columns.COLUMNS.values()]


def test_every_kind_of_post_can_be_written(tmp_path: Path) -> None:
    places: dict[str, dict[str, Cell]] = {
        "division": {"division": "469000"},
        "school": {"school": FIRST},
        "class": {"school": FIRST, "grade": "五年级", "class": "1班"},
        "agency": {"agency": "残联"},
        "division_or_school": {"school": FIRST},
    }
    for kind in KINDS:
        place = places[POSTS[kind].shape]
        if POSTS[kind].digits == (9, 12):
            place = {"division": "469000100"}
        if POSTS[kind].digits == (2, 4):
            place = {"division": "4690"}
        row = staff_row(1, {"name": "王一", "login": "wang1", "kind": POSTS[kind].zh, **place}, KINDS)
        assert row.kind is kind and row.problems == (), row


def test_a_killed_import_goes_on_when_the_sheet_is_sent_again_and_doubles_nobody(
    office: Office, tmp_path: Path
) -> None:
    mark = uuid4().hex[:6]
    rows = [teacher(f"王{number // 2}", f"{mark}{number // 2}", f"{mark}{number}班") for number in range(10)]
    path, command, before = sheet(tmp_path, *rows, line("", "", "校长")), uuid4(), held(office)
    until_killed(office.installation.settings("access"), path, command, office.now, "append.committed:2")
    partly = held(office) - before
    assert 0 < len(partly) < 10
    receipt = take(office, path, command_id=command)
    assert counts(receipt) == (10, 0, 0, 1, 5), "as if it had never been interrupted"
    posts = held(office) - before
    assert len(posts) == 10 and partly < posts and len({login for login, *_ in posts}) == 5
    assert take(office, path, command_id=command) == receipt
