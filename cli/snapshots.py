"""`./rollcall snapshots`: the sealed rows at which replays begin; `snapshots drop` removes them all."""

from __future__ import annotations

import uuid

import typer

from deploy.spec import Installation

snapshots = typer.Typer(invoke_without_command=True, help="The snapshots at which replays begin.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(snapshots, name="snapshots")


@snapshots.callback()
def show(ctx: typer.Context) -> None:
    """How many snapshots there are of each projection, and how far the longest goes, one projection a line."""
    from cli.session import Session

    if ctx.invoked_subcommand is not None:
        return
    with Session(Installation.from_environment(), "auditor") as session:
        told = session.get("audit", "/v1/snapshots")
    for row in told["items"]:
        if row["snapshots"]:
            typer.echo(
                f"{row['projection']}: {row['snapshots']}, up to {row['known_at']} after {row['events']:,} events"
            )
    every = f"one every {told['every_events']:,} events" if told["every_events"] else "none are written"
    typer.echo(f"{told['sealed_bytes'] >> 20:,} MiB; {len(told['unusable'])} to be dropped; {every}")


@snapshots.command()
def drop() -> None:
    """Destroy the keys of all snapshots and remove them. Replays give the same answers and take longer until new ones
    are written."""
    from cli.session import Session

    with Session(Installation.from_environment(), "approver") as session:
        told = session.post("audit", "/v1/snapshots/drop", {}, uuid.uuid4())
    typer.echo(f"{told['snapshots']} snapshots dropped")
