"""`./rollcall accounts create-administrator`: the first person, who then lets in everybody else.

Whoever can read the installation's secrets may do this, whenever it is needed: also when the last administrator has
lost the password. It is recorded as done by the operator.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Annotated

import typer

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
