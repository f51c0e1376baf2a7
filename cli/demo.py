"""`./rollcall demo`: from a bare machine to a running county with its first numbers; run again, it only shows them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.session import Session, command_id_of, digest_of
from cli.system import say
from deploy.errors import StartRefused
from deploy.spec import Installation
from shared.kernel.clock import today

DIVISIONS = "divisions.xlsx"
FILES = (
    ("schools", "schools.xlsx"),
    ("students", "students.xlsx"),
    ("poverty", "poverty.xlsx"),
    ("civil", "civil.xlsx"),
    ("civil", "hardship.xlsx"),
    ("disability", "disability.xlsx"),
)
MATCHED_TIMEOUT_SECONDS = 300.0
CATEGORIES = (
    ("registered_poor", "建档立卡 registered poor"),
    ("disabled", "残疾 disabled"),
    ("subsistence_rural", "农村低保 rural subsistence allowance"),
    ("extreme_hardship", "特困 extreme hardship"),
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    students: Annotated[int, typer.Option(help="How many students the synthetic county has.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Which county: the same seed gives the same one.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers for machines.")] = False,
) -> None:
    """Start everything, fill it with a synthetic county and show the page's address and the first numbers."""
    from deploy import local

    installation = Installation.from_environment()
    if installation.environment == "production":
        raise StartRefused("the demonstration does not run with ROLLCALL_ENV=production")
    state = local.ensure_running(installation, say)
    county = _county(installation, students, seed)
    told = json.loads((county / "county.json").read_text("utf-8"))
    with Session(installation, "aid_clerk") as session:
        _tell_calendar(session, sample_calendar(installation.division, today()))
        _tell_divisions(session, county / DIVISIONS)
        rows, summary = fill(session, county, str(told["as_of"]), FILES)
    if as_json:
        typer.echo(json.dumps({"page": state.page, "students": students, "list_rows": rows, "summary": summary}))
        return
    _show(str(state.page), summary)


def _county(installation: Installation, students: int, seed: int) -> Path:
    """The folder of the county's files, made once; one that was interrupted is made anew."""
    from simulation.county import Settings, simulate

    folder = installation.home / "demo" / f"{students}-{seed}"
    if all((folder / name).exists() for name in ("county.json", DIVISIONS)):  # a version before wrote no divisions
        return folder
    say(f"Inventing a county of {students:,} students")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    simulate(Settings(students=students, seed=seed), partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return folder


def sample_calendar(division: str, day: date) -> dict[str, Any]:
    """A school calendar for the sample county, as the registry takes it: the school year around ``day``."""
    year = day.year if day.month >= 8 else day.year - 1
    terms = (
        (f"{year}-autumn", date(year, 9, 1), date(year + 1, 1, 20)),
        (f"{year + 1}-spring", date(year + 1, 3, 1), date(year + 1, 7, 5)),
    )
    holidays = (
        ("国庆节", date(year, 10, 1), date(year, 10, 7)),
        ("劳动节", date(year + 1, 5, 1), date(year + 1, 5, 3)),
    )

    def told(spans: tuple[tuple[str, date, date], ...]) -> list[dict[str, str]]:
        return [{"name": name, "first": first.isoformat(), "last": last.isoformat()} for name, first, last in spans]

    return {"division_code": division, "school_year": year, "terms": told(terms), "holidays": told(holidays)}


def _tell_calendar(session: Session, calendar: dict[str, Any]) -> None:
    """Before anything else, so that terms and their tasks have their days from the start."""
    year = calendar["school_year"]
    path = f"/v1/reference/calendars?as_of={year}-08-01"
    session.post("registry", path, calendar, command_id_of("demo", "calendar", str(year)))


def _tell_divisions(session: Session, file: Path) -> None:
    """As a clerk uploads them, before the lists: places of school registration are told by them."""
    say(f"Importing {file.name}")
    session.send_file("registry", "/v1/reference/divisions/uploads", file, command_id_of("demo", digest_of(file)))


def fill(session: Session, county: Path, as_of: str, files: Sequence[tuple[str, str]]) -> tuple[int, dict[str, Any]]:
    """Send every file and wait until all list rows are decided; their number and the roster's summary. A file that is
    in already answers with its old receipt."""
    rows = send_files(session, county, as_of, files)
    return rows, _matched(session, rows)


def send_files(session: Session, county: Path, as_of: str, files: Sequence[tuple[str, str]]) -> int:
    """Send every file; the number of list rows in them."""
    rows = 0
    for name, file_name in files:
        file = county / file_name
        say(f"Importing {file_name}")
        receipt = session.send_file(
            "registry",
            f"/v1/lists/{name}/submissions",
            file,
            command_id_of("demo", name, digest_of(file)),
            mode="snapshot",
            effective_on=as_of,
        )
        if name not in ("schools", "students"):
            rows += int(receipt["rows"])
    return rows


def _matched(session: Session, rows: int) -> dict[str, Any]:
    """The roster's summary once every list row is decided."""
    deadline = time.monotonic() + MATCHED_TIMEOUT_SECONDS
    told = -1
    while time.monotonic() < deadline:
        summary: dict[str, Any] = session.get("matching", "/v1/roster/summary")
        decided = sum(summary["states"].values())
        if decided >= rows and not _waiting(session, summary):
            return summary
        if decided != told:
            told = decided
            say(f"Matching: {decided:,} of {rows:,} list rows decided")
        time.sleep(0.5)
    raise StartRefused(f"only {told:,} of {rows:,} list rows were decided; ./rollcall status shows what waits")


def _waiting(session: Session, summary: dict[str, Any]) -> bool:
    """Whether decisions still change: the counts a moment later are others."""
    time.sleep(1.0)
    return bool(session.get("matching", "/v1/roster/summary") != summary)


def _show(page: str, summary: dict[str, Any]) -> None:
    states = summary["states"]
    unmatched = sum(states[name] for name in ("review", "not_in_register", "registered_elsewhere", "rejected"))
    typer.echo(f"\nRollcall is running: {page}\n")
    typer.echo("困难学生 students by category")
    for code, label in CATEGORIES:
        typer.echo(f"  {summary['categories'].get(code, 0):>7,}  {label}")
    typer.echo(f"  {summary['students']:>7,}  合计 together\n")
    for count, label in (
        (summary["unenrolled_listed"], "名单上学龄儿童、学籍中未找到 listed children of school age enrolled nowhere"),
        (states["linked"], "名单行已匹配 list rows matched"),
        (unmatched, f"名单行未匹配 list rows of aid age not matched (to review: {states['review']:,})"),
        (states["out_of_age"], "名单行不在资助年龄 list rows out of aid age"),
    ):
        typer.echo(f"  {count:>7,}  {label}")
    typer.echo("")
    typer.echo("./rollcall status shows every process, ./rollcall down ends them.")
