"""Rows made from columns are, byte for byte, those of SheetWriter; the reader of workbooks finds every cell again."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.tabular import writing_columns
from shared.tabular.sheets import Cell
from shared.tabular.writing import LONGEST_TEXT, WorkbookWriter
from shared.tabular.writing_columns import sheet_rows

TEXTS = (
    *("", "王小明", "11010519491231002X", "2022-11-01", "2022/1/1", "清溪镇 青坑村16号(东)", "a&b", "<x>", "_x0041_"),
    *("古丽·买买提", "𠮷", "é", "Ⅳ", "²", "=1+1", " 前后 ", "\ufeff", "tab\there", "\x01", "“引号”", "长" * 40, "-"),
)


def by_rows(path: Path, rows: Sequence[tuple[Cell, ...]]) -> bytes:
    with WorkbookWriter(path) as book:
        sheet = book.sheet("名单")
        sheet.header(["标题"])
        for row in rows:
            sheet.row(row)
    return sheet_text(path)


def in_columns(path: Path, table: polars.DataFrame) -> bytes:
    with WorkbookWriter(path) as book:
        sheet = book.sheet("名单")
        sheet.header(["标题"])
        for count, text in sheet_rows(table, sheet.row_count + 1):
            sheet.rows(count, text)
        assert sheet.row_count == table.height + 1
    return sheet_text(path)


def sheet_text(path: Path) -> bytes:
    with zipfile.ZipFile(path) as book:
        return book.read("xl/worksheets/sheet1.xml")


def both(folder: Path, columns: dict[str, list[str] | list[int | None]]) -> tuple[bytes, bytes]:
    rows = list(zip(*([("" if cell is None else cell) for cell in cells] for cells in columns.values()), strict=True))
    return by_rows(folder / "rows.xlsx", rows), in_columns(folder / "columns.xlsx", polars.DataFrame(columns))


@pytest.mark.parametrize("rows_at_a_time", [3, 1_000])
def test_every_kind_of_text_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_a_time: int) -> None:
    monkeypatch.setattr(writing_columns, "ROWS_AT_A_TIME", rows_at_a_time)
    texts = list(TEXTS)
    numbers: list[int | None] = [None if place % 3 else place for place in range(len(texts))]
    plain = ["王小明"] * len(texts)
    empty = [""] * len(texts)
    slow, fast = both(tmp_path, {"a": texts, "b": numbers, "c": texts[::-1], "d": plain, "e": empty})
    assert fast == slow


def test_a_text_longer_than_the_format_holds_is_cut(tmp_path: Path) -> None:
    slow, fast = both(tmp_path, {"a": ["长" * (LONGEST_TEXT + 1), "a-" * LONGEST_TEXT, "b" * LONGEST_TEXT]})
    assert fast == slow


LINES = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(LINES, LINES, st.none() | st.integers(0, 10**9)), min_size=1, max_size=8))
def test_any_text_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, int | None]]
) -> None:
    first, second, third = (list(column) for column in zip(*rows, strict=True))
    numbers = polars.Series("c", third, dtype=polars.Int64)
    table = polars.DataFrame({"a": first, "b": second}).hstack([numbers])
    folder = tmp_path_factory.mktemp("sheets")
    cells = [(a, b, "" if number is None else number) for a, b, number in rows]
    assert in_columns(folder / "columns.xlsx", table) == by_rows(folder / "rows.xlsx", cells)
