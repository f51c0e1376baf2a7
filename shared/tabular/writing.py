"""Workbooks and csv out: row by row with constant memory, and no text ever becomes a formula or a link."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from shared.tabular.sheets import Cell

LONGEST_TEXT = 32_767  # characters in a cell of the format
HIGHEST_ROWS = 1_048_576  # rows of a sheet in the format
_EARLIEST_YEAR = 1900
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_FORBIDDEN_IN_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\'", "_"))


class WorkbookWriter:
    """A workbook being written. Rows of a sheet come in order; close it, or use it as a context, to have the file."""

    def __init__(self, path: Path) -> None:
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": str(path.parent),
            },
        )
        self._bold = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._names: set[str] = set()

    def __enter__(self) -> WorkbookWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()

    def sheet(self, name: str, *, widths: Sequence[float] = (), frozen_rows: int = 1) -> SheetWriter:
        """Begin a sheet. The name is shortened and made unique; `widths` are in characters."""
        worksheet = self._book.add_worksheet(self._free_name(name))
        for column, width in enumerate(widths):
            worksheet.set_column(column, column, width)
        if frozen_rows:
            worksheet.freeze_panes(frozen_rows, 0)
        return SheetWriter(worksheet, self._bold, self._day, self._moment)

    def _free_name(self, name: str) -> str:
        base = name.translate(_FORBIDDEN_IN_NAMES).strip()[:31] or "Sheet"
        free, count = base, 1
        while free.lower() in self._names:
            count += 1
            tail = f"_{count}"
            free = base[: 31 - len(tail)] + tail
        self._names.add(free.lower())
        return free


class SheetWriter:
    """One sheet of a WorkbookWriter; each call writes the next row."""

    def __init__(self, worksheet: Worksheet, bold: Format, day: Format, moment: Format) -> None:
        self._worksheet, self._bold, self._day, self._moment = worksheet, bold, day, moment
        self.row_count = 0

    def header(self, cells: Iterable[Cell]) -> None:
        self._write(cells, self._bold)

    def row(self, cells: Iterable[Cell]) -> None:
        self._write(cells, None)

    def _write(self, cells: Iterable[Cell], text_format: Format | None) -> None:
        row, sheet = self.row_count, self._worksheet
        write_string = sheet.write_string
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                if cell:
                    write_string(row, column, cell[:LONGEST_TEXT], text_format)
            elif isinstance(cell, bool):
                sheet.write_boolean(row, column, cell)
            elif isinstance(cell, (int, float)):
                if math.isfinite(cell):
                    sheet.write_number(row, column, cell)
            elif cell.year < _EARLIEST_YEAR:
                write_string(row, column, cell.isoformat())
            else:
                kind = self._moment if isinstance(cell, datetime) else self._day
                sheet.write_datetime(row, column, cell, kind)
        self.row_count += 1


class CsvWriter:
    """A csv for people, in UTF-8 with a byte-order mark; what would run as a formula gets an apostrophe."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self.row_count = 0

    def __enter__(self) -> CsvWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def header(self, cells: Iterable[Cell]) -> None:
        self.row(cells)

    def row(self, cells: Iterable[Cell]) -> None:
        self._writer.writerow(
            ["'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell for cell in cells]
        )
        self.row_count += 1
