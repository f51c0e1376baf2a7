"""`./rollcall import LIST FILE`: send one list to the running system; rows to be mended come back as xlsx."""

from __future__ import annotations

import json
import uuid
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.session import Session
from cli.system import say
from deploy.errors import StartRefused
from deploy.spec import Installation


class ListName(StrEnum):
    """What can be sent."""

    students = "students"
    schools = "schools"
    poverty = "poverty"
    civil = "civil"
    disability = "disability"


class Mode(StrEnum):
    """Whether the file is the whole list or only what is new."""

    snapshot = "snapshot"
    increment = "increment"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_list)


def import_list(
    name: Annotated[ListName, typer.Argument(metavar="LIST", help="students, schools, poverty, civil or disability.")],
    file: Annotated[Path, typer.Argument(help="The sheet: xlsx, xls or csv.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")] = False,
    mode: Annotated[Mode, typer.Option(help="snapshot: who is missing has left the list.")] = Mode.snapshot,
    dated: Annotated[str | None, typer.Option(help="The day the list is true on, YYYY-MM-DD; default today.")] = None,
    agency: Annotated[str | None, typer.Option(help="Whose list it is; default the office that keeps LIST.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --dry-run: FILE again, each row with what is wrong.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="Where rows to be mended go; default FILE.rejects.xlsx.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt for machines.")] = False,
) -> None:
    """Send a list into the running system and print the receipt; the same file again changes nothing."""
    if not file.is_file():
        raise StartRefused(f"没有这个文件 there is no file {file}")
    if out is not None and (not dry_run or name is ListName.schools or out.suffix != ".xlsx"):
        raise typer.BadParameter("--out F.xlsx goes with --dry-run, for every LIST but schools")
    params: dict[str, Any] = {"mode": mode.value, "dry_run": dry_run}
    if dated is not None:
        params["effective_on"] = dated
    if agency is not None:
        params["agency"] = agency
    with Session(Installation.from_environment(), "aid_clerk") as session:
        # Every call is a submission of its own: an older file sent again restores what it says, and the registry itself
        # sees what is on record already.
        command_id = uuid.uuid4()
        receipt = session.send_file("registry", f"/v1/lists/{name.value}/submissions", file, command_id, **params)
        if out is not None:
            checked = {key: value for key, value in params.items() if key != "dry_run"}
            path = f"/v1/lists/{name.value}/dry-run.xlsx"
            out.write_bytes(session.send_file_for_file("registry", path, file, command_id, **checked))
            say(f"逐行校验结果 what is wrong with each row: {out}")
        if receipt["rejected"] and not dry_run:
            target = rejects or file.with_name(f"{file.stem}.rejects.xlsx")
            address = f"/v1/submissions/{receipt['submission_id']}/rejects.xlsx"
            target.write_bytes(session.download("registry", address))
            say(f"{receipt['rejected']} 行需要修改 rows to be mended: {target}")
    if as_json:
        typer.echo(json.dumps(receipt, ensure_ascii=False))
    else:
        _show(receipt)


def _show(receipt: dict[str, Any]) -> None:
    if receipt["dry_run"]:
        typer.echo("先校验,未入库 checked, nothing stored")
    for field, label in (
        ("rows", "行 rows"),
        ("added", "新增 added"),
        ("corrected", "更正 corrected"),
        ("unchanged", "未变 unchanged"),
        ("removed", "退出 left the list"),
        ("rejected", "待修改 to be mended"),
    ):
        typer.echo(f"{receipt[field]:>9,}  {label}")
    if receipt["held"]:
        typer.echo(f"  退出 {receipt['missing']:,} 行,超过名单的五分之一,待人工确认 removals wait for a person")
    if receipt["hidden_sheets"] or receipt["hidden_rows"]:
        hidden = f"{receipt['hidden_sheets']} 个隐藏工作表 sheets, {receipt['hidden_rows']} 个隐藏行 rows"
        typer.echo(f"  文件中隐藏的也已读取 hidden, and read all the same: {hidden}")
    for problem in receipt["problem_rows"][:20]:
        typer.echo(f"  第 {problem['row']} 行 row: {problem['zh']}")
