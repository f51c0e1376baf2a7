"""Every input sheet written again in its own order, with what was decided appended to each data row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import polars

from cli.match_columns import read_whole
from services.registry.sheet_files import InputFile, InputSheet
from shared.tabular.csv_text import CsvSheet
from shared.tabular.sheets import Cell
from shared.tabular.writing import FORMULA_STARTS, CsvWriter, SheetWriter, WorkbookWriter

SheetRow = list[Cell]
Notes = Callable[[InputSheet, int, SheetRow], Sequence[Cell]]  # sheet, row number, its cells → cells to append


def annotate(file: InputFile, path: Path, titles: Sequence[str], notes: Notes) -> None:
    """Write the file again, as csv or xlsx by the path's suffix."""
    if path.suffix == ".csv":
        with CsvWriter(path) as writer:
            _annotate_sheet(file.sheets[0], writer, titles, notes)
        return
    with WorkbookWriter(path) as book:
        for sheet in file.sheets:
            frozen = sheet.table.header.last_row + 1 if sheet.table is not None else 0
            _annotate_sheet(sheet, book.sheet(sheet.source.name, frozen_rows=frozen), titles, notes)


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
            writer.row([*padded(cells, width), *notes(sheet, number, cells)])
            number, following = number + 1, next(data, -1)
        else:
            writer.row(cells)


def annotate_register(file: InputFile, path: Path, titles: Sequence[str], notes: Notes, wanted: Sequence[int]) -> None:
    """The same bytes as `annotate` for a register that was read in columns; only the `wanted` rows have notes."""
    sheet = file.sheets[0]
    assert isinstance(sheet.source, CsvSheet) and sheet.table is not None
    whole = read_whole(sheet.source)
    appended: list[list[str]] = [[""] * whole.height for _ in titles]
    for number, cells in zip(wanted, whole[[number - 1 for number in wanted]].iter_rows(), strict=True):
        for column, note in zip(appended, notes(sheet, number, list(cells)), strict=True):
            column[number - 1] = str(note)
    header = next(iter(sheet.source.iter_rows()))
    noted = whole.hstack([polars.Series(f"\x00{place}", column) for place, column in enumerate(appended)])
    safe = [
        polars.when(polars.col(name) == "")
        .then(None)  # an empty text would be written as two quotes
        .when(polars.col(name).str.head(1).is_in(list(FORMULA_STARTS)))
        .then("'" + polars.col(name))
        .otherwise(polars.col(name))
        .alias(name)
        for name in noted.columns
    ]
    with path.open("w", encoding="utf-8-sig", newline="") as text:
        csv.writer(text).writerow([*padded(header, len(sheet.table.header.labels)), *titles])
    with path.open("ab") as body:
        noted.select(safe).write_csv(body, include_header=False, line_terminator="\r\n", quote_style="necessary")


def padded(cells: SheetRow, width: int) -> SheetRow:
    """The cells, and empty ones up to the width of the header."""
    return cells if len(cells) >= width else cells + [""] * (width - len(cells))
