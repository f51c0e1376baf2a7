"""What people see of reference data: rows true on a day, as known at a moment, and the history behind each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from pydantic import BaseModel
from sqlalchemy import Connection, select, text

from services.registry.reference.known_at import periods, rows_on
from services.registry.tables import CALENDARS, DIVISIONS, SCHOOLS
from shared.standards.division_history import CodeEra, DivisionHistory
from shared.standards.school_calendar import SchoolCalendar, ToldYear, calendar_for
from shared.web.languages import Language
from shared.web.pages import PageTurn

R = TypeVar("R")
HISTORY_ROWS = 200
CODE_CHARACTERS = 6  # of a county, which identity numbers begin with

_HISTORY = text("""
SELECT e.version, e.type, e.effective_on, l.recorded_at, e.data
FROM public.events e LEFT JOIN public.log l ON l.position = e.position
WHERE e.stream_id = :stream ORDER BY e.version DESC LIMIT :rows
""")
_WORDS: dict[str, tuple[str, str]] = {
    "SchoolRegistered": ("登记或变更", "Registered or changed"),
    "SchoolClosed": ("撤并", "Closed or merged"),
    "DivisionCodeAdded": ("启用或更名", "Added or renamed"),
    "DivisionCodeWithdrawn": ("撤销", "Withdrawn"),
    "SchoolCalendarActivated": ("启用校历", "Calendar activated"),
    "TermPlanActivated": ("启用学期任务安排", "Term plan activated"),
}


class SchoolOnDay(BaseModel):
    """A school on a day. ``township`` is the code of the township it stands in, where the division tells that much."""

    school_id: UUID
    school_code: str
    name: str
    former_names: tuple[str, ...]
    division_code: str
    division_name: str | None
    township: str | None
    stages: tuple[str, ...]
    closed: bool
    merged_into: str | None


class DivisionOnDay(BaseModel):
    """A division code on a day. ``successors`` are those in force on that day, itself while it is."""

    division_id: UUID
    code: str
    name: str
    in_force: bool
    since: date
    successors: tuple[str, ...]
    source: str


class CalendarRow(BaseModel):
    """A school year as one place tells it."""

    calendar_id: UUID
    division_code: str
    school_code: str | None
    school_year: int
    content_hash: str
    content: dict[str, Any]
    terms: int
    school_days: int


class ReferenceHappened(BaseModel):
    """Something that happened to a row. ``fields``: the fact as recorded; ``recorded_at`` None until it has its
    place."""

    version: int
    effective_on: date
    recorded_at: datetime | None
    type: str
    text: str
    fields: dict[str, Any]


def division_history(connection: Connection, known_at: datetime | None = None) -> DivisionHistory:
    """All eras of all codes."""
    return DivisionHistory(
        CodeEra(
            code=row["code"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            name=row["name"] or "",
            in_force=bool(row["in_force"]),
            successors=tuple(row["successors"] or ()),
        )
        for row in periods(connection, DIVISIONS, known_at)
    )


def schools_on(connection: Connection, day: date, known_at: datetime | None, turn: PageTurn) -> list[SchoolOnDay]:
    """At most ``turn.fetch`` schools by code."""
    names = division_history(connection, known_at)
    rows = (row for row in rows_on(connection, SCHOOLS, day, known_at) if row["code"])
    return _paged(rows, turn, "code", lambda row: _school(row, names, day))


def divisions_on(
    connection: Connection, day: date, known_at: datetime | None, turn: PageTurn, within: str, in_force: bool | None
) -> list[DivisionOnDay]:
    """At most ``turn.fetch`` codes that begin with ``within``, by code."""
    history = division_history(connection, known_at)
    rows = (
        row
        for row in rows_on(connection, DIVISIONS, day, known_at)
        if row["code"].startswith(within) and in_force in (None, row["in_force"])
    )
    return _paged(rows, turn, "code", lambda row: _division(row, history, day))


def calendars_on(connection: Connection, day: date, known_at: datetime | None) -> list[CalendarRow]:
    """Every calendar, the newest school year first, divisions before their schools."""
    found = [_calendar_row(row) for row in rows_on(connection, CALENDARS, day, known_at)]
    return sorted(found, key=lambda row: (-row.school_year, row.division_code, row.school_code or ""))


def calendar(
    connection: Connection, day: date, known_at: datetime | None, division: str, school: str | None
) -> SchoolCalendar:
    """The calendar of a place, as it stood on a day. Raises CalendarError when its years do not fit together."""
    told = (
        ToldYear(row["place"], row["school"], row["school_year"], row["content"])
        for row in rows_on(connection, CALENDARS, day, known_at)
    )
    return calendar_for(told, division, school)


def is_calendar(connection: Connection, calendar_id: UUID) -> bool:
    """Whether a stream is a calendar's: an id in an address may name anything else."""
    found = connection.execute(select(CALENDARS.c.entity).where(CALENDARS.c.entity == calendar_id).limit(1))
    return found.first() is not None


def happened(connection: Connection, stream: UUID, language: Language) -> list[ReferenceHappened]:
    """What happened to one row, newest first, HISTORY_ROWS at most."""
    found = []
    for version, name, effective_on, recorded_at, data in connection.execute(
        _HISTORY, {"stream": stream, "rows": HISTORY_ROWS}
    ):
        kind = name.split(".")[1]
        zh, en = _WORDS.get(kind, (kind, kind))
        fields = msgspec.json.decode(bytes(data))
        if isinstance(fields.get("content"), str):
            fields["content"] = msgspec.json.decode(fields["content"])
        found.append(
            ReferenceHappened(
                version=version,
                effective_on=effective_on,
                recorded_at=recorded_at,
                type=kind,
                text=zh if language == "zh" else en,
                fields=fields,
            )
        )
    return found


def _paged(rows: Iterable[dict[str, Any]], turn: PageTurn, key: str, made: Callable[[dict[str, Any]], R]) -> list[R]:
    ordered = sorted(rows, key=lambda row: str(row[key]))
    after = turn.after
    if after is not None and (len(after) != 1 or not isinstance(after[0], str)):
        turn.beyond()  # refuses another list's cursor
    beyond: Sequence[dict[str, Any]] = [row for row in ordered if after is None or row[key] > after[0]]
    return [made(row) for row in beyond[: turn.fetch]]


def _school(row: dict[str, Any], names: DivisionHistory, day: date) -> SchoolOnDay:
    code = row["division"] or ""
    return SchoolOnDay(
        school_id=row["entity"],
        school_code=row["code"],
        name=row["name"],
        former_names=tuple(row["former_names"] or ()),
        division_code=code,
        division_name=names.name_of(code, day) or names.name_of(code[:CODE_CHARACTERS], day),
        township=code[:9] if len(code) >= 9 else None,
        stages=tuple(row["stages"] or ()),
        closed=bool(row["closed"]),
        merged_into=row["merged_into"],
    )


def _division(row: dict[str, Any], history: DivisionHistory, day: date) -> DivisionOnDay:
    return DivisionOnDay(
        division_id=row["entity"],
        code=row["code"],
        name=row["name"] or "",
        in_force=bool(row["in_force"]),
        since=row["valid_from"],
        successors=history.successors(row["code"], day),
        source=row["source"] or "",
    )


def _calendar_row(row: dict[str, Any]) -> CalendarRow:
    told = [ToldYear(row["place"], row["school"], row["school_year"], row["content"])]
    own = calendar_for(told, row["place"], row["school"])
    terms = [term for year in own.years for term in year.terms]
    content: dict[str, Any] = msgspec.json.decode(row["content"])
    days = sum(len(own.school_days_between(term.first, term.last)) + own.is_school_day(term.last) for term in terms)
    return CalendarRow(
        calendar_id=row["entity"],
        division_code=row["place"],
        school_code=row["school"],
        school_year=row["school_year"],
        content_hash=row["content_hash"],
        content=content,
        terms=len(terms),
        school_days=days,
    )
