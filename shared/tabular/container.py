"""Is this zip a workbook, and may it be unpacked? Decided before any parser sees a byte of it.

The directory of a zip is a claim. So every part is also inflated once, counting and keeping nothing, and the count
ends the work as soon as a limit or the claimed size is passed.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from shared.tabular.errors import NotAWorkbook, WorkbookEncrypted, WorkbookUnsafe
from shared.tabular.limits import Limits

_CHUNK_BYTES = 64 * 1024
_LOCAL_HEADER = struct.Struct("<4sHHHHHLLLHH")
_LOCAL_MAGIC = b"PK\x03\x04"
_ENCRYPTED_FLAG = 0x1
_CONTENT_TYPES = "[Content_Types].xml"
# A workbook has no document type; whoever sends one wants entities expanded or files fetched.
_DOCUMENT_TYPES = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
_XML_ENDINGS = (".xml", ".rels", ".vml")
_WORKBOOK_PARTS = ("workbook.xml", "workbook.bin")


def check_zip_workbook(path: Path, limits: Limits) -> None:
    """Return when the zip is a workbook within the limits.

    Raises NotAWorkbook, WorkbookEncrypted or WorkbookUnsafe.
    """
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
            parts = archive.infolist()
            _check_directory(parts, limits)
            _count_contents(raw, parts, limits)
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, EOFError, UnicodeError) as cause:
        raise _not_a_workbook("damaged") from cause


def _check_directory(parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(parts) > limits.entries:
        raise _unsafe("entries", len(parts), limits.entries)
    names = [part.filename for part in parts]
    if len(set(names)) != len(names):
        raise _unsafe("duplicate_entries", len(names) - len(set(names)), 0)
    if any(part.flag_bits & _ENCRYPTED_FLAG for part in parts):
        raise encrypted()
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise _not_a_workbook("compression_method")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.unpacked_bytes:
        raise _unsafe("unpacked_bytes", unpacked, limits.unpacked_bytes)
    for part in parts:
        _check_ratio(part.file_size, part.compress_size, limits)
    if _CONTENT_TYPES not in names or not any(name.endswith(_WORKBOOK_PARTS) for name in names):
        raise _not_a_workbook("no_workbook_part")


def _count_contents(raw: BinaryIO, parts: list[zipfile.ZipInfo], limits: Limits) -> None:
    total = 0
    for part in parts:
        size = _inflated_size(raw, part, limits.unpacked_bytes - total)
        if size != part.file_size:
            raise _unsafe("lying_directory", size, part.file_size)
        total += size


def _inflated_size(raw: BinaryIO, part: zipfile.ZipInfo, allowed_bytes: int) -> int:
    """Bytes the part really unpacks to; stops just past its claimed size or what is still allowed."""
    raw.seek(part.header_offset)
    header = _LOCAL_HEADER.unpack(raw.read(_LOCAL_HEADER.size))
    if header[0] != _LOCAL_MAGIC:
        raise _not_a_workbook("local_header")
    raw.seek(header[9] + header[10], 1)
    stored = part.compress_type == zipfile.ZIP_STORED
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    packed_left, size, ceiling = part.compress_size, 0, min(part.file_size, allowed_bytes)
    pending = b""
    xml = _Watched() if part.filename.lower().endswith(_XML_ENDINGS) else None
    while size <= ceiling and (packed_left > 0 or pending):
        if not pending:
            pending = raw.read(min(_CHUNK_BYTES, packed_left))
            packed_left -= len(pending)
            if not pending:
                raise _not_a_workbook("truncated")
        if stored:
            piece, pending = pending, b""
        else:
            piece = inflater.decompress(pending, _CHUNK_BYTES)
            pending = inflater.unconsumed_tail
        size += len(piece)
        if xml is not None:
            xml.see(piece)
        if inflater.eof:
            return size
    while not stored and size <= ceiling and (more := inflater.decompress(b"", _CHUNK_BYTES)):
        size += len(more)
        if xml is not None:
            xml.see(more)
    return size


class _Watched:
    """An XML part seen piece by piece, for what no workbook holds."""

    def __init__(self) -> None:
        self._rest = b""

    def see(self, piece: bytes) -> None:
        """Raises WorkbookUnsafe for a document type, also one that is cut in two."""
        text = self._rest + piece
        if any(each in text for each in _DOCUMENT_TYPES):
            raise _unsafe("document_type", 1, 0)
        self._rest = text[-2 * len(_DOCUMENT_TYPES[0]) :]


def _check_ratio(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > limits.ratio_floor_bytes and unpacked > packed * limits.ratio:
        raise _unsafe("ratio", unpacked // max(packed, 1), limits.ratio)


def encrypted() -> WorkbookEncrypted:
    return WorkbookEncrypted(
        "文件设有打开密码,请取消密码后重新保存再导入",
        "The file is protected by a password: save it without one and try again.",
    )


def _unsafe(what: str, found: int, limit: int) -> WorkbookUnsafe:
    return WorkbookUnsafe(
        f"文件压缩内容异常({what}: {found},上限 {limit}),已拒绝解析;数据量大时请另存为 csv",
        f"The packed content is abnormal ({what}: {found}, limit {limit}); it was not parsed. Save large lists as csv.",
        what=what,
        found=found,
        limit=limit,
    )


def _not_a_workbook(detail: str) -> NotAWorkbook:
    return NotAWorkbook(
        f"不是有效的 Excel 工作簿,或文件已损坏({detail})",
        f"This is not a valid workbook, or the file is damaged ({detail}).",
        detail=detail,
    )
