"""One cell as text, as people see it."""

from __future__ import annotations

import re

LONGEST_EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number
_EXCEL_TEXT = re.compile(r'="(.*)"')  # a number kept as text by the trick ="…"


def text(cell: object) -> str:
    """The cell without surrounding blanks; a whole number without its .0; empty for an empty cell."""
    if isinstance(cell, str):
        if cell.isalnum():
            return cell
        stripped = cell.strip().lstrip("\ufeff")
        match = _EXCEL_TEXT.fullmatch(stripped)
        return match.group(1) if match else stripped
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def shown(cell: object) -> str:
    """The text of a cell that may hold a long number: in a numeric cell its last digits are inventions, and it says no
    more than the sheet shows, 4.6908E+17."""
    if isinstance(cell, int | float) and abs(cell) >= LONGEST_EXACT:
        return format(cell, ".6G")
    return text(cell)
