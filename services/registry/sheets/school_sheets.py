"""The list of schools as an office keeps it: code, name, former names, township, division, stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services.registry.sheets import cells
from shared.tabular.book import open_book
from shared.tabular.errors import HeaderMissing
from shared.tabular.header import AliasTable
from shared.tabular.rows import find_table

FIELDS = ("school_code", "name", "former_names", "division_code", "stages")
SCHOOL_COLUMNS = AliasTable.of(
    {
        "school_code": ("学校标识码", "学校代码", "学校编码"),
        "name": ("学校名称", "学校"),
        "former_names": ("曾用名", "曾用校名"),
        "division_code": ("行政区划代码", "所在地行政区划代码"),
        "stages": ("学段", "办学类型"),
    },
    key_fields=("school_code", "name"),
    foreign_groups=(),
)


def school_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number from 1, text by field) of every data row of every sheet. Raises a TabularError."""
    book = open_book(path)
    tables = [table for table in (find_table(sheet, SCHOOL_COLUMNS) for sheet in book.sheets) if table is not None]
    if not tables:
        raise HeaderMissing(
            "没有找到学校名录的表头(至少要有学校标识码和学校名称)",
            "The list of schools has no header row: a code column and a name column are needed.",
            file=path.name,
        )
    number = 0
    for table in tables:
        for _, row in table.data_rows():
            number += 1
            columns = table.header.columns
            yield (
                number,
                {
                    field: cells.text(row[columns[field]]) if field in columns and columns[field] < len(row) else ""
                    for field in FIELDS
                },
            )
