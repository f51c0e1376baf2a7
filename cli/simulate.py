"""`rollcall simulate`: a synthetic county as real files, the same for the same seed."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from simulation.county import (
    ATTENDANCE_WEEKS,
    DEFAULT_AS_OF,
    DEFAULT_STUDENTS,
    Settings,
    SimulationRefused,
    simulate,
)

_STEPS = {"families": "家庭 families", "register": "学籍 register", "lists": "名单 lists", "save": "保存 saving"}


def register(app: typer.Typer) -> None:
    """Add the command `simulate` to the application."""
    app.command("simulate")(simulate_command)


def simulate_command(
    out: Annotated[Path, typer.Option("--out", help="Folder for the files; made if missing.", file_okay=False)],
    students: Annotated[int, typer.Option("--students", help="Students in the register.")] = DEFAULT_STUDENTS,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same county, byte for byte.")] = 1,
    schools: Annotated[
        int | None, typer.Option("--schools", help="Schools; 60 unless given, more from 20,000 students on.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help=f"Reference date for ages and periods; {DEFAULT_AS_OF}."),
    ] = None,
    file_format: Annotated[
        Literal["xlsx", "csv"], typer.Option("--format", help="csv is streamed, for very large counties.")
    ] = "xlsx",
    weeks: Annotated[int, typer.Option("--weeks", help="Weeks of attendance before the date.")] = ATTENDANCE_WEEKS,
    errors: Annotated[
        Literal["clean", "moderate", "heavy"] | None,
        typer.Option("--errors", help="Wide lists by clerks with habits, this bad; the sample county unless given."),
    ] = None,
    terms: Annotated[
        int, typer.Option("--terms", help="Whole past terms besides: class reports, what offices said, the truth.")
    ] = 0,
    listed: Annotated[
        float, typer.Option("--listed", help="Times as many listed families as usual, up to 6; below 1 fewer.")
    ] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary for machines.")] = False,
) -> None:
    """Write a synthetic county: register, schools, four agency lists, attendance and the truth about all of them.

    Everything in it is invented. Exit codes: 0 done, 1 refused, 2 usage.
    """
    day = as_of.date() if as_of else DEFAULT_AS_OF
    settings = Settings(students, seed, schools, day, file_format, weeks, errors, listed, terms)
    console = Console(stderr=True)
    try:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=as_json or not sys.stderr.isatty(),
        ) as bar:
            task = bar.add_task(_STEPS["families"], total=students)
            summary = simulate(
                settings,
                out,
                lambda step, done: bar.update(task, description=_STEPS[step], completed=done),
            )
    except (SimulationRefused, OSError) as error:
        typer.echo(f"simulate: {error}", err=True)
        raise typer.Exit(1) from error
    counts = summary["counts"]
    if as_json:
        typer.echo(json.dumps({"out": str(out), **summary}, ensure_ascii=False))
        return
    rows = sum(counts["list_rows"].values())
    typer.echo(
        f"{summary['division']['name']}（虚构）：{counts['students']:,} students in {counts['schools']} schools, "
        f"{counts['households']:,} households, {rows:,} list rows, as of {summary['as_of']} → {out}"
    )
