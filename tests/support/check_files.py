"""Files as clerks drop them on the check tool: two-row headers, merged cells, 同上, another encoding, a password."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xlsxwriter

from shared.standards.identity_number import check_digit


def number(first17: str) -> str:
    """A whole identity number; the people are invented."""
    return first17 + check_digit(first17)


MING, HONG, NOBODY = (number(first17) for first17 in ("46908020150304012", "46908020140506002", "46908020160102003"))
HEAD = number("46908019800101001")


def sheet(path: Path, rows: list[list[Any]], merges: list[tuple[int, int, int, int]] | None = None) -> Path:
    """A workbook of one sheet."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    page = book.add_worksheet()
    for merge in merges or []:
        page.merge_range(*merge, "")
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            if cell != "":
                page.write(row, column, cell)
    book.close()
    return path


def register(folder: Path) -> Path:
    """Two students under a title."""
    rows = [
        ["2026年秋季学籍名册"],
        ["学校名称", "年级", "姓名", "身份证号", "监护人姓名"],
        ["望潮一小", "三年级", "王小明", MING, "王大"],
        ["望潮一小", "四年级", "李红", HONG, "李大"],
    ]
    return sheet(folder / "学籍名册.xlsx", rows, [(0, 0, 0, 4)])


def civil_gb18030(folder: Path) -> Path:
    """A csv in the encoding of old office programs."""
    path = folder / "低保.csv"
    rows = f"姓名,身份证号,城乡类别,救助类型\n王小明,{MING},农村,低保\n"
    path.write_bytes(rows.encode("gb18030"))
    return path


def poverty_two_row_header(folder: Path) -> Path:
    """Head and member under merged group names; 同上 and an odd date; recognised by its columns alone."""
    rows = [
        ["户主", "", "家庭成员", "", "户类型", "识别时间"],
        ["姓名", "身份证号", "姓名", "身份证号", "", ""],
        ["李大", HEAD, "李红", HONG, "脱贫户", "2019.3"],
        ["同上", "同上", "无名", NOBODY, "同上", "2019年3月1日"],
    ]
    merges = [(0, 0, 0, 1), (0, 2, 0, 3), (0, 4, 1, 4), (0, 5, 1, 5)]
    return sheet(folder / "汇总表(一).xlsx", rows, merges)


def encrypted(folder: Path) -> Path:
    """The container an office program writes for a workbook with a password."""
    path = folder / "残疾人名单.xlsx"
    marks = "EncryptionInfo".encode("utf-16-le") + bytes(80) + "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + marks)
    return path
