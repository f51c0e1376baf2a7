"""Which rows below a header are data: not blank ones, repeated headers, section titles, totals or footers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from shared.tabular.header import AliasTable, Header, find_header, label
from shared.tabular.limits import DEFAULT_LIMITS, Limits
from shared.tabular.sheets import Cell, RowSource

_HELD_ROWS_HIGHEST = 200  # footers longer than this are data that misses its key cells
_NOTE = re.compile(
    r"(合\s*计|总\s*计|小\s*计|共计|填表|制表|填报|审核|复核|负责人|经办|联系人|单位负责|备注|说明|注|盖章|签字|打印日期|制表日期)"
    r"(人|日期|时间|单位|签字|盖章)*\s*($|[:\uff1a(\uff08,\uff0c\d])"
)
_FOOTER = re.compile("盖章|签字|签章|填表|制表|填报|审核人|经办人|负责人|联系人")  # only where no key cell is filled


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A sheet whose header was found. `data_rows` reads it from the top each time."""

    source: RowSource
    header: Header
    key_fields: frozenset[str]
    title: str

    def data_rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """(row of the sheet from 0, cells); cells merged downwards carry their value in every row they cover."""
        rows = enumerate(self.source.iter_rows())
        below = islice(rows, self.header.last_row + 1, None)
        return _data_rows(_fill_merged(below, self), self.header, self.key_fields)


def find_table(source: RowSource, aliases: AliasTable, limits: Limits = DEFAULT_LIMITS) -> SheetTable | None:
    """The table of a sheet, or None when it has no header. `title` is all text above the header, and the sheet name."""
    top = list(islice(source.iter_rows(), limits.header_scan_rows))
    if source.merged == () and top:
        width = max(map(len, top))
        top = [row + [""] * (width - len(row)) for row in top]
    top = [row[: limits.columns] for row in top]
    header = find_header(top, source.merged, aliases)
    if header is None:
        return None
    above = chain.from_iterable(top[: header.first_row])
    title = " ".join([source.name, *(cell.strip() for cell in above if isinstance(cell, str) and cell.strip())])
    return SheetTable(source, header, aliases.key_fields, title)


def may_be_no_data(first: str, header: Header) -> bool:
    """Whether a row that begins with this cell may be a note or the header again, although key cells are filled."""
    return _NOTE.match(first.strip()) is not None or label(first) in header.labels


def _fill_merged(rows: Iterable[tuple[int, list[Cell]]], table: SheetTable) -> Iterator[tuple[int, list[Cell]]]:
    first = table.header.last_row + 1
    read = set(table.header.columns.values())
    starts: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in table.source.merged:
        if bottom > top >= first:
            starts.setdefault(top, []).extend((column, bottom) for column in range(left, right + 1) if column in read)
    if not starts:
        yield from rows
        return
    live: dict[int, tuple[int, Cell]] = {}
    for index, cells in rows:
        for column, bottom in starts.get(index, ()):
            live[column] = (bottom, cells[column])
        covered = {column: value for column, (bottom, value) in live.items() if bottom >= index}
        if covered:
            cells = list(cells)
            for column, value in covered.items():
                cells[column] = value
        yield index, cells


def _data_rows(
    rows: Iterable[tuple[int, list[Cell]]], header: Header, key_fields: frozenset[str]
) -> Iterator[tuple[int, list[Cell]]]:
    keys = [column for field, column in header.columns.items() if field in key_fields]
    half = len(header.columns) / 2
    labels = frozenset(header.labels)
    held: list[tuple[int, list[Cell]]] = []
    for index, cells in rows:
        if any(_filled(cells, column) for column in keys):
            # A number or a code begins most rows, and neither a note nor a header.
            first = cells[0] or next(cell for cell in cells if cell not in ("", None))
            looked_at = isinstance(first, str) and not (first.isascii() and first.isalnum() and first not in labels)
            if looked_at and (_is_note(str(first), cells, keys) or _is_header_again(str(first), cells, header)):
                continue
            if held:
                yield from held
                held.clear()
            yield index, cells
            continue
        filled = [cell for cell in cells if not isinstance(cell, str) or cell.strip()]
        if len(filled) <= 1 or any(isinstance(cell, str) and _is_footer(cell) for cell in filled):
            continue  # blank, a section title, a bare running number, or a note
        if len(filled) > half:
            yield from held
            held.clear()
            yield index, cells
            continue
        held.append((index, cells))  # a footer if nothing follows, a poor row if data follows
        if len(held) > _HELD_ROWS_HIGHEST:
            yield from held
            held.clear()


def _filled(cells: Sequence[Cell], column: int) -> bool:
    if column >= len(cells):
        return False
    cell = cells[column]
    return not isinstance(cell, str) or bool(cell and not cell.isspace())


def _is_footer(cell: str) -> bool:
    return _NOTE.match(cell.strip()) is not None or _FOOTER.search(cell) is not None


def _is_note(first: str, cells: Sequence[Cell], keys: list[int]) -> bool:
    if not _NOTE.match(first.strip()):
        return False
    return not any(len(str(cells[column])) >= 15 for column in keys if column < len(cells))


def _is_header_again(first: str, cells: Sequence[Cell], header: Header) -> bool:
    column = next((c for c, cell in enumerate(cells) if cell == first), 0)
    if column >= len(header.labels) or label(first) != header.labels[column]:
        return False
    return all(
        label(cells[column]) == header.labels[column] for column in header.columns.values() if column < len(cells)
    )
