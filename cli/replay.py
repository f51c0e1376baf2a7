"""`./rollcall replay VIEW`: a view of the running system as it was known at a moment, as a sheet or for machines.

`VIEW` is roster, categories (of each student over time), payments, alerts, reports …, or `log.<service>` for a whole
log that `./rollcall verify leaves` can check.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.errors import StartRefused
from deploy.spec import Installation
from shared.tabular.sheets import Cell

if TYPE_CHECKING:
    from cli.session import Refused, Session

LOG = "log."
WAIT_SECONDS = 10.0  # for the archive to follow what was just written; it is behind by about a second
PAUSE_SECONDS = 0.25


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    view: Annotated[
        str, typer.Argument(metavar="VIEW", help="roster, categories, payments, alerts, reports, or log.SERVICE.")
    ],
    out: Annotated[Path, typer.Option("--out", help="The file: .xlsx, .csv or .json; .ndjson for a log.")],
    known_at: Annotated[
        str | None, typer.Option(help="The moment, e.g. 2026-11-24T10:00 (Shanghai unless a zone is given).")
    ] = None,
    true_on: Annotated[str | None, typer.Option(help="The day the rows are true on; default today.")] = None,
    index: Annotated[int | None, typer.Option(min=1, help="Instead: up to this event of the view's own log.")] = None,
    student: Annotated[
        uuid.UUID | None, typer.Option(help="Only what VIEW says about this student (categories).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was answered for machines.")] = False,
) -> None:
    """Write a view as it was known at a moment (default: now), with the digest that anybody can compare."""
    from cli.session import Refused, Session

    _check(view, out, known_at, index)
    body = {"known_at": _moment(known_at), "true_on": _day(true_on), "log_index": index}
    body["student_id"] = None if student is None else str(student)
    given = {name: value for name, value in body.items() if value is not None}
    try:
        with Session(Installation.from_environment(), "auditor") as session:
            if view.startswith(LOG):
                told = _save_log(session, view, index, out)
            else:
                told = _ask(session, view, given)
                items = told.pop("items")
                _whole(out, lambda draft: _WRITERS[out.suffix](draft, told, items))
    except Refused as refused:
        raise StartRefused(_explained(refused)) from refused
    told["file"] = str(out)
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else _sentence(told))


def _ask(session: Session, view: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of audit. Asked for no moment of its own, it is given a little time to have complete logs at all."""
    from cli.session import Refused

    patient = "known_at" not in given and "log_index" not in given
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return dict(session.post("audit", f"/v1/replay/{view}", given, uuid.uuid4()))
        except Refused as refused:
            if not patient or refused.code != "not_yet_closed" or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def _save_log(session: Session, view: str, until: int | None, out: Path) -> dict[str, Any]:
    """Write a log line by line, up to an index."""
    params = {} if until is None else {"until": until}
    lines = session.lines("audit", f"/v1/logs/{view.removeprefix(LOG)}/export", **params)
    count = 0

    def write(draft: Path) -> None:
        nonlocal count
        with draft.open("wb") as file:
            for line in lines:
                file.write(line)
                count += 1

    _whole(out, write)
    return {"view": view, "events": count}


def _explained(refused: Refused) -> str:
    """The reason in one line, with the facts that tell what to ask instead."""
    facts = [f"{name}: {_listed(value)}" for name, value in refused.facts.items() if value is not None]
    return f"{refused} ({'; '.join(facts)})" if facts else str(refused)


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _check(view: str, out: Path, known_at: str | None, index: int | None) -> None:
    """Usage errors before anything is asked. Raises typer.BadParameter."""
    if known_at is not None and index is not None:
        raise typer.BadParameter("give --known-at or --index, not both")
    if view.startswith(LOG):
        if known_at is not None or out.suffix != ".ndjson":
            raise typer.BadParameter("a log is written to a .ndjson file, up to --index")
    elif out.suffix not in _WRITERS:
        raise typer.BadParameter(f"--out ends in one of {', '.join(_WRITERS)}")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}")


def _moment(typed: str | None) -> str | None:
    from shared.kernel.clock import SHANGHAI

    if typed is None:
        return None
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        raise typer.BadParameter(f"--known-at {typed!r} is no date and time") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).isoformat()


def _day(typed: str | None) -> str | None:
    if typed is None:
        return None
    try:
        return date.fromisoformat(typed).isoformat()
    except ValueError:
        raise typer.BadParameter(f"--true-on {typed!r} is no date") from None


def _cells(item: Mapping[str, Any], columns: Sequence[str]) -> list[Cell]:
    return [_cell(item.get(column)) for column in columns]


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)


def _write_json(draft: Path, told: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    draft.write_text(json.dumps({**told, "items": items}, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def _write_csv(draft: Path, _told: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
    from shared.tabular.writing import CsvWriter

    columns = list(items[0]) if items else []
    with CsvWriter(draft) as sheet:
        sheet.header(columns)
        for item in items:
            sheet.row(_cells(item, columns))


def _write_xlsx(draft: Path, told: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> None:
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


_WRITERS: Mapping[str, Callable[[Path, Mapping[str, Any], Sequence[Mapping[str, Any]]], None]] = {
    ".json": _write_json,
    ".csv": _write_csv,
    ".xlsx": _write_xlsx,
}


def _whole(out: Path, write: Callable[[Path], object]) -> None:
    """Write the file whole or not at all. Raises StartRefused."""
    draft = out.with_name(f".{out.name}.draft")
    try:
        write(draft)
        draft.replace(out)
    except OSError as failed:
        raise StartRefused(f"cannot write {out}: {failed.strerror}") from failed
    finally:
        draft.unlink(missing_ok=True)


def _sentence(told: Mapping[str, Any]) -> str:
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
    )
