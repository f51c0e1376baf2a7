"""What is written is read back unchanged, by the reader and beside what xlsxwriter writes."""

from __future__ import annotations

import string
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.dom import minidom
from zipfile import ZipFile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tabular.package import COLUMN_LETTERS, free_sheet_name
from shared.tabular.sheets import Cell, read_workbook
from shared.tabular.writing import CsvWriter, WorkbookWriter

TEXTS = st.one_of(
    st.text(alphabet=string.printable + "张·𠮷\u3000_x0041\x01\x1f", max_size=12),
    st.sampled_from(["=1+1", "+8", "@a", "http://a.b", "_x0041_", "&<>\"'", " a ", "00123", "1E5"]),
)
NUMBERS = st.integers(-(10**9), 10**9).map(lambda number: number / 4)  # exact in the 16 digits xlsxwriter writes
DAYS = st.dates(date(1900, 3, 1), date(2200, 1, 1))
MOMENT = datetime.fromisoformat("2024-02-29T13:30:00")
CELLS = st.one_of(TEXTS, NUMBERS, DAYS)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=25))
def test_cells_read_back_as_xlsxwriter_would_have_written_them(rows: list[list[Cell]]) -> None:
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.xlsx", Path(folder) / "theirs.xlsx"
        with WorkbookWriter(ours) as book:
            sheet = book.sheet("甲")
            for row in rows:
                sheet.row(row)
        oracle = xlsxwriter.Workbook(str(theirs), {"strings_to_formulas": False, "strings_to_urls": False})
        day = oracle.add_format({"num_format": "yyyy-mm-dd"})
        page = oracle.add_worksheet("甲")
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(number, column, cell)
                elif isinstance(cell, date):
                    page.write_datetime(number, column, cell, day)
                else:
                    page.write_number(number, column, cell)
        oracle.close()
        read, expected = read_workbook(ours), read_workbook(theirs)
    assert _trimmed(read[0].rows) == _trimmed(expected[0].rows)


def _trimmed(rows: list[list[Cell]]) -> list[list[Cell]]:
    """Without empty tails: writers differ in whether an empty text is a cell."""
    out = []
    for row in rows:
        cells = list(row)
        while cells and cells[-1] == "":
            cells.pop()
        out.append(cells)
    while out and not out[-1]:
        out.pop()
    return out


def test_no_text_becomes_a_formula_or_a_link(tmp_path: Path) -> None:
    with WorkbookWriter(tmp_path / "a.xlsx") as book:
        book.sheet("a").row(['=HYPERLINK("http://x")', "http://x", "=cmd|' /C calc'!A0"])
    with ZipFile(tmp_path / "a.xlsx") as archive:
        text = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in text
        assert "hyperlink" not in text
        for name in archive.namelist():
            minidom.parseString(archive.read(name))


def test_sheets_may_be_written_side_by_side(tmp_path: Path) -> None:
    with WorkbookWriter(tmp_path / "a.xlsx") as book:
        first, second = book.sheet("一"), book.sheet("二")
        first.row(["a"])
        second.row(["b"])
        first.row(["c"])
    sheets = read_workbook(tmp_path / "a.xlsx")
    assert [(sheet.name, sheet.rows) for sheet in sheets] == [("一", [["a"], ["c"]]), ("二", [["b"]])]


def test_a_moment_keeps_its_time_and_an_old_date_stays_readable(tmp_path: Path) -> None:
    with WorkbookWriter(tmp_path / "a.xlsx") as book:
        book.sheet("a").row([MOMENT, date(1880, 1, 1), True, 2.5])
    assert read_workbook(tmp_path / "a.xlsx")[0].rows == [[MOMENT, "1880-01-01", True, 2.5]]


def test_an_exception_leaves_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), WorkbookWriter(tmp_path / "a.xlsx") as book:
        book.sheet("a").row(["x"])
        raise RuntimeError("stop")
    assert list(tmp_path.iterdir()) == []


def test_sheet_names_are_made_legal_and_unique() -> None:
    assert free_sheet_name("a/b:c", []) == "a_b_c"
    assert free_sheet_name("x" * 40, ["x" * 31]) == "x" * 29 + "_2"
    assert free_sheet_name("A", ["a"]) == "A_2"


def test_columns_are_named_as_the_format_does() -> None:
    assert [COLUMN_LETTERS[n] for n in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


def test_a_csv_for_people_holds_no_formula(tmp_path: Path) -> None:
    with CsvWriter(tmp_path / "a.csv") as writer:
        writer.row(["=1+1", "张三", "-1", "@x"])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8-sig").strip() == "'=1+1,张三,'-1,'@x"
