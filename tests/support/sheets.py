"""Files as agencies send them, and files nobody should send: made here, by libraries the system does not read with."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any

import xlsxwriter

from tests.support.people import ListName, Row

# Field → header, as that list's office writes it.
HEADERS: dict[ListName, dict[str, str]] = {
    "poverty": {
        "person_number": "人编号",
        "name": "成员姓名",
        "id_number": "证件号码",
        "household_type": "户类型",
        "valid_from": "识别时间",
        "school": "就读学校",
    },
    "civil": {
        "name": "姓名",
        "id_number": "身份证号",
        "support_type": "救助类型",
        "area_type": "城乡类别",
        "valid_from": "享受开始日期",
        "school": "就读学校",
    },
    "disability": {
        "name": "持证人姓名",
        "id_number": "身份证号码",
        "disability_kind": "残疾类别",
        "disability_grade": "残疾等级",
        "valid_from": "发证日期",
        "school": "就读学校",
    },
}
Cell = str | int | float


def table(rows: Sequence[Row], name: ListName | None = None) -> list[list[Cell]]:
    """Header and data rows of one list, in the order given. ``name`` is needed when there are none."""
    columns = HEADERS[name or rows[0].list]
    body: list[list[Cell]] = [[row.cells().get(field, "") for field in columns] for row in rows]
    return [list(columns.values()), *body]


def xlsx(cells: Sequence[Sequence[Cell]], title: str = "") -> bytes:
    """A workbook with one sheet: texts as texts, numbers as numbers, and a title above the header if one is given."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet("名单")
    top = 0
    if title:
        sheet.merge_range(0, 0, 0, max(1, len(cells[0]) - 1), title)
        top = 1
    for number, row in enumerate(cells, top):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell)
            else:
                sheet.write_number(number, column, cell)
    book.close()
    return buffer.getvalue()


def csv_text(cells: Sequence[Sequence[Cell]], encoding: str = "utf-8") -> bytes:
    """The same as csv, in the encoding offices use."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(cells)
    return buffer.getvalue().encode(encoding)


def bomb() -> bytes:
    """A workbook of a few kilobytes that unpacks to 300 MB."""
    return _zipped({"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.xml": bytes(300 * 2**20)})


def crowded() -> bytes:
    """A workbook of thousands of parts."""
    return _zipped({"[Content_Types].xml": b"<Types/>"} | {f"xl/part{number}.xml": b"x" for number in range(3_000)})


def forged() -> bytes:
    """A program with the name of a workbook."""
    return b"MZ\x90\x00" + bytes(4_096)


def torn(whole: bytes) -> bytes:
    """A workbook cut off in the middle, as after a broken transfer."""
    return whole[: len(whole) // 2]


def _zipped(parts: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()
