"""The process that parses one workbook: run as a script, with nothing to lose.

Arguments: path, address space in bytes, processor seconds. Writes frames to standard output, each MessagePack behind
its length in four bytes: for every sheet [name, merged ranges, hidden], then blocks of rows, then an empty block. On a
known failure one line of JSON goes to standard error and the status is 3, whatever was written before.
Imports nothing of the project, so it starts in a few hundredths of a second, and holds no sheet twice.
"""

from __future__ import annotations

import datetime
import json
import resource
import sys
from typing import Any

DATE_EXTENSION = 1
KNOWN_FAILURE_STATUS = 3
BLOCK_ROWS = 500
LENGTH_BYTES = 4
_WRITTEN_PART = 4  # what the caller will hold may be a quarter of what this process may take


def main() -> None:
    path, memory_bytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import msgspec
    import python_calamine

    def packed(cell: Any) -> Any:
        if isinstance(cell, datetime.date):  # datetime too
            return msgspec.msgpack.Ext(DATE_EXTENSION, cell.isoformat().encode())
        return str(cell)  # time of day, duration

    written = 0

    def write(frame: Any) -> None:
        nonlocal written
        packed_frame = msgspec.msgpack.encode(frame)
        written += len(packed_frame)
        if written > memory_bytes // _WRITTEN_PART:
            raise MemoryError
        sys.stdout.buffer.write(len(packed_frame).to_bytes(LENGTH_BYTES, "big") + packed_frame)

    try:
        with open(path, "rb") as file:
            book = python_calamine.load_workbook(file)
        plain = frozenset((str, float, int, bool))
        for known in book.sheets_metadata:
            if known.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(known.name)
            hidden = known.visible != python_calamine.SheetVisibleEnum.Visible
            write([known.name, sheet.merged_cell_ranges or [], hidden])
            block: list[list[Any]] = []
            left = [""] * (sheet.start or (0, 0))[1]  # columns before the first filled one, which calamine leaves out
            for row in sheet.iter_rows():
                if left:
                    row = left + row
                if not plain.issuperset(map(type, row)):
                    row = [cell if type(cell) in plain else packed(cell) for cell in row]
                block.append(row)
                if len(block) == BLOCK_ROWS:
                    write(block)
                    block.clear()
            if block:
                write(block)
            write([])
        sys.stdout.buffer.flush()
    except MemoryError:
        _fail("memory")
    except python_calamine.PasswordError:
        _fail("password")
    except (python_calamine.CalamineError, OSError, ValueError, UnicodeError) as error:
        _fail("damaged", type(error).__name__)


def _fail(kind: str, detail: str = "") -> None:
    sys.stderr.write(json.dumps({"kind": kind, "detail": detail}))
    sys.exit(KNOWN_FAILURE_STATUS)


if __name__ == "__main__":
    main()
