"""An office's own xlsx as a template: its header says what goes where, its titles and closing lines stay.

Values only: the writer knows no styles (ADR 0015). A column headed 序号 is numbered; rows that stand below the header,
examples or blank ones, give way to the rows that are filled in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.registry.errors import TemplateHasNoHeader
from services.registry.exports.export_columns import ExportKind
from services.registry.sheets.columns import LIST_COLUMNS, REGISTER_COLUMNS
from shared.tabular.book import Book, open_book
from shared.tabular.header import label
from shared.tabular.rows import SheetTable, find_table
from shared.tabular.sheets import Cell, RowSource
from shared.tabular.writing import WorkbookWriter

_NUMBERING = frozenset((label("序号"), label("编号"), label("No.")))
_WIDTH_LEAST, _WIDTH_MOST = 8, 40


@dataclass(frozen=True)
class Template:
    """A workbook of which the first sheet with a header is filled; the others are copied."""

    book: Book
    table: SheetTable

    @classmethod
    def of(cls, path: Path, kind: ExportKind) -> Template:
        """Raises a TabularError, TemplateHasNoHeader."""
        aliases = REGISTER_COLUMNS if kind == "students" else LIST_COLUMNS
        book = open_book(path)
        for source in book.sheets:
            table = find_table(source, aliases)
            if table is not None:
                return cls(book, table)
        raise TemplateHasNoHeader

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields its header asks for."""
        return tuple(self.table.header.columns)

    def fill(self, path: Path, rows: Iterable[Mapping[str, Cell]]) -> int:
        """Write the filled workbook; how many rows it holds. A field that rows do not tell stays empty."""
        filled = 0
        with WorkbookWriter(path) as book:
            for source in self.book.sheets:
                sheet = book.sheet(source.name, widths=_widths(source), frozen_rows=0)
                if source is not self.table.source:
                    for cells in source.iter_rows():
                        sheet.row(cells)
                    continue
                for index, cells in self._above():
                    (sheet.header if index >= self.table.header.first_row else sheet.row)(cells)
                for row in rows:
                    filled += 1
                    sheet.row(self._cells(row, filled))
                for cells in self._closing():
                    sheet.row(cells)
        return filled

    def _above(self) -> Iterator[tuple[int, list[Cell]]]:
        for index, cells in enumerate(self.table.source.iter_rows()):
            if index > self.table.header.last_row:
                return
            yield index, cells

    def _cells(self, row: Mapping[str, Cell], number: int) -> list[Cell]:
        header = self.table.header
        cells: list[Cell] = [""] * len(header.labels)
        for place, words in enumerate(header.labels):
            if words in _NUMBERING:
                cells[place] = number
        for field, place in header.columns.items():
            cells[place] = row.get(field, "")
        return cells

    def _closing(self) -> Iterator[list[Cell]]:
        """What stands below the header and is neither a row of data nor blank: 填表人, 审核人, notes."""
        data = {index for index, _ in self.table.data_rows()}
        for index, cells in enumerate(self.table.source.iter_rows()):
            told = any(not isinstance(cell, str) or cell.strip() for cell in cells)
            if index > self.table.header.last_row and index not in data and told:
                yield cells


def _widths(source: RowSource) -> list[float]:
    """As wide as the longest text of the first rows, within bounds; the template's own widths are not read."""
    widths: list[float] = []
    for cells in source.iter_rows():
        widths += [_WIDTH_LEAST] * (len(cells) - len(widths))
        for place, cell in enumerate(cells):
            widths[place] = min(_WIDTH_MOST, max(widths[place], 2 * len(str(cell)) + 2))
    return widths
