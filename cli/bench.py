"""`rollcall bench`: each benchmark by name, on parts of its own, with targets beside the figures."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

WIDTH = 140  # of a table that goes into a file: its words stay whole
# name → what it measures. Each is bench/<name>.py with run(**parameters) -> BenchResult.
BENCHMARKS = {
    "append": "events into the store: bulk and single",
    "counterfactual": "five weeks of a county run again twice, a list moved: read, matched, entitled, compared",
    "replay": "an archive to views as they were: read, verified, decrypted, folded, written",
    "sequencing": "committed events to indexes and leaves",
    "proofs": "a log of ten million events: nodes kept, proofs of inclusion and consistency",
    "relaying": "the log to the broker's acknowledgement",
    "registry_writers": "200 clients who each write single list rows, the whole system beside them",
    "registry_promotion": "a whole register promoted by one grade, and put back",
    "changes": "a mass change of every student: preview, application, undoing",
    "matching_live": "the matching service alone: a county's events from the topic to decided rows",
    "matching_incremental": "single events beside a register of a million students: processor time, memory per million",
    "matching_workers": "list rows decided by one, two and three workers on one database",
    "registry_dry_run": "the check of a 10,000-row workbook: seconds and memory of the whole process",
    "registry_import": "100,000 students from xlsx and from csv to durable events",
    "staff_import": "a county's staff from a workbook of 10,000 rows: checked, taken in, sent again, passwords",
    "registry_search": "a student among a million by name, pinyin and number, as viewers see them; beside LIKE",
    "registry_scopes": "what a scope adds to a page of a million students: a division, a school, a class",
    "sse": "5,000 live inboxes open on one process: memory of each, time to the last of them",
    "inbox": "a storm of 100,000 alerts to the inboxes of 500 schools and the county",
    "alert_latency": "a class's report to the alert on an open page, the whole system beside it",
    "pages": "50 people of every kind of post: sign-in, their pages at 300 a minute and as fast as they come",
    "live": "the whole system: files to rosters, a pushed row to an open page, memory of all processes",
}
# These print their own lines, because they start peers and workers as processes.
PROGRAMS = {
    "attendance": "a day's class reports of a million children to alerts, on one worker and two; beside plain Faust",
    "host": "topic to projection, beside plain Faust and Quix Streams",
    "linkage_gold": "the score on public data with known matches (febrl3, febrl4, RLdata10000), beside Splink",
    "matching_quality": "simulated counties of three levels of error and traps: who is linked, missed or mistaken",
    "permission_mutation": "the permission core made wrong in one place after the other, and what its tests notice",
    "matching_speed": "rollcall match on 1,000,000 students × 300,000 rows, beside Splink",
}


def register(app: typer.Typer) -> None:
    """Add the command `bench` to the application."""
    app.command("bench")(bench_command)


def bench_command(
    name: Annotated[str | None, typer.Argument(help="One benchmark; all of them unless given.")] = None,
    events: Annotated[int | None, typer.Option("--events", min=1_000, help="Events per measure.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Only name the benchmarks.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print results for machines.")] = False,
) -> None:
    """Measure this machine: PostgreSQL and Kafka are started for it in a temporary home and removed again.

    Exit codes: 0 done, whatever the figures say; 2 usage.
    """
    known = BENCHMARKS | PROGRAMS
    if name is not None and name not in known:
        raise typer.BadParameter(f"there is no benchmark {name}; there are {', '.join(known)}")
    if list_only:
        for each, what in known.items():
            print(f"{each:20} {what}")
        return
    results = []
    for each in [name] if name else list(known):
        if each in PROGRAMS:
            _program(each, events)
            continue
        parameters: dict[str, Any] = {} if events is None else {"events": events}
        console = Console(stderr=True)
        with console.status(f"{each}: {known[each]} …"):
            result = importlib.import_module(f"bench.{each}").run(**parameters)
        results.append(result.as_json())
        if not as_json:
            wide = None if sys.stdout.isatty() else WIDTH
            result.show(Console(width=wide))
    if as_json and results:
        print(json.dumps(results, ensure_ascii=False, indent=2))


def _program(name: str, events: int | None) -> None:
    command = [sys.executable, "-m", f"bench.{name}"]
    subprocess.run([*command, *([] if events is None else ["--events", str(events)])], check=True)
