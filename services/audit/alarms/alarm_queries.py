"""Alarms as people see them, and the history of comparisons. Neither holds anything personal."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any, Literal

import psycopg
from pydantic import BaseModel
from sqlalchemy import Connection

from services.audit.alarms.alarm_folds import ALARMS_VIEW
from services.audit.alarms.alarm_tables import ALARM_NOTES
from shared.database.database import driver
from shared.messaging.builds import enter_live

State = Literal["open", "acknowledged", "over"]


class NoteRow(BaseModel):
    """Who has taken note of an alarm, and what they wrote."""

    note: str
    by: str
    at: datetime


class AlarmRow(BaseModel):
    """The first wrong index of a kind in a log. ``state``: open until a person has taken note; acknowledged until the
    log's store and topic were each compared anew from end to end without a difference since it was raised; then over.
    It never goes away."""

    service: str
    kind: str
    log_index: int
    detail: str
    raised_at: datetime
    state: State
    notes: list[NoteRow]


class Standing(BaseModel):
    """``open``: alarms of which nobody has taken note; ``acknowledged``: those that somebody has, and that still
    stand. ``first``: the oldest of them."""

    open: int
    acknowledged: int
    first: AlarmRow | None


class ComparisonRow(BaseModel):
    """A day of comparing all of a log: its rounds, how many of them green, over how many events the last one went,
    when it ended, when the last green one did, and the first index that was wrong."""

    service: str
    compared: str
    day: date
    rounds: int
    green: int
    size: int
    ended_at: datetime
    green_at: datetime | None
    first_wrong: int | None


def alarms(connection: Connection, limit: int) -> list[AlarmRow]:
    """The alarms, latest first."""
    raw = driver(connection)
    green = _last_green(raw)
    rows = raw.execute(
        "SELECT service, kind, log_index, detail, raised_at FROM alarms ORDER BY id DESC LIMIT %s", (limit,)
    ).fetchall()
    notes = _notes(connection)
    found = []
    for service, kind, log_index, detail, raised_at in rows:
        told = notes.get((service, kind, log_index), [])
        over = raised_at < green.get(service, datetime.min.replace(tzinfo=UTC))
        state: State = "open" if not told else "over" if over else "acknowledged"
        found.append(
            AlarmRow(
                service=service,
                kind=kind,
                log_index=log_index,
                detail=detail,
                raised_at=raised_at,
                state=state,
                notes=told,
            )
        )
    return found


def standing(connection: Connection, limit: int) -> Standing:
    """What of it stands now."""
    found = [alarm for alarm in alarms(connection, limit) if alarm.state != "over"]
    opened = sum(alarm.state == "open" for alarm in found)
    return Standing(open=opened, acknowledged=len(found) - opened, first=found[-1] if found else None)


def known(raw: psycopg.Connection[Any], service: str, kind: str, log_index: int) -> bool:
    """Whether there is such an alarm."""
    row = raw.execute(
        "SELECT 1 FROM alarms WHERE service = %s AND kind = %s AND log_index = %s", (service, kind, log_index)
    ).fetchone()
    return row is not None


def comparisons(raw: psycopg.Connection[Any], since: date) -> list[ComparisonRow]:
    """Day by day, the latest first."""
    names = list(ComparisonRow.model_fields)
    rows = raw.execute(
        f"SELECT {', '.join(names)} FROM comparison_days WHERE day >= %s ORDER BY day DESC, service, compared".encode(),
        (since,),
    )
    return [ComparisonRow.model_validate(dict(zip(names, row, strict=True))) for row in rows]


def _last_green(raw: psycopg.Connection[Any]) -> dict[str, datetime]:
    """Log → since when both its comparisons were green: the earlier of the two last green rounds."""
    rows = raw.execute(
        "SELECT service, min(green_at) FROM (SELECT service, compared, max(green_at) AS green_at FROM comparison_days"
        " GROUP BY 1, 2) AS last GROUP BY 1 HAVING count(green_at) = 2"
    )
    return dict(rows.fetchall())


def _notes(connection: Connection) -> dict[tuple[str, str, int], list[NoteRow]]:
    enter_live(driver(connection), ALARMS_VIEW.name)
    columns = ("log", "kind", "wrong_index", "note", "acknowledged_by", "acknowledged_at")
    rows = driver(connection).execute(
        f"SELECT {', '.join(columns)} FROM {ALARM_NOTES.name} WHERE log IS NOT NULL"
        " ORDER BY acknowledged_at LIMIT 2000".encode()
    )
    found: dict[tuple[str, str, int], list[NoteRow]] = defaultdict(list)
    for log, kind, log_index, note, by, at in rows:
        found[log, kind, log_index].append(NoteRow(note=note, by=by, at=at))
    return found
