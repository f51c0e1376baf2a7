"""Small workbooks for tests, and zips that only pretend to be one."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from shared.tabular.sheets import Cell, MergedRange


@dataclass(frozen=True, slots=True)
class RowsSheet:
    """A sheet of these rows, which stand in memory."""

    name: str
    rows: list[list[Cell]]
    merged: tuple[MergedRange, ...] = ()
    hidden: bool = False

    def iter_rows(self) -> Iterator[list[Cell]]:
        return iter(self.rows)


def workbook(path: Path, *sheets: Sequence[Sequence[Any]], merges: Sequence[tuple[int, int, int, int]] = ()) -> Path:
    """A workbook made by xlsxwriter, one argument per sheet, rows of cells; merges apply to the first sheet."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"})
    for number, rows in enumerate(sheets):
        sheet = book.add_worksheet()
        if number == 0:
            for first_row, first_column, last_row, last_column in merges:
                sheet.merge_range(first_row, first_column, last_row, last_column, "")
        for row, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell != "":
                    sheet.write(row, column, cell)
    book.close()
    return path


def zip_with(path: Path, parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these parts, with those of a workbook unless given."""
    known = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>", **parts}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in known.items():
            archive.writestr(name, content)
    return path


def lie_about_size(path: Path, name: str, claimed: int) -> Path:
    """Rewrite the directory of the zip so that it claims another unpacked size for one part."""
    content = bytearray(path.read_bytes())
    start = content.find(b"PK\x01\x02")
    while start >= 0:
        length = struct.unpack_from("<H", content, start + 28)[0]
        if content[start + 46 : start + 46 + length] == name.encode():
            struct.pack_into("<L", content, start + 24, claimed)
        start = content.find(b"PK\x01\x02", start + 4)
    path.write_bytes(content)
    return path


def deflated(size: int) -> bytes:
    """`size` zero bytes as raw deflate, for zips built by hand."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    out = io.BytesIO()
    for _ in range(size // 65_536):
        out.write(packer.compress(bytes(65_536)))
    out.write(packer.flush())
    return out.getvalue()
