"""Rows that a filter or a person has hidden: they are read like all others, so whoever sends them should know."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

_PIECE_BYTES = 1 << 20
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_HIDDEN_ROW = re.compile(rb"<row\s[^>]*?\bhidden=\"(?:1|true)\"")
_LONGEST_TAG = 4_096


def hidden_row_count(path: Path) -> int:
    """How many rows of the workbook's sheets are hidden; 0 for a file that is no xlsx.

    Reads piece by piece with constant memory; the file was checked before (container.py).
    """
    if not zipfile.is_zipfile(path):
        return 0
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(_in_sheet(archive, name) for name in archive.namelist() if _SHEET.fullmatch(name))
    except (zipfile.BadZipFile, zlib.error, OSError):
        return 0  # the parser tells what is wrong with it


def _in_sheet(archive: zipfile.ZipFile, name: str) -> int:
    count, rest = 0, b""
    with archive.open(name) as part:
        while piece := part.read(_PIECE_BYTES):
            text = rest + piece
            found = list(_HIDDEN_ROW.finditer(text))
            count += len(found)
            # A tag that is cut in two is looked at again with the next piece, one that was counted is not.
            cut = max(text.rfind(b"<"), found[-1].end() if found else 0, len(text) - _LONGEST_TAG)
            rest = text[cut:]
    return count
