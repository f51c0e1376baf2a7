"""A result as files with fixed bytes: the same rows always give the same json, xlsx and parquet, byte for byte.

A zip would carry times, and two zlibs may pack the same text differently: here every entry has one fixed time, stands
in the order of names and is stored, not packed.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars

from services.audit.replays.replaying import Rows, canonical
from shared.tabular.sheets import Cell
from shared.tabular.writing import HIGHEST_ROWS, WorkbookWriter

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can hold
_COLUMN_CHARACTERS = 20


def result_files(view: str, rows: Rows, flat: Rows | None = None) -> dict[str, bytes]:
    """File name → bytes: result.json (canonical, so its SHA-256 is the answer's hash), result.parquet, and result.xlsx
    unless there are more rows than a sheet holds. ``flat``: the rows as a table tells them, when they are nested."""
    told = rows if flat is None else flat
    files = {"result.json": canonical(rows), "result.parquet": parquet(told)}
    if len(told) < HIGHEST_ROWS:
        files["result.xlsx"] = workbook(view, told)
    return files


def fields_of(rows: Rows) -> list[str]:
    """The columns, as the view's rows name them."""
    return list(dict.fromkeys(name for row in rows for name in row))


def parquet(rows: Rows) -> bytes:
    """Parquet, uncompressed; what is no plain value stands as JSON text."""
    columns = {name: _series(name, [row.get(name) for row in rows]) for name in fields_of(rows)}
    made = io.BytesIO()
    polars.DataFrame(columns).write_parquet(made, compression="uncompressed", statistics=False)
    return made.getvalue()


def workbook(view: str, rows: Rows) -> bytes:
    """One sheet named after the view."""
    columns = fields_of(rows)
    with tempfile.TemporaryDirectory(prefix="rollcall-") as folder:
        path = Path(folder) / "result.xlsx"
        with WorkbookWriter(path) as book:
            sheet = book.sheet(view, widths=[_COLUMN_CHARACTERS] * len(columns))
            sheet.header(columns)
            for row in rows:
                sheet.row([_cell(row.get(name)) for name in columns])
        with zipfile.ZipFile(path) as packed:
            return fixed_zip({name: packed.read(name) for name in packed.namelist()}, first="[Content_Types].xml")


def fixed_zip(files: Mapping[str, bytes], first: str | None = None) -> bytes:
    """A zip of these files by name (``first`` in front), stored, each with the same time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
        for name in sorted(files, key=lambda name: (name != first, name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # whatever system writes it
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, files[name])
    return made.getvalue()


def _series(name: str, values: list[Any]) -> polars.Series:
    kinds = {type(value) for value in values if value is not None}
    for kind, dtype in ((bool, polars.Boolean), (int, polars.Int64), (str, polars.String)):
        if kinds == {kind}:
            return polars.Series(name, values, dtype=dtype)
    if kinds and kinds <= {int, float}:
        return polars.Series(name, [None if value is None else float(value) for value in values], dtype=polars.Float64)
    return polars.Series(name, [None if value is None else _text(value) for value in values], dtype=polars.String)


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
