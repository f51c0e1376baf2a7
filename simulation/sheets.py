"""Files as offices make them: titles above, one or two header rows, merged cells, footers; or plain csv for bulk.

The same rows give the same bytes: workbooks carry a fixed creation date.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

Cell = str | float | int | None
FIXED_CREATION = datetime(2000, 1, 1, tzinfo=UTC)
LARGEST_XLSX_ROWS = 1_000_000  # the format ends at 1,048,576; titles and footers need a few


@dataclass(frozen=True, slots=True)
class Column:
    """`alias` is the header other townships use; `group` stands above it in a two-row header; `joined` is merged
    downwards over one household where the layout says so."""

    header: str
    alias: str = ""
    group: str = ""
    joined: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """`stem` names the file. With `two_rows` the header has a row of groups above it."""

    stem: str
    title: str
    columns: tuple[Column, ...]
    two_rows: bool = False
    footer: str = ""


class Table(Protocol):
    """An open file. `section` begins a sheet; `rows` counts data rows over all sheets."""

    rows: int

    def section(self, sheet: str, subtitle: str = "", alias: bool = False, merge: bool = False) -> None: ...

    def write(self, cells: Sequence[Cell], joins_previous: bool = False) -> None: ...

    def close(self) -> None: ...


class XlsxTable:
    """One workbook. Strings stay strings: no formula, number or link is ever inferred from text."""

    def __init__(self, path: Path, layout: Layout, streamed: bool) -> None:
        self.rows = 0
        self._layout = layout
        options = {
            "constant_memory": streamed,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        }
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.set_properties({"created": FIXED_CREATION})
        self._bold = self._book.add_format({"bold": True, "align": "center", "valign": "vcenter", "border": 1})
        self._joined = self._book.add_format({"valign": "vcenter"})
        self._sheet: Worksheet | None = None
        self._next = 0
        self._merge = False
        self._first: tuple[int, Sequence[Cell]] | None = None

    def section(self, sheet: str, subtitle: str = "", alias: bool = False, merge: bool = False) -> None:
        self._end_section()
        self._sheet = self._book.add_worksheet(sheet[:31])
        self._next, self._merge = 0, merge
        last = len(self._layout.columns) - 1
        if self._layout.title:
            for text in (self._layout.title, subtitle):
                if text:
                    self._sheet.merge_range(self._next, 0, self._next, last, text, self._bold)
                    self._next += 1
        self._header(alias)

    def write(self, cells: Sequence[Cell], joins_previous: bool = False) -> None:
        sheet = self._sheet
        assert sheet is not None, "a section comes first"
        if self.rows >= LARGEST_XLSX_ROWS:
            raise ValueError("too many rows for one xlsx file: use csv")
        if self._merge and not joins_previous:
            self._merge_household()
            self._first = (self._next, cells)
        row = self._next
        for column, cell in enumerate(cells):
            if cell is None or cell == "":
                continue
            if isinstance(cell, str):
                sheet.write_string(row, column, cell)
            else:
                sheet.write_number(row, column, cell)
        self._next += 1
        self.rows += 1

    def close(self) -> None:
        self._end_section()
        self._book.close()

    def note(self, sheet: str, lines: Sequence[str]) -> None:
        """A sheet without a header, such as instructions for filling in."""
        page = self._book.add_worksheet(sheet)
        for row, line in enumerate(lines):
            page.write_string(row, 0, line)

    def _header(self, alias: bool) -> None:
        sheet, row, columns = self._sheet, self._next, self._layout.columns
        assert sheet is not None
        labels = [column.alias if alias and column.alias else column.header for column in columns]
        if not self._layout.two_rows:
            for place, text in enumerate(labels):
                sheet.write_string(row, place, text, self._bold)
            self._next += 1
            return
        start = 0
        for place, column in enumerate(columns):
            if not column.group:
                sheet.merge_range(row, place, row + 1, place, labels[place], self._bold)
                start = place + 1
                continue
            sheet.write_string(row + 1, place, labels[place], self._bold)
            if place + 1 == len(columns) or columns[place + 1].group != column.group:
                if start < place:
                    sheet.merge_range(row, start, row, place, column.group, self._bold)
                else:
                    sheet.write_string(row, place, column.group, self._bold)
                start = place + 1
        self._next += 2

    def _merge_household(self) -> None:
        if self._first is None or self._sheet is None:
            return
        first, cells = self._first
        if self._next - first > 1:
            for place, column in enumerate(self._layout.columns):
                if column.joined:
                    self._sheet.merge_range(first, place, self._next - 1, place, cells[place], self._joined)
        self._first = None

    def _end_section(self) -> None:
        self._merge_household()
        if self._sheet is not None and self._layout.footer:
            self._sheet.write_string(self._next + 1, 0, self._layout.footer)
        self._sheet = None


class CsvTable:
    """One header, then rows: UTF-8 with a byte-order mark, no titles, so that it can be read as a stream."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.rows = 0
        self._file = path.open("w", encoding="utf-8-sig", newline="", buffering=io.DEFAULT_BUFFER_SIZE * 16)
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow([column.header for column in layout.columns])

    def section(self, sheet: str, subtitle: str = "", alias: bool = False, merge: bool = False) -> None:
        """Sheets do not exist in csv: all sections share the one header."""

    def write(self, cells: Sequence[Cell], joins_previous: bool = False) -> None:
        self._writer.writerow([f"{cell:.5E}" if isinstance(cell, float) else cell for cell in cells])
        self.rows += 1

    def close(self) -> None:
        self._file.close()


def open_table(folder: Path, layout: Layout, file_format: str, streamed: bool = False) -> XlsxTable | CsvTable:
    """Create `<stem>.xlsx` or `<stem>.csv` in the folder. `streamed` bounds memory and costs a fifth more time."""
    path = folder / f"{layout.stem}.{file_format}"
    return XlsxTable(path, layout, streamed) if file_format == "xlsx" else CsvTable(path, layout)
