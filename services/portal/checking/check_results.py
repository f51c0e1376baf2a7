"""What a finished check gives back: one zip of workbooks for people, and the counts shown on the page."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

SUMMARY = "summary.json"
_PACKED = (".xlsx",)  # packed already: packing again costs time and gains nothing


def write_zip(out: Path, target: Path) -> None:
    """Pack every annotated sheet and worklist of ``out``; the files for machines stay behind. Raises OSError."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in sorted(out.rglob("*")):
            if path.suffix == ".xlsx" or path.parent.name == "annotated":
                method = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
                packed.write(path, path.relative_to(out), method)


def read_summary(out: Path) -> dict[str, Any]:
    """The command's own counts. Raises OSError."""
    content: dict[str, Any] = json.loads((out / SUMMARY).read_text(encoding="utf-8"))
    return content
