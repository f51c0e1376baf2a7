"""Files of the register and of lists: opened, headers found, data rows numbered through in the order given."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from services.registry.sheets import cells
from services.registry.sheets.columns import LIST_COLUMNS, REGISTER_COLUMNS
from services.registry.sheets.lists import Ditto, ListContext, ListName, ListRow, RegisterRow, list_row, register_row
from services.registry.sheets.schools import SchoolDirectory
from shared.tabular.book import Book, open_book
from shared.tabular.errors import HeaderMissing, TabularError
from shared.tabular.rows import SheetTable, find_table
from shared.tabular.sheets import Cell, RowSource

REGISTER = "students"
PARSED_AT_A_TIME = 2  # each may take the memory that one child process is allowed
T = TypeVar("T")


@dataclass(slots=True)
class InputSheet:
    """One sheet. `data_indexes` are its data rows (from 0), the first of which has the number `first_row`."""

    source: RowSource
    table: SheetTable | None
    first_row: int = 1
    data_indexes: array[int] = field(default_factory=lambda: array("L"))

    @property
    def row_count(self) -> int:
        return len(self.data_indexes)

    def fields(self) -> Iterator[tuple[int, dict[str, Cell]]]:
        """(row number, cells by field) of every data row, 同上 resolved; notes the data rows as it goes."""
        for number, found in self.read(lambda _row: None):
            assert found is not None, "nothing was taken as it stands"
            yield number, found

    def read(self, plain: Callable[[list[Cell]], T | None]) -> Iterator[tuple[int, T | dict[str, Cell]]]:
        """As :meth:`fields`; but a row of which ``plain`` makes something, without 同上 in it, is given as that."""
        if self.table is None:
            return
        columns = list(self.table.header.columns.items())
        ditto = Ditto()
        del self.data_indexes[:]
        above: list[Cell] | None = None  # the row before, where nobody has asked for its fields yet
        for number, (index, row) in enumerate(self.table.data_rows(), self.first_row):
            self.data_indexes.append(index)
            made = plain(row)
            if made is not None:
                above = row
                yield number, made
                continue
            if above is not None:
                ditto.pass_over(_by_field(columns, above))
                above = None
            yield number, ditto.resolve(_by_field(columns, row))


@dataclass(slots=True)
class InputFile:
    """One file of the register or of a list."""

    kind: str
    book: Book
    sheets: list[InputSheet]

    @property
    def path(self) -> Path:
        return self.book.path

    @property
    def row_count(self) -> int:
        return sum(sheet.row_count for sheet in self.sheets)

    def forget(self) -> None:
        """Let go of the cells: whoever still has the file can read it no more."""
        self.sheets.clear()
        self.book = Book(self.book.path, ())


def _by_field(columns: Sequence[tuple[str, int]], row: list[Cell]) -> dict[str, Cell]:
    width = len(row)
    return {name: row[column] for name, column in columns if column < width}


def open_inputs(paths: Mapping[str, Sequence[Path]]) -> dict[str, list[InputFile]]:
    """Open every file of every kind, two at a time (each is parsed in a process of its own).

    Raises a TabularError for the first file that cannot be used; HeaderMissing when it has no usable sheet at all.
    """
    with ThreadPoolExecutor(PARSED_AT_A_TIME) as pool:
        opening = {kind: [pool.submit(_open_input, kind, path) for path in some] for kind, some in paths.items()}
        return {kind: [file.result() for file in files] for kind, files in opening.items() if files}


def _open_input(kind: str, path: Path) -> InputFile:
    aliases = REGISTER_COLUMNS if kind == REGISTER else LIST_COLUMNS
    try:
        book = open_book(path)
    except TabularError as refused:
        named = {**refused.facts, "file": path.name}
        raise type(refused)(f"{path.name}: {refused.zh}", f"{path.name}: {refused.en}", **named) from refused
    sheets = [InputSheet(source, find_table(source, aliases)) for source in book.sheets]
    if all(sheet.table is None for sheet in sheets):
        raise HeaderMissing(
            f"{path.name} 中没有找到表头(至少要有姓名或身份证号等两列)",
            f"{path.name} has no header row: a name or number column and one more are needed.",
            file=path.name,
        )
    return InputFile(kind, book, sheets)


def read_register(files: Sequence[InputFile]) -> Iterator[RegisterRow]:
    """The rows of the register, numbered from 1 through all files and sheets."""
    for sheet in sheets_numbered(files):
        for number, fields in sheet.fields():
            yield register_row(number, fields)


def sheets_numbered(files: Sequence[InputFile]) -> Iterator[InputSheet]:
    """The sheets of files in order; each must be read before the next is asked for, whose rows are numbered on."""
    row = 1
    for sheet in _sheets(files):
        sheet.first_row = row
        yield sheet
        row += sheet.row_count


def read_list(kind: ListName, files: Sequence[InputFile], schools: SchoolDirectory) -> Iterator[ListRow]:
    """The rows of one list, numbered from 1 through all its files and sheets."""
    row = 1
    for sheet in _sheets(files):
        yield from read_list_sheet(kind, sheet, row, schools)
        row += sheet.row_count


def read_list_sheet(kind: ListName, sheet: InputSheet, first_row: int, schools: SchoolDirectory) -> Iterator[ListRow]:
    """The rows of one sheet of a list, numbered from `first_row`."""
    sheet.first_row = first_row
    context = ListContext.of_title(sheet.table.title) if sheet.table is not None else None
    for number, fields in sheet.fields():
        yield list_row(kind, number, fields, context, schools)


def original_rows(files: Sequence[InputFile], wanted: Collection[int]) -> dict[int, dict[str, str]]:
    """Rows of files that were read, by number: the cells as they stand under their own headers."""
    found: dict[int, dict[str, str]] = {}
    for sheet in _sheets(files) if wanted else ():
        if sheet.table is None:
            continue
        titles = [title or f"列{column}" for column, title in enumerate(sheet.table.header.titles, 1)]
        for number, (_, row) in enumerate(sheet.table.data_rows(), sheet.first_row):
            if number in wanted:
                found[number] = dict(zip(titles, map(cells.shown, row), strict=False))
    return found


def _sheets(files: Sequence[InputFile]) -> Iterator[InputSheet]:
    for file in files:
        yield from file.sheets
