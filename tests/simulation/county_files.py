"""Reads a simulated county with a reader of its own, so that the tests do not trust the code under test."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from python_calamine import CalamineWorkbook

HEADER_WORDS = {"poverty": "与户主关系", "civil": "低保证号", "hardship": "身份证号码", "disability": "残疾人证号"}
ONE_NAME = {
    "家庭编号": "户编号",
    "户主": "户主姓名",
    "家庭成员姓名": "成员姓名",
    "证件号码": "成员身份证号",
    "贫困户属性": "户类型",
    "风险消除时间": "脱贫时间",
    "住址": "家庭住址",
}
FOOTERS = ("填表人", "制表单位", "注：")


@dataclass(frozen=True)
class ListLine:
    """`number` counts data rows over all sheets, from 1."""

    number: int
    sheet: str
    cells: dict[str, object]


def csv_lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def register_lines(folder: Path) -> list[dict[str, object]]:
    rows = CalamineWorkbook.from_path(str(folder / "students.xlsx")).get_sheet_by_index(0).to_python()
    return [dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]]


def list_lines(folder: Path, name: str) -> Iterator[ListLine]:
    """Data rows of an agency list; the second 姓名 of the two-row header is called 监护人姓名."""
    book = CalamineWorkbook.from_path(str(folder / f"{name}.xlsx"))
    number = 0
    for sheet in book.sheet_names:
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        header_at = next((i for i, row in enumerate(rows) if HEADER_WORDS[name] in row), None)
        if header_at is None:
            continue
        header = [str(cell) for cell in rows[header_at]]
        if name == "hardship":
            header = [own or str(above) for own, above in zip(header, rows[header_at - 1], strict=True)]
            header[header.index("姓名", 2)] = "监护人姓名"
        if name == "poverty":
            header = [ONE_NAME.get(label, label) for label in header]
        for row in rows[header_at + 1 :]:
            if all(cell == "" for cell in row) or str(row[0]).startswith(FOOTERS):
                continue
            number += 1
            yield ListLine(number, sheet, dict(zip(header, row, strict=True)))


def read_date(cell: object) -> date | None:
    """A date written in any of the ways that offices use; None for an empty cell."""
    if cell == "":
        return None
    if isinstance(cell, float) and cell < 100_000:
        return date(1899, 12, 30) + timedelta(days=int(cell))
    text = str(int(cell)) if isinstance(cell, float) else str(cell)
    parts = [int(part) for part in re.findall(r"\d+", text)]
    if len(parts) == 1:
        parts = [int(text[:4]), int(text[4:6]), int(text[6:8] or 1)]
    return date(*[*parts, 1][:3])


def plain_number(cell: object) -> str:
    """The number as a careful clerk would copy it; empty for a numeric cell, which has lost its last digits."""
    if isinstance(cell, float):
        return ""
    narrow = "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in str(cell))
    return narrow.replace(" ", "").lstrip("'").upper()


def plain_name(cell: object) -> str:
    """The name without blanks and with one kind of middle dot."""
    return re.sub(r"[•‧・.]", "·", re.sub(r"\s", "", str(cell)))


def iso_valid(text: str) -> bool:
    """ISO 7064 MOD 11-2 by its recursive definition, and a real birth date."""
    if not re.fullmatch(r"\d{17}[\dX]", text):
        return False
    value = 0
    for digit in text[:-1]:
        value = (value + int(digit)) * 2 % 11
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return (value + (10 if text[-1] == "X" else int(text[-1]))) % 11 == 1
