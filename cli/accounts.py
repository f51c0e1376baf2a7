"""`./rollcall accounts`: the first person, who then lets in everybody else, and a whole county's staff from one sheet.

Whoever can read the installation's secrets may make an administrator, whenever it is needed: also when the last one has
lost the password. It is recorded as done by the operator. A sheet of people is sent as an account administrator.
"""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.errors import StartRefused
from deploy.spec import Installation

accounts = typer.Typer(no_args_is_help=True, help="Who signs in.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(accounts, name="accounts")


@accounts.callback()
def group() -> None:
    """Who signs in."""


@accounts.command("create-administrator")
def create_administrator(
    login: Annotated[str, typer.Option(help="What the administrator types at sign-in.")],
    name: Annotated[str, typer.Option(help="The administrator's name, as others see it.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Make an account administrator of the whole division and print a password that is good once, within a week."""
    from cli.session import Session
    from deploy.secrets import Secrets

    installation = Installation.from_environment()
    secret = Secrets(installation.home, production=installation.environment == "production").bytes("access-operator")
    shown = base64.b64encode(secret).decode()
    with Session(installation, "", operator_secret=shown) as session:
        made = session.post("access", "/v1/administrators", {"login": login, "name": name}, uuid.uuid4())
    if as_json:
        typer.echo(json.dumps(made))
        return
    typer.echo(f"Login name  {login}\nPassword    {made['password']}\n")
    typer.echo(
        f"Sign in at {installation.page}sign-in/account and choose another password; this one is shown only now."
    )


@accounts.command("import")
def import_staff(
    file: Annotated[Path, typer.Argument(help="The sheet of people and posts: xlsx, xls or csv.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, store nothing.")] = False,
    out: Annotated[Path | None, typer.Option(help="Where FILE goes with what is wrong with each row.")] = None,
    passwords: Annotated[Path | None, typer.Option(help="Start passwords; default FILE.passwords.xlsx.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt for machines.")] = False,
) -> None:
    """Open accounts and give posts from a sheet; the same sheet again changes nothing, and whom it leaves out stays.

    Rows that are wrong come back in FILE.checked.xlsx, each with what to do. Start passwords of new people are written
    once, readable by you alone: hand them out and delete the file.
    """
    from cli.session import Session
    from cli.system import say

    if not file.is_file():
        raise StartRefused(f"没有这个文件 there is no file {file}")
    with Session(Installation.from_environment(), "account_administrator") as session:
        command_id = uuid.uuid4()
        receipt = session.send_file("access", "/v1/staff/submissions", file, command_id, dry_run=dry_run)
        if out is not None or receipt["rejected"]:
            target = out or file.with_name(f"{file.stem}.checked.xlsx")
            target.write_bytes(session.send_file_for_file("access", "/v1/staff/dry-run.xlsx", file, command_id))
            say(f"逐行校验结果 what is wrong with each row: {target}")
        if receipt["opened"] and not dry_run:
            target = passwords or file.with_name(f"{file.stem}.passwords.xlsx")
            path = f"/v1/staff/imports/{receipt['import_id']}/start-passwords.xlsx"
            _write_privately(target, session.post_for_file("access", path, {}, uuid.uuid4()))
            say(f"启动密码,发完请删除 start passwords, hand them out and delete it: {target}")
    if as_json:
        typer.echo(json.dumps(receipt, ensure_ascii=False))
    else:
        _show(receipt)


def _write_privately(path: Path, content: bytes) -> None:
    """A file that only its owner reads, from its first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _show(receipt: dict[str, Any]) -> None:
    if receipt["dry_run"]:
        typer.echo("先校验,未入库 checked, nothing stored")
    for field, label in (
        ("rows", "行 rows"),
        ("added", "新任岗位 posts given"),
        ("changed", "变更任期 tenures changed"),
        ("unchanged", "未变 unchanged"),
        ("rejected", "待修改 to be mended"),
        ("opened", "新开账号 accounts opened"),
    ):
        typer.echo(f"{receipt[field]:>9,}  {label}")
    if receipt["hidden_sheets"] or receipt["hidden_rows"]:
        hidden = f"{receipt['hidden_sheets']} 个隐藏工作表 sheets, {receipt['hidden_rows']} 个隐藏行 rows"
        typer.echo(f"  文件中隐藏的也已读取 hidden, and read all the same: {hidden}")
    for problem in receipt["problem_rows"][:20]:
        typer.echo(f"  第 {problem['row']} 行 row: {problem['zh']}")
