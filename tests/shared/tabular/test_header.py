"""The header is where its labels are: below titles, over two rows, under groups that belong to other people."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.tabular.header import AliasTable, find_header, label
from shared.tabular.rows import find_table
from shared.tabular.sheets import Cell, RowSource, read_workbook
from tests.shared.tabular.workbooks import RowsSheet, workbook

TABLE = AliasTable.of(
    {"name": ("姓名",), "number": ("编号", "证件号"), "head_name": ("户主姓名",), "sex": ("性别",), "town": ("乡镇",)},
    key_fields=("name", "number"),
    foreign_groups=("户主", "监护人"),
)


def sheet(*rows: list[Cell], name: str = "s") -> RowsSheet:
    return RowsSheet(name, list(rows))


def data(source: RowSource) -> list[list[Cell]]:
    table = find_table(source, TABLE)
    assert table is not None
    return [cells for _, cells in table.data_rows()]


def test_labels_are_reduced_to_their_words() -> None:
    assert label(" 姓\u3000名*(必填)：") == "姓名"
    assert label(3) == ""


def test_titles_above_the_header_are_skipped() -> None:
    found = find_header([["某县名单", "", ""], ["单位:某局", "", "日期"], ["序号", "姓名", "编号"]], (), TABLE)
    assert found is not None
    assert (found.first_row, found.last_row) == (2, 2)
    assert dict(found.columns) == {"name": 1, "number": 2}


def test_a_one_row_header_does_not_swallow_the_first_data_row() -> None:
    found = find_header([["姓名", "编号"], ["张三", "1"]], (), TABLE)
    assert found is not None
    assert found.last_row == 0


def test_a_two_row_header_under_merged_groups(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        ["名单", "", "", "", ""],
        ["序号", "基本情况", "", "户主", ""],
        ["", "姓名", "证件号", "姓名", "证件号"],
        [1, "张三", "a", "李四", "b"],
    ]
    merges = [(0, 0, 0, 4), (1, 0, 2, 0), (1, 1, 1, 2), (1, 3, 1, 4)]
    (read,) = read_workbook(workbook(tmp_path / "a.xlsx", rows, merges=merges))
    table = find_table(read, TABLE)
    assert table is not None
    assert dict(table.header.columns) == {"name": 1, "number": 2, "head_name": 3}
    assert [cells[1] for _, cells in table.data_rows()] == ["张三"]
    assert table.header.titles == ("序号", "基本情况姓名", "基本情况证件号", "户主姓名", "户主证件号")


def test_a_plain_name_under_a_foreign_group_is_not_read() -> None:
    found = find_header([["监护人", "", "性别", "编号"], ["姓名", "电话", "", ""]], (), TABLE)
    assert found is not None
    assert "name" not in found.columns


def test_the_first_of_two_equal_columns_counts() -> None:
    found = find_header([["姓名", "编号", "姓名"]], (), TABLE)
    assert found is not None
    assert found.columns["name"] == 0


def test_a_sheet_without_a_header_has_no_table() -> None:
    assert find_table(sheet(["填表说明"], ["一、请按文本填写"]), TABLE) is None
    assert find_table(sheet(), TABLE) is None


def test_footers_totals_blanks_section_titles_and_repeated_headers_are_no_data() -> None:
    source = sheet(
        ["序号", "姓名", "编号", "性别", "乡镇"],
        [1, "张三", "a", "男", "甲"],
        ["", "", "", "", ""],
        ["第二小组", "", "", "", ""],
        ["序号", "姓名", "编号", "性别", "乡镇"],
        [2, "李四", "b", "女", "乙"],
        ["小计", 2, "", "", ""],
        [3, "", "", "", ""],
        ["合计", "", "", 2, ""],
        ["填表人：王某", "", "审核人：陈某", "", ""],
        ["", "", "", "某局(盖章)", "2024年"],
    )
    assert [cells[1] for cells in data(source)] == ["张三", "李四"]


def test_a_row_without_its_key_cells_is_data_when_it_is_mostly_full_or_data_follows() -> None:
    source = sheet(
        ["姓名", "编号", "性别", "乡镇"],
        ["", "", "男", "甲"],
        ["张三", "a", "男", "甲"],
        ["", "", "女", "乙", "x"],
    )
    assert len(data(source)) == 3


def test_a_person_whose_name_begins_like_a_note_is_data() -> None:
    source = sheet(["姓名", "编号"], ["注明", "440524188001010014"], ["合计", "440524188001010014"], ["总小明", "a"])
    assert len(data(source)) == 3


def test_cells_merged_downwards_reach_every_row(tmp_path: Path) -> None:
    rows = [["乡镇", "姓名", "编号"], ["甲", "张三", "a"], ["", "李四", "b"], ["乙", "王五", "c"]]
    (read,) = read_workbook(workbook(tmp_path / "a.xlsx", rows, merges=[(1, 0, 2, 0)]))
    assert [cells[0] for cells in data(read)] == ["甲", "甲", "乙"]
    assert read.rows[2][0] == "", "the original cells stay as they were"


def test_an_alias_names_one_field_only() -> None:
    with pytest.raises(ValueError, match="names both"):
        AliasTable.of({"a": ("姓名",), "b": ("姓 名",)}, key_fields=("a",))
