"""Workbooks as plain sheets: checked first, then parsed in a child process that may use little and not for long."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from shared.tabular import child
from shared.tabular.container import check_zip_workbook, encrypted
from shared.tabular.errors import FileMissing, FileTooLarge, NotAWorkbook, TabularError, WorkbookTooCostly
from shared.tabular.limits import DEFAULT_LIMITS, Limits

# An empty cell is the empty text. Text and number stay apart: a number that should have been text has lost digits.
Cell = str | float | int | bool | date | datetime
# ((first row, first column), (last row, last column)), from 0, both inclusive.
MergedRange = tuple[tuple[int, int], tuple[int, int]]

_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_OLE_WORKBOOKS = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))


class RowSource(Protocol):
    """Rows that can be read more than once: a sheet in memory, or a csv file read again each time."""

    @property
    def name(self) -> str: ...

    @property
    def merged(self) -> tuple[MergedRange, ...]: ...

    @property
    def hidden(self) -> bool: ...

    def iter_rows(self) -> Iterator[list[Cell]]: ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """One worksheet from its cell A1 on; rows are as long as the sheet is wide. ``hidden``: not shown in the file."""

    name: str
    rows: list[list[Cell]]
    merged: tuple[MergedRange, ...] = ()
    hidden: bool = False

    def iter_rows(self) -> Iterator[list[Cell]]:
        return iter(self.rows)


def looks_like_workbook(path: Path) -> bool:
    """True when the first bytes are those of a zip (xlsx) or an OLE file (xls), whatever the name says."""
    return magic(path) in (_ZIP_MAGIC, _OLE_MAGIC)


def magic(path: Path) -> bytes:
    """The leading bytes that tell the format. Raises FileMissing."""
    try:
        with path.open("rb") as file:
            head = file.read(len(_OLE_MAGIC))
    except OSError as cause:
        raise FileMissing(
            f"打不开文件:{path.name}", f"The file cannot be opened: {path.name}.", file=path.name
        ) from cause
    return _ZIP_MAGIC if head.startswith(_ZIP_MAGIC) else head


def read_workbook(path: Path, limits: Limits = DEFAULT_LIMITS) -> list[Sheet]:
    """Every worksheet of an xlsx or xls file, in order, with values as stored (formulas as their last result).

    Raises a TabularError: FileMissing, FileTooLarge, NotAWorkbook, WorkbookEncrypted, WorkbookUnsafe or
    WorkbookTooCostly. Nothing is written and no process is left behind.
    """
    start = magic(path)
    size = path.stat().st_size
    if size > limits.packed_bytes:
        raise FileTooLarge(
            f"文件大小 {size} 字节,超过上限 {limits.packed_bytes} 字节;请另存为 csv",
            f"The file has {size} bytes, the limit is {limits.packed_bytes}: save it as csv.",
            found=size,
            limit=limits.packed_bytes,
        )
    if start == _ZIP_MAGIC:
        check_zip_workbook(path, limits)
    elif start == _OLE_MAGIC:
        _check_ole(path)
    else:
        raise _unreadable("magic")
    return [
        Sheet(name, rows, tuple(((top, left), (bottom, right)) for (top, left), (bottom, right) in merged), hidden)
        for name, rows, merged, hidden in _parse(path, limits)
    ]


def _check_ole(path: Path) -> None:
    content = path.read_bytes()
    if _OLE_ENCRYPTED in content:
        raise encrypted()
    if not any(mark in content for mark in _OLE_WORKBOOKS):
        raise _unreadable("no_workbook_stream")


_Parsed = list[tuple[str, list[list[Cell]], list[tuple[tuple[int, int], tuple[int, int]]], bool]]


def _parse(path: Path, limits: Limits) -> _Parsed:
    seconds = str(math.ceil(limits.parse_seconds))
    # -P: the folder of the script must not become an import path.
    command = [sys.executable, "-P", child.__file__, str(path), str(limits.parse_memory_bytes), seconds]
    try:
        done = subprocess.run(command, capture_output=True, timeout=limits.parse_seconds, check=False)
    except subprocess.TimeoutExpired as cause:
        raise _too_costly("time") from cause
    if done.returncode == child.KNOWN_FAILURE_STATUS:
        raise _known_failure(done.stderr)
    if done.returncode != 0:  # killed by a limit, or an allocation failed inside the parser
        raise _too_costly("memory" if b"alloc" in done.stderr or done.returncode < 0 else "parser")
    decoded: _Parsed = _decoder.decode(done.stdout)
    return decoded


def _known_failure(stderr: bytes) -> TabularError:
    failure = json.loads(stderr)
    if failure["kind"] == "memory":
        return _too_costly("memory")
    return encrypted() if failure["kind"] == "password" else _unreadable(failure["detail"])


def _unpack_extension(code: int, data: memoryview) -> date | datetime:
    text = bytes(data).decode()
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


_decoder = msgspec.msgpack.Decoder(ext_hook=_unpack_extension)


def _too_costly(what: str) -> WorkbookTooCostly:
    return WorkbookTooCostly(
        f"解析文件超出允许的内存或时间({what}),请拆分或另存为 csv",
        f"Parsing needs more memory or time than allowed ({what}): split the file or save it as csv.",
        what=what,
    )


def _unreadable(detail: str) -> NotAWorkbook:
    return NotAWorkbook(
        f"不是有效的 Excel 工作簿,或文件已损坏({detail})",
        f"This is not a valid workbook, or the file is damaged ({detail}).",
        detail=detail,
    )
