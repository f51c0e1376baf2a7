"""Comma- or tab-separated text, streamed: a million rows pass without being held."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.tabular.errors import FileTooLarge, TextUnreadable
from shared.tabular.limits import DEFAULT_LIMITS, Limits
from shared.tabular.sheets import Cell, MergedRange

_CHUNK_BYTES = 1024 * 1024
_DELIMITERS = (",", "\t", ";", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class CsvSheet:
    """A csv file as one sheet; `iter_rows` reads it anew each time. All cells are text."""

    path: Path
    encoding: str
    delimiter: str
    name: str
    merged: tuple[MergedRange, ...] = ()
    hidden: bool = False

    def iter_rows(self) -> Iterator[list[Cell]]:
        """Rows of text. Raises TextUnreadable when quotes are broken, with the line."""
        with self.path.open(encoding=self.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            try:
                yield from reader
            except csv.Error as cause:
                raise TextUnreadable(
                    f"csv 第 {reader.line_num} 行格式错误(引号不配对或字段过长)",
                    f"csv line {reader.line_num} is broken (unbalanced quotes or an overlong field).",
                    line=reader.line_num,
                ) from cause


def open_csv(path: Path, limits: Limits = DEFAULT_LIMITS) -> CsvSheet:
    """Find encoding and delimiter of a text file. Raises FileTooLarge or TextUnreadable."""
    size = path.stat().st_size
    if size > limits.csv_bytes:
        raise FileTooLarge(
            f"文件大小 {size} 字节,超过上限 {limits.csv_bytes} 字节",
            f"The file has {size} bytes, the limit is {limits.csv_bytes}.",
            found=size,
            limit=limits.csv_bytes,
        )
    encoding = detect_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        head = [file.readline(_CHUNK_BYTES) for _ in range(limits.header_scan_rows)]
    delimiter = max(_DELIMITERS, key=lambda mark: max(line.count(mark) for line in head))
    return CsvSheet(path, encoding, delimiter, path.stem)


def detect_encoding(path: Path) -> str:
    """utf-8-sig, utf-16, utf-8 or gb18030: the first in which the whole file is valid. Raises TextUnreadable."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return _valid(path, encoding) or _unreadable("bom")
    if b"\x00" in head:
        _unreadable("binary")
    return _valid(path, "utf-8") or _valid(path, "gb18030") or _unreadable("encoding")


def _valid(path: Path, encoding: str) -> str | None:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return encoding


def _unreadable(detail: str) -> str:
    raise TextUnreadable(
        f"文本文件无法识别(应为 UTF-8 或 GB18030 编码的 csv)({detail})",
        f"The text cannot be read: csv in UTF-8 or GB18030 is expected ({detail}).",
        detail=detail,
    )
