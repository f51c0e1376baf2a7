"""A history of division codes as a county keeps it: one line per change, as xlsx or csv.

代码 · 名称 · 变更日期 · 变更类型 (设立/启用/更名, 撤销) · 撤并后代码 (several with 、) · 依据
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from services.registry.errors import InvalidBatch
from services.registry.reference.reference import DivisionChange
from services.registry.sheets import cells
from shared.standards import division
from shared.tabular import dates
from shared.tabular.book import open_book
from shared.tabular.errors import HeaderMissing
from shared.tabular.header import AliasTable
from shared.tabular.rows import find_table
from shared.tabular.sheets import Cell

DIVISION_COLUMNS = AliasTable.of(
    {
        "code": ("行政区划代码", "区划代码", "代码"),
        "name": ("名称", "区划名称", "单位名称"),
        "on": ("变更日期", "生效日期", "日期"),
        "change": ("变更类型", "变更", "变化"),
        "successors": ("撤并后代码", "现代码", "归入"),
        "source": ("依据", "来源", "文号"),
    },
    key_fields=("code", "on"),
)
_FIELDS = ("code", "name", "on", "change", "successors", "source")
PROBLEMS_TOLD = 100
_CHANGES: dict[str, Literal["added", "withdrawn"]] = {
    **dict.fromkeys(("设立", "启用", "新增", "更名", "added"), "added"),
    **dict.fromkeys(("撤销", "撤并", "停用", "withdrawn"), "withdrawn"),
}
_BETWEEN = re.compile(r"[、,,;;\s]+")
_Problem = tuple[int, str, str, str]


def division_changes(path: Path) -> list[DivisionChange]:
    """Every line of every sheet with a header. Raises a TabularError, InvalidBatch naming the lines that cannot be."""
    found: list[DivisionChange] = []
    wrong: list[_Problem] = []
    for number, told in enumerate(_rows(path), 1):
        try:
            found.append(_change(told))
        except division.DivisionCodeError as error:
            wrong.append((number, error.code, error.message_zh, error.message_en))
        except dates.DateError as error:
            wrong.append((number, "date", *dates.MESSAGES[error.code]))
        except _NoSuchChange:
            wrong.append(
                (
                    number,
                    "change",
                    "变更类型应为设立、更名或撤销,设立要有名称",
                    "The change is unknown, or the name missing.",
                )
            )
    if wrong:
        raise InvalidBatch(wrong[:PROBLEMS_TOLD], len(wrong))
    return found


class _NoSuchChange(ValueError):
    """A line that neither adds, renames nor withdraws a code."""


def _change(told: dict[str, Cell]) -> DivisionChange:
    change, name = _CHANGES.get(cells.text(told["change"])), cells.text(told["name"])
    if change is None or (change == "added" and not name):
        raise _NoSuchChange
    day = dates.parse(told["on"])
    if day is None or not day.is_day:
        raise dates.DateError("unreadable")
    listed = [each for each in _BETWEEN.split(cells.text(told["successors"])) if each]
    return DivisionChange(
        code=_code(told["code"]),
        on=day.first,
        change=change,
        name=name,
        successors=tuple(_code(each) for each in listed),
        source=cells.text(told["source"]),
    )


def _code(cell: Cell) -> str:
    """As it stands, its zeros kept: 460000 is a code of its own beside 46. Raises DivisionCodeError."""
    division.scope(cell)
    return cells.text(cell)


def _rows(path: Path) -> Iterator[dict[str, Cell]]:
    book = open_book(path)
    tables = [table for table in (find_table(sheet, DIVISION_COLUMNS) for sheet in book.sheets) if table is not None]
    if not tables:
        raise HeaderMissing(
            "没有找到区划代码表的表头(至少要有代码和变更日期)",
            "The list of division codes has no header row: a code column and a date column are needed.",
            file=path.name,
        )
    for table in tables:
        columns = table.header.columns
        for _, row in table.data_rows():
            yield {
                field: _cell(row, columns.get(field))
                for field in ("code", "name", "on", "change", "successors", "source")
            }


def _cell(row: Sequence[Cell], place: int | None) -> Cell:
    return row[place] if place is not None and place < len(row) else ""
