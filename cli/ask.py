"""`./rollcall ask QUESTION`: an auditors' question over the running system, as a workbook to sign or as JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.errors import StartRefused
from deploy.spec import Installation

BANK_LINE = ("reference", "card", "holder_number", "holder_name")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ask)


def ask(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="Its name; none lists them all.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The file: .xlsx to print and sign, or .json.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--with", "-w", metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    bank: Annotated[
        Path | None, typer.Option(help="The bank's lines, a sheet: reference, card, holder's number, holder's name.")
    ] = None,
    staff: Annotated[Path | None, typer.Option(help="Identity numbers of staff, a text file, one a line.")] = None,
    known_at: Annotated[str | None, typer.Option(help="The moment (Shanghai unless a zone is given).")] = None,
    true_on: Annotated[str | None, typer.Option(help="The day; default the day of the moment.")] = None,
    school: Annotated[str | None, typer.Option(help="Only this school, by its code.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was answered for machines.")] = False,
) -> None:
    """Ask a question of any moment; the answer names its events, its query and its digest."""
    from cli.replay_asking import ask as answer
    from cli.replay_asking import moment, patiently
    from cli.session import Session

    with Session(Installation.from_environment(), "auditor") as session:
        catalogue = {each["name"]: each for each in session.get("audit", "/v1/questions")["items"]}
        if question is None:
            for name, each in catalogue.items():
                typer.echo(f"{name:20} {each['title_zh']} {each['title_en']}")
            return
        if question not in catalogue:
            raise StartRefused(f"there is no question {question}; there are: {', '.join(catalogue)}")
        if out is None or out.suffix not in (".xlsx", ".json") or not out.parent.is_dir():
            raise typer.BadParameter("--out names an .xlsx or a .json in a folder that exists")
        parameters = _parameters(catalogue[question], given or [], bank, staff)
        asked = {"known_at": moment(known_at), "true_on": true_on, "school_code": school, "parameters": parameters}
        body = {name: value for name, value in asked.items() if value is not None}
        path = f"/v1/questions/{question}"
        if out.suffix == ".xlsx":
            out.write_bytes(
                patiently(body, lambda: session.post_for_file("audit", f"{path}/sheet", body, uuid.uuid4()))
            )
            typer.echo(json.dumps({"question": question, "file": str(out)}) if as_json else str(out))
            return
        told = answer(session, path, body)
    out.write_text(json.dumps(told, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
    short = {name: told[name] for name in ("question", "count", "known_at", "true_on", "hash")} | {"file": str(out)}
    typer.echo(json.dumps(short) if as_json else f"{out}: {told['count']:,} 行 rows · SHA-256 {told['hash']}")


def _parameters(question: Mapping[str, Any], given: list[str], bank: Path | None, staff: Path | None) -> dict[str, Any]:
    """What was given by name, numbers as numbers, and the files. Raises typer.BadParameter, StartRefused."""
    known = question["parameters"].get("properties", {})
    found: dict[str, Any] = {}
    for each in given:
        name, is_there, value = each.partition("=")
        if not is_there or name not in known:
            raise typer.BadParameter(f"{each!r}: NAME=VALUE with one of {', '.join(known) or 'no parameter'}")
        found[name] = int(value) if known[name].get("type") == "integer" and value.isdecimal() else value
    if bank is not None:
        found["bank_lines"] = _bank_lines(bank)
    if staff is not None:
        found["staff_numbers"] = [line.strip() for line in staff.read_text("utf-8").splitlines() if line.strip()]
    return found


def _bank_lines(path: Path) -> list[dict[str, str]]:
    """The rows below the header of the first sheet, cells as text."""
    from shared.tabular.book import open_book

    if not path.is_file():
        raise StartRefused(f"there is no file {path}")
    (sheet, *_) = open_book(path).sheets
    rows = [[_text(cell) for cell in row] for row in sheet.iter_rows()]
    return [dict(zip(BANK_LINE, row, strict=False)) for row in rows[1:] if row and row[0]]


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
