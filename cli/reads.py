"""`./rollcall reads`: who saw whom in full, why, and under which scope."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Annotated, Any

import typer

from deploy.spec import Installation

ROWS = 200
UNUSUAL = ("day", "viewer", "reads", "students", "rows", "at_once", "at_night")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reads)


def reads(
    student: Annotated[
        uuid.UUID | None, typer.Option(help="Only of this student, and whole lists she may stand on.")
    ] = None,
    reader: Annotated[str | None, typer.Option(help="Only by this account.")] = None,
    since: Annotated[str | None, typer.Option(help="From this day on, e.g. 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="Up to this day.")] = None,
    act: Annotated[str | None, typer.Option(help="Only one kind of act: read, export or refused.")] = None,
    unusual: Annotated[bool, typer.Option("--unusual", help="Days of readers that are worth a question.")] = False,
) -> None:
    """Show reads of personal data, exports and refusals, latest first, one a line: moment, reader, what, whom or
    where, why."""
    from cli.session import Session

    if student is not None and (reader or since or until or act or unusual):
        raise typer.BadParameter("--student goes with nothing else")
    days = {"since": _day(since), "until": _day(until)}
    given = {name: value for name, value in days.items() if value is not None}
    with Session(Installation.from_environment(), "auditor") as session:
        if unusual:
            for row in session.get("audit", "/v1/reads/unusual", **given)["items"]:
                counts = (
                    str(row[name]) for name in ("day", "viewer", "reads", "students", "rows", "at_once", "at_night")
                )
                typer.echo("\t".join((*counts, " ".join(row["unusual"]))))
            return
        path = "/v1/reads" if student is None else f"/v1/reads/of/{student}"
        if reader is not None:
            given["reader"] = reader
        if act is not None:
            given["act"] = act
        after: dict[str, Any] = {}
        while True:
            page = session.get("audit", path, limit=ROWS, **given, **after)
            for row in page["items"]:
                whom = row["student_id"] or row["subject_id"] or row["route"] or ""
                why = row["purpose"] or " ".join(str(each) for each in (row["reason"], row["times"]) if each)
                typer.echo("\t".join((row["read_at"], row["viewer"], row["kind"], whom, why)))
            if page["next"] is None:
                return
            after = {"after": page["next"]}


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{text} is not a day such as 2026-11-01") from None
