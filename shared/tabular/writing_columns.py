"""Rows of a sheet from columns: the very text that SheetWriter writes row by row, a slice of the rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import polars
from polars import col, concat_str, lit

from shared.tabular.package import COLUMN_LETTERS
from shared.tabular.writing import LONGEST_TEXT, text_element

ROWS_AT_A_TIME = 20_000  # some 30 MB of sheet text
_LETTERS_AND_DIGITS = r"^[0-9A-Za-z\u{4e00}-\u{9fff}]+$"
_NOTHING_TO_ESCAPE = r"^[0-9A-Za-z\u{4e00}-\u{9fff} .,:;/()+\-,。:;、()]+$"
_ROW = "\x00row"

Pieces = list[polars.Expr]  # of a line, one after another


def sheet_rows(table: polars.DataFrame, first_row: int) -> Iterator[tuple[int, bytes]]:
    """(number of rows, their text in UTF-8) of a table of texts and whole numbers; null and empty text are empty cells.

    `first_row` is the number that the first of them has in the sheet.
    """
    numbers = polars.int_range(first_row, first_row + table.height, eager=True).cast(polars.String)
    numbered = table.with_columns(numbers.alias(_ROW))
    for start in range(0, table.height, ROWS_AT_A_TIME):
        part = numbered[start : start + ROWS_AT_A_TIME]
        cells = (_cell(part[name], letters) for name, letters in zip(table.columns, COLUMN_LETTERS, strict=False))
        pieces = [piece for found in cells for piece in found]
        line = concat_str(lit('<row r="'), col(_ROW), lit('">'), *pieces, lit("</row>"))
        text = BytesIO()
        part.select(line).write_csv(text, include_header=False, quote_style="never")
        yield part.height, text.getvalue()


def _cell(column: polars.Series, letters: str) -> Pieces:
    """The cells of one column; as few texts as possible are made on the way to the line."""
    value = col(column.name)
    if column.dtype != polars.String:
        number = [lit(f'<c r="{letters}'), col(_ROW), lit('"><v>'), value.cast(polars.String), lit("</v></c>")]
        return _where(value.is_not_null(), number)
    filled = column.fill_null("") != ""
    given = column.filter(filled)
    if given.is_empty():
        return []
    plain = given.str.contains(_LETTERS_AND_DIGITS)
    harmless = given.str.contains(_NOTHING_TO_ESCAPE) & (given.str.len_bytes() <= LONGEST_TEXT)
    others = given.filter(~harmless).unique().to_list()
    as_written = {other: text_element(other) for other in others}
    cell = [lit(f'<c r="{letters}'), col(_ROW), lit('" s="0" t="inlineStr">')]
    if others:
        element = value.replace_strict(as_written, default=None)
        simple = concat_str(*_element(value, plain.all()))
        cell += [polars.when(value.is_in(others)).then(element).otherwise(simple), lit("</c>")]
    else:
        cell += [*_element(value, plain.all()), lit("</c>")]
    return cell if filled.all() else _where(lit(filled), cell)


def _element(value: polars.Expr, all_plain: bool) -> Pieces:
    """As text_element gives it where nothing is to escape."""
    opened, spaced = lit("<is><t>"), lit('<is><t xml:space="preserve">')
    if not all_plain:
        opened = polars.when(value.str.contains(_LETTERS_AND_DIGITS)).then(opened).otherwise(spaced)
    return [opened, value, lit("</t></is>")]


def _where(condition: polars.Expr, pieces: Pieces) -> Pieces:
    return [polars.when(condition).then(concat_str(*pieces)).otherwise(lit(""))]
