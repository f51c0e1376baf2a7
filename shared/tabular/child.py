"""The process that parses one workbook: run as a script, with nothing to lose.

Arguments: path, address space in bytes, processor seconds. Writes MessagePack to standard output:
[[sheet name, rows, merged ranges, hidden], …], or on a known failure one line of JSON to standard error and status 3.
Imports nothing of the project, so it starts in a few hundredths of a second.
"""

from __future__ import annotations

import datetime
import json
import resource
import sys
from typing import Any

DATE_EXTENSION = 1
KNOWN_FAILURE_STATUS = 3


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

    try:
        with open(path, "rb") as file:
            book = python_calamine.load_workbook(file)
        sheets = []
        plain = (str, float, int, bool)
        for known in book.sheets_metadata:
            if known.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(known.name)
            rows = sheet.to_python(skip_empty_area=False)
            for row in rows:
                for column, cell in enumerate(row):
                    if type(cell) not in plain:
                        row[column] = packed(cell)
            hidden = known.visible != python_calamine.SheetVisibleEnum.Visible
            sheets.append([known.name, rows, sheet.merged_cell_ranges or [], hidden])
        sys.stdout.buffer.write(msgspec.msgpack.encode(sheets))
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
