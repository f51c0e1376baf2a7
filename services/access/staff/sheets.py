"""The file as it was sent: its sheets with a header, the data rows numbered through, and what it hides from view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.access.errors import TooManyRows
from services.access.staff.columns import ALIASES
from services.access.staff.rows import StaffRow, staff_row, told_apart
from shared.standards.posts import Kind
from shared.tabular.book import open_book
from shared.tabular.errors import HeaderMissing
from shared.tabular.hidden import hidden_row_count
from shared.tabular.rows import SheetTable, find_table
from shared.tabular.sheets import RowSource

HIGHEST_ROWS = 20_000  # twice a large county's staff; each becomes up to three events


@dataclass(slots=True)
class StaffSheet:
    """One sheet; ``first_row``: the number of its first data row."""

    source: RowSource
    table: SheetTable | None
    first_row: int


@dataclass(frozen=True, slots=True)
class StaffFile:
    """``rows`` of all sheets in order; ``hidden_sheets`` and ``hidden_rows`` were read like the others."""

    sheets: Sequence[StaffSheet]
    rows: Sequence[StaffRow]
    hidden_sheets: int
    hidden_rows: int


def read_staff(path: Path, offered: Sequence[Kind]) -> StaffFile:
    """Read a file. ``offered``: as rows.staff_row has it. Raises a TabularError, HeaderMissing, TooManyRows."""
    book = open_book(path)
    sheets = [StaffSheet(source, find_table(source, ALIASES), 1) for source in book.sheets]
    if all(sheet.table is None for sheet in sheets):
        raise HeaderMissing(
            "没有找到表头:至少要有“登录名”和另一列,请使用下载的模板",
            "No header row was found: a column 登录名 and one more are needed; use the template",
        )
    rows: list[StaffRow] = []
    for sheet in sheets:
        sheet.first_row = len(rows) + 1
        for each in _rows(sheet, offered):
            rows.append(each)
            if len(rows) > HIGHEST_ROWS:
                raise TooManyRows(HIGHEST_ROWS)
    hidden = sum(sheet.source.hidden and sheet.table is not None for sheet in sheets)
    return StaffFile(sheets, list(told_apart(rows)), hidden, hidden_row_count(path))


def _rows(sheet: StaffSheet, offered: Sequence[Kind]) -> Iterator[StaffRow]:
    if sheet.table is None:
        return
    columns = sheet.table.header.columns
    for number, (_, cells) in enumerate(sheet.table.data_rows(), sheet.first_row):
        given = {field: cells[column] for field, column in columns.items() if column < len(cells)}
        yield staff_row(number, given, offered)
