"""Parts of a list: what arrives as several files, each a snapshot of its own rows only.

Civil affairs sends allowance and extreme hardship apart. A row's support type names its part; what the rows of a file
say together is the part of those that name none.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.registry.sheets.lists import ListName, ListRow

HARDSHIP_PART = "extreme_hardship"
MAIN_PART = ""


def file_part(name: ListName, rows: Iterable[ListRow]) -> str:
    """The part that rows without a support type of their own belong to."""
    kinds = {row.support_type for row in rows if row.support_type}
    return HARDSHIP_PART if name == "civil" and kinds == {HARDSHIP_PART} else MAIN_PART


def row_part(row: ListRow, of_file: str) -> str:
    """The part that one row belongs to."""
    if row.list != "civil" or row.support_type is None:
        return of_file
    return HARDSHIP_PART if row.support_type == HARDSHIP_PART else MAIN_PART


def covered(rows: Iterable[ListRow], of_file: str) -> list[str]:
    """The parts a file is a snapshot of; a file without any row is one of the main part."""
    return sorted({row_part(row, of_file) for row in rows} or {of_file})
