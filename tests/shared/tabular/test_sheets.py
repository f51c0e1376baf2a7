"""Cells keep what they are, and the process that parses cannot take the caller down."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from shared.tabular.child import BLOCK_ROWS
from shared.tabular.errors import WorkbookTooCostly
from shared.tabular.limits import DEFAULT_LIMITS, MEGABYTE
from shared.tabular.sheets import read_workbook
from tests.shared.tabular.workbooks import workbook, zip_with


def test_text_and_number_stay_apart(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["440524188001010014", 440524188001010014, date(2012, 9, 1), True]])
    (cells,) = read_workbook(path)[0].rows
    assert cells[0] == "440524188001010014"
    assert isinstance(cells[1], float)
    assert cells[2] == date(2012, 9, 1)
    assert cells[3] is True


def test_rows_start_at_the_first_cell_of_the_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["", ""], ["", "姓名"]])
    assert read_workbook(path)[0].rows == [["", ""], ["", "姓名"]]


def test_blank_rows_and_columns_keep_their_place_and_every_row_the_width_of_the_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["", ""], ["", "", "x"], [], ["", "", "", "", 2.5]])
    blank = [""] * 5
    assert read_workbook(path)[0].rows == [blank, ["", "", "x", "", ""], blank, ["", "", "", "", 2.5]]


def test_a_sheet_of_many_blocks_is_read_whole_and_again(tmp_path: Path) -> None:
    rows: list[list[Any]] = [[f"{number}", float(number), date(2012, 9, 1)] for number in range(2 * BLOCK_ROWS)]
    sheet, other = read_workbook(workbook(tmp_path / "a.xlsx", rows, rows[:1]))
    assert sheet.rows == rows == sheet.rows
    assert other.rows == rows[:1]


def test_cells_that_would_fill_the_memory_of_the_caller_end_in_a_refusal(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["long" * 8_000] * 5] * 2_000)  # one shared text, 320 MB in all its cells
    with pytest.raises(WorkbookTooCostly) as refused:
        read_workbook(path, replace(DEFAULT_LIMITS, parse_memory_bytes=1_024 * MEGABYTE))
    assert refused.value.facts["what"] == "memory"


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["=1+1", "+86", "@x"]])
    assert read_workbook(path)[0].rows == [["=1+1", "+86", "@x"]]


def test_every_sheet_is_read_in_order(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["a"]], [["b"]], [])
    assert [sheet.rows for sheet in read_workbook(path)] == [[["a"]], [["b"]], []]


def test_merged_ranges_are_known(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["title", ""], ["x", "y"]], merges=[(0, 0, 0, 1)])
    assert read_workbook(path)[0].merged == (((0, 0), (0, 1)),)


def test_a_sheet_that_claims_to_be_huge_ends_in_a_refusal(tmp_path: Path) -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    real = workbook(tmp_path / "real.xlsx", [["x"]])
    import zipfile

    with zipfile.ZipFile(real) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    with pytest.raises(WorkbookTooCostly) as refused:
        read_workbook(zip_with(tmp_path / "a.xlsx", parts))
    assert refused.value.facts["what"] == "memory"


def test_a_parse_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["x"] * 20 for _ in range(2_000)])
    with pytest.raises(WorkbookTooCostly) as refused:
        read_workbook(path, replace(DEFAULT_LIMITS, parse_seconds=0.001))
    assert refused.value.facts["what"] == "time"
