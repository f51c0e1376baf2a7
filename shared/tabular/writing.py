"""Workbooks and csv out: row by row with constant memory, and no text ever becomes a formula or a link.

The workbook is written here, as the few parts of ECMA-376 that a plain table needs, because the rows are the cost:
xlsxwriter in constant-memory mode takes about 13 µs for a text cell, this writer about 1 µs (same machine, same rows).
The tests read its files back beside xlsxwriter's, cell by cell.
"""

from __future__ import annotations

import csv
import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType

from shared.tabular import package
from shared.tabular.sheets import Cell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"  # what a workbook is sent as
LONGEST_TEXT = 32_767  # characters in a cell of the format
HIGHEST_ROWS = 1_048_576  # rows of a sheet in the format
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_COMPRESSION_LEVEL = 2  # sheet xml: a tenth of its size already, at a third of the time of the usual 6
_SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a sheet's days have no zone
_FIRST_SERIAL_DAY = date(1900, 3, 1)  # before it the format counts a false 29 February


class WorkbookWriter:
    """A workbook being written. Rows of a sheet come in order, sheets may be open side by side.

    Close it, or use it as a context, to have the file; after an exception inside the context there is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = Path(tempfile.mkdtemp(prefix=".sheets-", dir=path.parent))
        self._sheets: list[SheetWriter] = []
        self._names: list[str] = []

    def __enter__(self) -> WorkbookWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()

    def sheet(
        self, name: str, *, widths: Sequence[float] = (), frozen_rows: int = 1, printed: bool = False
    ) -> SheetWriter:
        """Begin a sheet. The name is shortened and made unique; `widths` are in characters; `printed`: laid out for
        paper, with numbered pages."""
        free = package.free_sheet_name(name, self._names)
        self._names.append(free)
        file = (self._folder / f"sheet{len(self._names)}.xml").open("w", encoding="utf-8", buffering=1 << 18)
        file.write(package.sheet_head(widths, frozen_rows, printed))
        writer = SheetWriter(file, printed)
        self._sheets.append(writer)
        return writer

    def close(self) -> None:
        """Pack the sheets. A workbook without a sheet gets an empty one, as the format demands."""
        if not self._names:
            self.sheet("Sheet1")
        for sheet in self._sheets:
            sheet.end()
        try:
            with zipfile.ZipFile(self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION_LEVEL) as archive:
                for name, content in package.parts(self._names):
                    archive.writestr(name, content)
                for number in range(1, len(self._names) + 1):
                    archive.write(self._folder / f"sheet{number}.xml", f"xl/worksheets/sheet{number}.xml")
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _discard(self) -> None:
        for sheet in self._sheets:
            sheet.end()
        shutil.rmtree(self._folder, ignore_errors=True)


class SheetWriter:
    """One sheet of a WorkbookWriter; each call writes the next row."""

    def __init__(self, file: TextIOWrapper, printed: bool = False) -> None:
        self._file, self._printed = file, printed
        self.row_count = 0

    def header(self, cells: Iterable[Cell]) -> None:
        self._write(cells, package.BOLD)

    def row(self, cells: Iterable[Cell]) -> None:
        self._write(cells, package.PLAIN)

    def rows(self, count: int, text: bytes) -> None:
        """Rows whose text was made elsewhere (writing_columns). Raises ValueError beyond the last row of the format."""
        self.row_count += count
        if self.row_count > HIGHEST_ROWS:
            raise ValueError("a sheet holds 1,048,576 rows at most")
        self._file.flush()
        self._file.buffer.write(text)

    def end(self) -> None:
        """No more rows; calling it again does nothing."""
        if not self._file.closed:
            self._file.write(package.sheet_tail(self._printed))
            self._file.close()

    def _write(self, cells: Iterable[Cell], style: int) -> None:
        """Raises ValueError beyond the last row of the format."""
        self.row_count += 1
        row = self.row_count
        if row > HIGHEST_ROWS:
            raise ValueError("a sheet holds 1,048,576 rows at most")
        parts = [f'<row r="{row}">']
        for letters, cell in zip(package.COLUMN_LETTERS, cells, strict=False):
            if isinstance(cell, str):
                if not cell:
                    continue
                parts.append(f'<c r="{letters}{row}" s="{style}" t="inlineStr">{text_element(cell)}</c>')
            else:
                parts.append(_number_cell(f"{letters}{row}", cell))
        parts.append("</row>\n")
        self._file.write("".join(parts))


def text_element(cell: str) -> str:
    """What stands inside a cell that holds this text, which is not empty."""
    if cell.isalnum() and len(cell) <= LONGEST_TEXT:
        return f"<is><t>{cell}</t></is>"
    return f'<is><t xml:space="preserve">{package.escaped(cell[:LONGEST_TEXT])}</t></is>'


def _number_cell(place: str, cell: float | date) -> str:
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, (int, float)):
        return f'<c r="{place}"><v>{cell!r}</v></c>' if math.isfinite(cell) else ""
    day = cell.date() if isinstance(cell, datetime) else cell
    if day < _FIRST_SERIAL_DAY:
        return f'<c r="{place}" t="inlineStr"><is><t>{cell.isoformat()}</t></is></c>'
    moment = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001
    since = moment.replace(tzinfo=None) - _SERIAL_EPOCH
    if not isinstance(cell, datetime):
        return f'<c r="{place}" s="{package.DAY}"><v>{since.days}</v></c>'
    return f'<c r="{place}" s="{package.MOMENT}"><v>{since.days + since.seconds / 86_400!r}</v></c>'


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
            ["'" + cell if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell for cell in cells]
        )
        self.row_count += 1
