"""`up`, `down`, `status`, `test`: running the installation of this home, and the test suite."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.errors import StartRefused
from deploy.spec import PROJECT, Installation

WAITING = (
    "tests/faults",
    "tests/shared/messaging",
    "tests/deploy/test_install.py",
    "tests/deploy/test_supervisor.py",
    "tests/deploy/test_embedded.py",
    "tests/deploy/test_guarded_kafka.py",
)
WORKERS = 3  # each starts its own PostgreSQL and Kafka
NOTHING_RUN = 5  # pytest found no test that was asked for
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
FIGURES_TIMEOUT_SECONDS = 3.0


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
    app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []})(
        test
    )


def say(line: str) -> None:
    """Progress for a person, kept apart from results."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when all is ready and keep running.")] = False,
) -> None:
    """Start everything without sample data; Ctrl-C or `down` ends it."""
    from deploy import local

    installation = Installation.from_environment()
    if detach:
        state = local.ensure_running(installation, say)
        typer.echo(f"Running: {state.page}")
        return
    found = local.running(installation)
    if found is not None:
        typer.echo(f"Already running: {found.page}")
        return
    local.run_here(installation, say)


def down() -> None:
    """End everything this installation started; the data stay."""
    from deploy import local

    ended = local.bring_down(Installation.from_environment())
    typer.echo("Stopped." if ended else "Nothing was running.")


def status(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Show every process, and lag, backlog, dead letters and freshness per agency as the services report them.

    Exit code 0 when all parts are ready, 1 otherwise.
    """
    from deploy.status import gather

    report = gather(Installation.from_environment())
    if as_json:
        typer.echo(json.dumps(report.as_fields(), ensure_ascii=False, indent=1))
    else:
        _print_report(report)
    if not report.ready:
        raise typer.Exit(1)


def _print_report(report: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{report.phase}: {report.message}" if report.page is None else report.message)
    parts = Table("part", "state", "process", "port", "restarts", "memory MB", box=None)
    for part in report.parts:
        memory = "" if part.memory_bytes is None else f"{part.memory_bytes / 1e6:.0f}"
        cells = (part.name, part.state, str(part.pid or ""), str(part.port or ""), str(part.restarts), memory)
        parts.add_row(*cells)
    if report.parts:
        console.print(parts)
    if report.figures:
        figures = Table("service", "figure", "value", box=None)
        for figure in report.figures:
            figures.add_row(figure.part, figure.name, f"{figure.value:g}")
        console.print(figures)


def test(context: typer.Context) -> None:
    """Run the whole test suite, set-up included; every argument goes to pytest (`--long` adds the long tests)."""
    from deploy.install import InstallRefused, ensure_test_packages

    arguments = list(context.args)
    if not {"-h", "--help"} & set(arguments):
        try:
            ensure_test_packages(Installation.from_environment().home, Path(sys.prefix))
        except InstallRefused as refused:
            raise StartRefused(str(refused)) from refused
        _ensure_chromium()
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONSAFEPATH": "1"}
    # The tests make homes and ports of their own; the settings of this home must not reach them. Compiled modules are
    # kept: else every worker and every command the tests start would compile all of them again.
    settings = ("ROLLCALL_HOME", "ROLLCALL_PORT", "KAFKA_BOOTSTRAP_SERVERS", "ROLLCALL_ADMIN_DATABASE_URL")
    for name in (*settings, "PYTHONDONTWRITEBYTECODE"):
        variables.pop(name, None)
    codes = [_pytest(each, variables) for each in _runs(arguments)]
    wrong = [code for code in codes if code not in (0, NOTHING_RUN)]
    raise typer.Exit(wrong[0] if wrong else min(codes))


def _runs(arguments: list[str]) -> list[list[str]]:
    """The arguments of each run of pytest: as given where a test is named, else of the whole suite in two, in each of
    which one folder runs beside another. What stops, kills and times whole processes comes first, for it waits more
    than it works: beside the rest, which works all the time, it would wait longer still."""
    if any(not argument.startswith("-") and Path(argument.split("::")[0]).exists() for argument in arguments):
        return [arguments]
    first = [str(PROJECT / place) for place in WAITING]
    others = [str(PROJECT / "tests"), *(f"--ignore={place}" for place in first)]
    return [[*arguments, *tests, "-n", str(WORKERS), "--no-loadscope-reorder"] for tests in (first, others)]


def _pytest(arguments: list[str], variables: dict[str, str]) -> int:
    where = [f"--rootdir={PROJECT}", "-c", str(PROJECT / "pyproject.toml")]
    return subprocess.run([sys.executable, "-m", "pytest", *arguments, *where], env=variables, check=False).returncode


def _ensure_chromium() -> None:
    """The page's tests drive Debian's chromium; install it where we may, say how where we may not."""
    if any(shutil.which(name) for name in CHROMIUM_NAMES):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise StartRefused("the page's tests need chromium; install it (Debian: apt-get install chromium)")
    say("Installing chromium for the page's tests (once)")
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk"]):
        done = subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=300", *step],
            env=variables,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise StartRefused(f"chromium could not be installed ({words[-1] if words else 'apt-get failed'})")
