"""The sender's own workbook, written again with what is wrong with each row in its last column.

Rows, sheets and columns stay where they are, so that a clerk mends the sheet she knows; sent again, the column is no
field and is ignored. Cells merged downwards carry their value in each row: the merges themselves are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.registry.lists.advice import COLUMN_TITLE
from services.registry.sheets.sheet_files import InputFile, InputSheet
from shared.tabular.header import label
from shared.tabular.sheets import Cell
from shared.tabular.writing import SheetWriter, WorkbookWriter

_NOTE_WIDTH = 60.0
_WIDTH = 14.0


def write_annotated(path: Path, files: Sequence[InputFile], notes: Mapping[int, str]) -> None:
    """Write every sheet of the files to ``path`` (xlsx). ``notes`` by row number, as sheet_files counts the rows."""
    with WorkbookWriter(path) as book:
        for sheet in (each for file in files for each in file.sheets):
            if sheet.table is None:
                writer = book.sheet(sheet.source.name, frozen_rows=0)
                for cells in sheet.source.iter_rows():
                    writer.row(cells)
                continue
            place = _place(sheet)
            writer = book.sheet(
                sheet.source.name, widths=[*[_WIDTH] * place, _NOTE_WIDTH], frozen_rows=sheet.table.header.last_row + 1
            )
            _write(sheet, writer, place, notes)


def _place(sheet: InputSheet) -> int:
    """The column for the notes: the one an earlier check left, else the first free one."""
    assert sheet.table is not None
    labels = sheet.table.header.labels
    own = label(COLUMN_TITLE)
    return labels.index(own) if own in labels else len(labels)


def _write(sheet: InputSheet, writer: SheetWriter, place: int, notes: Mapping[int, str]) -> None:
    assert sheet.table is not None
    header_row = sheet.table.header.last_row
    data = sheet.table.data_rows()
    number, following = sheet.first_row, next(data, None)
    for index, cells in enumerate(sheet.source.iter_rows()):
        if index == header_row:
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
