"""One row that comes by itself, as a JSON object: by HTTP, as a line of a stream, as a record of an agency's topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.registry.errors import InvalidRecord
from services.registry.events import ListName
from services.registry.lists.receipts import forbids_matching
from services.registry.sheets.columns import LIST_COLUMNS
from services.registry.sheets.lists import ListRow, list_row
from services.registry.sheets.schools import SchoolDirectory
from shared.kernel.refusals import Malformed
from shared.tabular.header import label

LINE_BYTES = 65_536  # design.md §10
ROW_FIELDS_MAX = 60
_SCHOOL_FIELDS = frozenset(("school", "school_code"))
_CANONICAL = frozenset(LIST_COLUMNS.fields.values())
RowCells = dict[str, str | int | float | None]  # a number is told apart from text: it has lost digits

_decoder = msgspec.json.Decoder(RowCells)


class RowUnreadable(Malformed):
    """The bytes are no row. ``reason`` is a code: not_json, too_long or no_field."""

    code = "row_unreadable"

    def __init__(self, reason: str, zh: str, en: str) -> None:
        super().__init__(zh, en, reason=reason)
        self.reason = reason


def cells_of(line: bytes) -> RowCells:
    """The cells in a line. Raises RowUnreadable; the content of the line is never repeated."""
    if len(line) > LINE_BYTES:
        raise RowUnreadable("too_long", f"一行超过 {LINE_BYTES} 字节", f"A row has at most {LINE_BYTES} bytes")
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        zh = "不是有效的 JSON 对象,或单元格不是文本和数字"
        raise RowUnreadable("not_json", zh, "The row is no JSON object of texts and numbers") from None


def row_fields(row: Mapping[str, str | int | float | None]) -> dict[str, Any]:
    """Cells by canonical field. Raises RowUnreadable when no field is known, or too many are given."""
    if len(row) > ROW_FIELDS_MAX:
        raise RowUnreadable("too_long", "一行的字段过多", "The row has too many fields")
    found: dict[str, Any] = {}
    for name, value in row.items():
        field = name if name in _CANONICAL else LIST_COLUMNS.field("", label(name))
        if field is not None and value is not None:
            found[field] = value
    if not found:
        raise RowUnreadable("no_field", "没有可识别的字段", "No field of the row is known")
    return found


def names_school(fields: Mapping[str, Any]) -> bool:
    """Whether the row can only be read knowing the schools."""
    return not _SCHOOL_FIELDS.isdisjoint(fields)


def single_row(list_name: ListName, number: int, fields: Mapping[str, Any], directory: SchoolDirectory) -> ListRow:
    """The row, fit to be recorded. Raises InvalidRecord with every problem of one that is not."""
    read = list_row(list_name, number, fields, None, directory)
    if forbids_matching(read.problems):
        raise InvalidRecord([(each.field, each.code, each.zh, each.en) for each in read.problems])
    return read
