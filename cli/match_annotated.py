"""Every input sheet written again in its own order, with what was decided appended to each data row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import polars

from cli.match_columns import simple_table
from services.registry.sheets.sheet_files import InputFile, InputSheet
from shared.tabular.sheets import Cell
from shared.tabular.writing import FORMULA_STARTS, CsvWriter, SheetWriter, WorkbookWriter
from shared.tabular.writing_columns import sheet_rows

ROWS_LEAST = 5_000  # of a sheet: below it writing row by row takes less than a second

SheetRow = list[Cell]
Sheets = Sequence[tuple[InputSheet, polars.DataFrame | None]]  # with the cells of those that are written in columns
Notes = Callable[[int], Sequence[Cell]]  # row number → cells to append
NoteColumns = Callable[[range], polars.DataFrame]  # row numbers → columns to append


def open_sheets(file: InputFile) -> Sheets:
    """The sheets of a file that was read, with their cells where there are many and every line is a row."""
    return [(sheet, _whole(sheet)) for sheet in file.sheets]


def _whole(sheet: InputSheet) -> polars.DataFrame | None:
    if sheet.table is None or sheet.row_count < ROWS_LEAST:
        return None
    whole = simple_table(sheet, ROWS_LEAST)
    if whole is None or whole.height != sheet.row_count or whole.width != len(sheet.table.header.labels):
        return None
    return whole


def annotate(sheets: Sheets, path: Path, titles: Sequence[str], notes: Notes, columns: NoteColumns) -> None:
    """Write a file again, as csv or xlsx by the path's suffix. `notes` and `columns` say the same."""
    if path.suffix == ".csv":
        ((sheet, whole),) = sheets
        if whole is not None:
            _write_csv(path, _titles(sheet, titles), _noted(sheet, whole, columns))
            return
        with CsvWriter(path) as writer:
            _annotate_sheet(sheet, writer, titles, notes)
        return
    with WorkbookWriter(path) as book:
        for sheet, whole in sheets:
            frozen = sheet.table.header.last_row + 1 if sheet.table is not None else 0
            writing = book.sheet(sheet.source.name, frozen_rows=frozen)
            if whole is None:
                _annotate_sheet(sheet, writing, titles, notes)
                continue
            writing.header(_titles(sheet, titles))
            for count, text in sheet_rows(_noted(sheet, whole, columns), first_row=writing.row_count + 1):
                writing.rows(count, text)


def chosen_rows(
    sheet: InputSheet, whole: polars.DataFrame | None, numbers: Sequence[int]
) -> Iterator[tuple[int, SheetRow]]:
    """The data rows of these numbers, which rise."""
    if whole is not None:
        chosen = whole[[number - sheet.first_row for number in numbers]]
        yield from zip(numbers, map(list, chosen.iter_rows()), strict=True)
        return
    wanted = {sheet.data_indexes[number - sheet.first_row]: number for number in numbers}
    for index, cells in enumerate(sheet.source.iter_rows()):
        if index in wanted:
            yield wanted[index], cells


def padded(cells: SheetRow, width: int) -> SheetRow:
    """The cells, and empty ones up to the width of the header."""
    return cells if len(cells) >= width else cells + [""] * (width - len(cells))


def _annotate_sheet(sheet: InputSheet, writer: SheetWriter | CsvWriter, titles: Sequence[str], notes: Notes) -> None:
    if sheet.table is None:
        for cells in sheet.source.iter_rows():
            writer.row(cells)
        return
    header_row = sheet.table.header.last_row
    width = len(sheet.table.header.labels)
    data = iter(sheet.data_indexes)
    number, following = sheet.first_row, next(data, -1)
    for index, cells in enumerate(sheet.source.iter_rows()):
        if index == header_row:
            writer.header([*padded(cells, width), *titles])
        elif index == following:
            writer.row([*padded(cells, width), *notes(number)])
            number, following = number + 1, next(data, -1)
        else:
            writer.row(cells)


def _titles(sheet: InputSheet, titles: Sequence[str]) -> SheetRow:
    assert sheet.table is not None
    return [*padded(next(iter(sheet.source.iter_rows())), len(sheet.table.header.labels)), *titles]


def _noted(sheet: InputSheet, whole: polars.DataFrame, columns: NoteColumns) -> polars.DataFrame:
    noted = columns(range(sheet.first_row, sheet.first_row + sheet.row_count))
    return whole.hstack(noted.rename({name: f"\x00{name}" for name in noted.columns}))


def _write_csv(path: Path, header: SheetRow, noted: polars.DataFrame) -> None:
    cells = {name: polars.col(name).cast(polars.String) for name in noted.columns}
    safe = [
        polars.when(cell == "")
        .then(None)  # an empty text would be written as two quotes
        .when(cell.str.head(1).is_in(list(FORMULA_STARTS)))
        .then("'" + cell)
        .otherwise(cell)
        .alias(name)
        for name, cell in cells.items()
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as text:
        csv.writer(text).writerow(header)
    with path.open("ab") as body:
        noted.select(safe).write_csv(body, include_header=False, line_terminator="\r\n", quote_style="necessary")
