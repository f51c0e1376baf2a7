"""`./rollcall replay VIEW`: a view of the running system as it was known at a moment, as a sheet or for machines.

`VIEW` is roster, categories (of each student over time), payments, alerts … (any view a service declares), or
`log.<service>` for a whole log that `./rollcall verify leaves` can check. `F.bundle.zip` proves itself
(`./rollcall verify bundle`). `replay diff`, `replay person`, `replay why` and `replay why-not` stand beside it.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from cli.replay_asking import ask, check_folder, day, explained, given, moment
from cli.replay_files import BUNDLE, WRITERS, save_bundle, sentence, whole
from cli.replay_questions import diff, person, why, why_not
from deploy.errors import StartRefused
from deploy.spec import Installation

if TYPE_CHECKING:
    from cli.session import Session

LOG = "log."
VIEW_COMMAND = "view"


class _ViewOrQuestion(TyperGroup):
    """What is no question of its own (diff, person …) names a view."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [VIEW_COMMAND, *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(name="replay", cls=_ViewOrQuestion, no_args_is_help=True)
    group.callback()(_group)
    group.command(VIEW_COMMAND)(replay)
    group.command("diff")(diff)
    group.command("person")(person)
    group.command("why")(why)
    group.command("why-not")(why_not)
    app.add_typer(group)


def _group() -> None:
    """Write a view as it was known at a moment: rollcall replay VIEW --out F."""


def replay(
    view: Annotated[str, typer.Argument(metavar="VIEW", help="roster, payments, alerts …, or log.SERVICE.")],
    out: Annotated[
        Path, typer.Option("--out", help="The file: .xlsx, .csv, .json, .parquet or .bundle.zip; .ndjson for a log.")
    ],
    known_at: Annotated[
        str | None, typer.Option(help="The moment, e.g. 2026-11-24T10:00 (Shanghai unless a zone is given).")
    ] = None,
    true_on: Annotated[
        str | None, typer.Option(help="The day the rows are true on; default that of the moment.")
    ] = None,
    index: Annotated[int | None, typer.Option(min=1, help="Instead: up to this event of the view's own log.")] = None,
    student: Annotated[uuid.UUID | None, typer.Option(help="Only what VIEW says about this student.")] = None,
    school: Annotated[str | None, typer.Option(help="Only this school's part.")] = None,
    division: Annotated[str | None, typer.Option(help="Only the part of the division with this code.")] = None,
    from_first: Annotated[
        bool, typer.Option("--from-first", help="Read and verify every event again, whatever snapshots there are.")
    ] = False,
    with_log: Annotated[
        bool, typer.Option("--with-log", help="Into a bundle: the events, too, so that every leaf can be checked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was answered for machines.")] = False,
) -> None:
    """Write a view as it was known at a moment (default: now), with the digest that anybody can compare."""
    from cli.session import Refused, Session

    bundled = out.name.endswith(BUNDLE)
    _check(view, out, known_at, index, bundled, with_log)
    body = given(
        known_at=moment(known_at),
        true_on=day(true_on),
        log_index=index,
        student_id=None if student is None else str(student),
        school_code=school,
        division_code=division,
        from_first=from_first or None,
    )
    began: dict[str, Any] | None = None  # not in the file: it changes nothing of the answer
    try:
        with Session(Installation.from_environment(), "auditor") as session:
            if view.startswith(LOG):
                told = _save_log(session, view, index, out)
            elif bundled:
                told = save_bundle(session, f"/v1/replay/{view}/bundle", body | {"with_log": with_log}, out)
            else:
                told = ask(session, f"/v1/replay/{view}", body)
                items, began = told.pop("items"), told.pop("began")
                whole(out, lambda draft: WRITERS[out.suffix](draft, told, items))
    except Refused as refused:
        raise StartRefused(explained(refused)) from refused
    told |= {"file": str(out), "began": began}
    typer.echo(json.dumps(told, ensure_ascii=False) if as_json else sentence(told))


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

    whole(out, write)
    return {"view": view, "events": count}


def _check(view: str, out: Path, known_at: str | None, index: int | None, bundled: bool, with_log: bool) -> None:
    """Usage errors before anything is asked. Raises typer.BadParameter."""
    if known_at is not None and index is not None:
        raise typer.BadParameter("give --known-at or --index, not both")
    if view.startswith(LOG):
        if known_at is not None or out.suffix != ".ndjson":
            raise typer.BadParameter("a log is written to a .ndjson file, up to --index")
    elif not bundled and out.suffix not in WRITERS:
        raise typer.BadParameter(f"--out ends in one of {', '.join((*WRITERS, BUNDLE))}")
    if with_log and not bundled:
        raise typer.BadParameter(f"--with-log goes with --out F{BUNDLE}")
    check_folder(out)
