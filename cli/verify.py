"""`./rollcall verify`: checks exported logs and proofs offline, with nothing but this program, files and keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import verify_proofs, verify_witness
from cli.verify_bundle import bundle
from deploy.errors import StartRefused

if TYPE_CHECKING:
    from services.audit.domain import Verified


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="verify", help="Check proofs; no server is needed for a file.", no_args_is_help=True)
    group.callback()(_group)
    group.command()(leaves)
    group.command()(bundle)
    verify_proofs.register(group)
    verify_witness.register(group)
    app.add_typer(group)


def _group() -> None:
    """Check proofs; no server is needed for a file."""


def leaves(
    file: Annotated[
        Path | None, typer.Argument(help="A log written by: rollcall replay log.SERVICE --out FILE.ndjson")
    ] = None,
    running: Annotated[
        str | None,
        typer.Option("--from-running", metavar="SERVICE", help="Instead: this log, as the running system exports it."),
    ] = None,
    root: Annotated[str | None, typer.Option(help="The tree head (hex) that the log must have.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result for machines.")] = False,
) -> None:
    """Check every leaf, the chain of indexes and the order of moments; print the tree head (RFC 9162)."""
    if (file is None) == (running is None):
        raise typer.BadParameter("give a file or --from-running SERVICE")
    if file is not None:
        if not file.is_file():
            raise typer.BadParameter(f"there is no file {file}")
        name = file.name
        with file.open("rb") as lines:
            verified = _verified(name, lines)
    else:
        name = f"log.{running}"
        verified = _running(str(running))
    found = verified.root.hex()
    if root is not None and root.lower() != found:
        raise StartRefused(f"{name} has the tree head {found}, not {root}")
    recorded = None if verified.recorded_at is None else verified.recorded_at.isoformat()
    told = {"log": name, "events": verified.size, "last_recorded_at": recorded, "root": found}
    typer.echo(
        json.dumps(told)
        if as_json
        else f"{name}: {verified.size:,} events verified, up to {recorded}\ntree head {found}"
    )


def _running(service: str) -> Verified:
    """The log as it is archived now, compared with the tree head that audit publishes. Raises StartRefused."""
    from cli.session import Session
    from deploy.spec import Installation

    with Session(Installation.from_environment(), "auditor") as session:
        heads = {head["service"]: head for head in session.get("audit", "/v1/logs")["items"]}
        if service not in heads:
            raise StartRefused(f"there is no log of {service}; there are: {', '.join(heads)}")
        head = heads[service]
        lines = session.lines("audit", f"/v1/logs/{service}/export", until=max(1, head["archived"]))
        verified = _verified(f"log.{service}", lines)
    if (verified.size, verified.root.hex()) != (head["archived"], head["root"]):
        raise StartRefused(f"log.{service} has another tree head over {verified.size} events than audit publishes")
    return verified


def _verified(name: str, lines: Iterable[bytes]) -> Verified:
    """Raises StartRefused that names the first wrong index."""
    from services.audit.domain import LogBroken, verify_log
    from services.audit.export import NotAnExport, read_lines

    try:
        verified = verify_log(read_lines(lines))
    except (NotAnExport, LogBroken) as broken:
        raise StartRefused(f"{name} does not hold together: {broken}") from broken
    if not verified.size:
        raise StartRefused(f"{name} holds no event")
    return verified
