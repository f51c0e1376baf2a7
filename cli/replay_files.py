"""The files a replay is written to: whole or not at all."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.replay_asking import patiently
from deploy.errors import StartRefused
from shared.tabular.sheets import Cell

if TYPE_CHECKING:
    from cli.session import Session

BUNDLE = ".bundle.zip"
Told = Mapping[str, Any]
Items = Sequence[Mapping[str, Any]]


def whole(out: Path, write: Callable[[Path], object]) -> None:
    """Write the file whole or not at all. Raises StartRefused."""
    draft = out.with_name(f".{out.name}.draft")
    try:
        write(draft)
        draft.replace(out)
    except OSError as failed:
        raise StartRefused(f"cannot write {out}: {failed.strerror}") from failed
    finally:
        draft.unlink(missing_ok=True)


def write_json(draft: Path, told: Told, items: Items) -> None:
    """Everything that was answered."""
    draft.write_text(json.dumps({**told, "items": items}, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def write_csv(draft: Path, _told: Told, items: Items) -> None:
    """The rows."""
    from shared.tabular.writing import CsvWriter

    columns = list(items[0]) if items else []
    with CsvWriter(draft) as sheet:
        sheet.header(columns)
        for item in items:
            sheet.row(_cells(item, columns))


def write_xlsx(draft: Path, told: Told, items: Items) -> None:
    """The rows, and a sheet that says what they are."""
    from shared.tabular.writing import WorkbookWriter

    columns = list(items[0]) if items else []
    with WorkbookWriter(draft) as book:
        sheet = book.sheet(str(told["view"]), widths=[20] * len(columns))
        sheet.header(columns)
        for item in items:
            sheet.row(_cells(item, columns))
        about = book.sheet("about", widths=[20, 70])
        about.header(["question", "answer"])
        for name, value in told.items():
            if name != "inputs":
                about.row([name, _cell(value)])
        for each in told.get("inputs", ()):
            about.row([f"数据截至 data as of: {each['list']} ({each['agency']})", each["dated"]])


def write_parquet(draft: Path, _told: Told, items: Items) -> None:
    """The rows, as they stand in a bundle."""
    from services.audit.replays.result_files import parquet

    draft.write_bytes(parquet([dict(item) for item in items]))


def save_bundle(session: Session, path: str, body: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """Write a bundle as it came; what it says of itself."""
    from services.audit.replays.bundle_format import answer_of

    content = patiently(body, lambda: session.post_for_file("audit", path, body, uuid.uuid4()))
    whole(out, lambda draft: draft.write_bytes(content))
    answer = answer_of(content)
    return {
        "view": answer.asked.view,
        "known_at": answer.asked.known_at,
        "true_on": answer.asked.true_on,
        "log_index": {service: cut.log_index for service, cut in answer.logs.items()},
        "count": answer.rows,
        "hash": answer.result,
        "inputs": answer.inputs,
    }


def sentence(told: Told) -> str:
    """What was written, for people."""
    if "hash" not in told:
        return f"{told['file']}: {told['events']:,} events"
    indexes = ", ".join(f"{service} {index:,}" for service, index in told["log_index"].items())
    return (
        f"{told['file']}: {told['count']:,} 行 rows\n"
        f"截至此刻已掌握 known at {told['known_at']} ({indexes})\n"
        f"以此日为准 true on {told['true_on']}\n"
        + "".join(
            f"数据截至 data as of {each['dated']}: {each['list']} ({each['agency']})\n" for each in told["inputs"]
        )
        + f"SHA-256 {told['hash']}"
        + _beginning(told.get("began"))
    )


def _beginning(began: Told | None) -> str:
    if began is None:
        return ""
    if began["refused"] is not None:
        return f"\n快照不可用,已从第一条记录重新回放 replayed from the first event: {began['refused']}"
    return "" if began["snapshot"] is None else f"\n从快照开始 began at snapshot {began['snapshot']}"


WRITERS: Mapping[str, Callable[[Path, Told, Items], None]] = {
    ".json": write_json,
    ".csv": write_csv,
    ".xlsx": write_xlsx,
    ".parquet": write_parquet,
}


def _cells(item: Mapping[str, Any], columns: Sequence[str]) -> list[Cell]:
    return [_cell(item.get(column)) for column in columns]


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)
