"""The sender's own workbook, written again with what is wrong with each row in its last column.

Rows, sheets and columns stay where they are, so that a clerk mends the sheet she knows; sent again, the column is no
field and is ignored. Cells merged downwards carry their value in each row: the merges themselves are not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from shared.tabular.header import label
from shared.tabular.rows import SheetTable
from shared.tabular.sheets import Cell, RowSource
from shared.tabular.writing import SheetWriter, WorkbookWriter

COLUMN_TITLE = "校验结果(导入时忽略)"
_NOTE_WIDTH = 60.0
_WIDTH = 14.0


class ReadSheet(Protocol):
    """A sheet whose data rows were numbered from ``first_row`` on; ``table`` None: it has no header, and is copied."""

    @property
    def source(self) -> RowSource: ...

    @property
    def table(self) -> SheetTable | None: ...

    @property
    def first_row(self) -> int: ...


def write_annotated(path: Path, sheets: Iterable[ReadSheet], notes: Mapping[int, str]) -> None:
    """Write every sheet to ``path`` (xlsx). ``notes`` by row number."""
    with WorkbookWriter(path) as book:
        for sheet in sheets:
            table = sheet.table
            if table is None:
                writer = book.sheet(sheet.source.name, frozen_rows=0)
                for cells in sheet.source.iter_rows():
                    writer.row(cells)
                continue
            place = _place(table)
            writer = book.sheet(
                sheet.source.name, widths=[*[_WIDTH] * place, _NOTE_WIDTH], frozen_rows=table.header.last_row + 1
            )
            _write(table, sheet.first_row, writer, place, notes)


def _place(table: SheetTable) -> int:
    """The column for the notes: the one an earlier check left, else the first free one."""
    labels, own = table.header.labels, label(COLUMN_TITLE)
    return labels.index(own) if own in labels else len(labels)


def _write(table: SheetTable, first_row: int, writer: SheetWriter, place: int, notes: Mapping[int, str]) -> None:
    data = table.data_rows()
    number, following = first_row, next(data, None)
    for index, cells in enumerate(table.source.iter_rows()):
        if index == table.header.last_row:
            writer.header(_noted(cells, place, COLUMN_TITLE))
        elif following is not None and index == following[0]:
            writer.row(_noted(following[1], place, notes.get(number, "")))
            number, following = number + 1, next(data, None)
        else:
            writer.row(cells)


def _noted(cells: Sequence[Cell], place: int, text: str) -> list[Cell]:
    """The cells with the note at its place; what stands behind it stays."""
    row = [*cells, *[""] * (place + 1 - len(cells))]
    row[place] = text
    return row
