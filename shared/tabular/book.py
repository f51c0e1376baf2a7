"""One door for every kind of file: a path becomes a book of sheets, by content and not by the name's ending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.tabular.csv_text import open_csv
from shared.tabular.errors import NotAWorkbook
from shared.tabular.limits import DEFAULT_LIMITS, Limits
from shared.tabular.sheets import RowSource, looks_like_workbook, read_workbook

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True)
class Book:
    """`sheets` of one file, in order; a csv file is a book of one sheet."""

    path: Path
    sheets: Sequence[RowSource]

    @property
    def is_text(self) -> bool:
        return not looks_like_workbook(self.path)


def open_book(path: Path, limits: Limits = DEFAULT_LIMITS) -> Book:
    """Open xlsx, xls or csv. Raises a TabularError."""
    if looks_like_workbook(path):
        return Book(path, read_workbook(path, limits))
    if path.suffix.lower() not in TEXT_SUFFIXES:
        raise NotAWorkbook(
            f"{path.name} 的内容不是 Excel 工作簿(只支持 xlsx、xls、csv)",
            f"{path.name} does not hold a workbook (xlsx, xls and csv are supported).",
            file=path.name,
        )
    return Book(path, [open_csv(path, limits)])
