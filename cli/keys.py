"""`./rollcall keys rotate`: another key-encryption key wraps everybody's keys, while everything runs.

A new key is made beside the present one (or taken from ROLLCALL_SECRET_KEK_NEXT), audit wraps every key anew, and only
then does it take the place of the present one, which is kept as `kek-former` for backups made before. Killed at any
point, the command is simply given again.
"""

from __future__ import annotations

import time
import uuid
from typing import Annotated

import typer

from deploy.errors import StartRefused
from deploy.spec import Installation

PAUSE_SECONDS = 1.0
keys = typer.Typer(no_args_is_help=True, help="The key that wraps the keys of people.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(keys, name="keys")


@keys.command()
def rotate(
    wait_seconds: Annotated[float, typer.Option(min=1.0, help="How long to wait for all keys to be wrapped.")] = 3600.0,
) -> None:
    """Replace the key-encryption key; people's own keys and whatever is sealed with them stay as they are."""
    from cli.session import Session
    from deploy.secrets import Secrets

    installation = Installation.from_environment()
    secrets = Secrets(installation.home, production=installation.environment == "production")
    secrets.bytes("kek-next")
    with Session(installation, "approver") as session:
        session.post("audit", "/v1/keys/rotation", {}, uuid.uuid4())
        deadline = time.monotonic() + wait_seconds
        while not (state := session.get("audit", "/v1/keys/rotation"))["done"]:
            if time.monotonic() > deadline:
                raise StartRefused(f"{state['left']} keys are still to be wrapped; give the command again to go on")
            time.sleep(PAUSE_SECONDS)
    if secrets.succeed("kek", "kek-next", "kek-former"):
        typer.echo(
            f"All keys are wrapped under {state['kek_id']}. Back up secrets/kek now; kek-former opens old backups."
        )
    else:
        typer.echo(
            f"All keys are wrapped under {state['kek_id']}. Now set ROLLCALL_SECRET_KEK to the value of"
            " ROLLCALL_SECRET_KEK_NEXT, keep the former one as ROLLCALL_SECRET_KEK_FORMER, and start again."
        )


@keys.command()
def status() -> None:
    """How far the last rotation is."""
    from cli.session import Session

    with Session(Installation.from_environment(), "approver") as session:
        state = session.get("audit", "/v1/keys/rotation")
    if state["kek_id"] is None:
        typer.echo("The key-encryption key was never replaced.")
    else:
        done = "done" if state["done"] else f"{state['left']} keys to go"
        typer.echo(f"{state['kek_id']}: {done}")
