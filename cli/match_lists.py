"""The rows of all lists: long csv files in columns where that is safe, everything else row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cli.match_list_columns import read_list_columns
from services.registry.sheets.lists import LIST_NAMES, ListName, ListRow
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import InputFile, read_list_sheet


def read_lists(
    lists: Mapping[ListName, Sequence[InputFile]], schools: SchoolDirectory
) -> dict[ListName, list[ListRow]]:
    """Every row of every list, in the order of LIST_NAMES, numbered from 1 in each. Raises a TabularError."""
    return {kind: _read(kind, lists[kind], schools) for kind in LIST_NAMES if kind in lists}


def _read(kind: ListName, files: Sequence[InputFile], schools: SchoolDirectory) -> list[ListRow]:
    rows: list[ListRow] = []
    for sheet in (sheet for file in files for sheet in file.sheets):
        first_row = len(rows) + 1
        found = read_list_columns(kind, sheet, first_row, schools)
        rows += read_list_sheet(kind, sheet, first_row, schools) if found is None else found
    return rows
