"""Issued reports read back: the list, one with its editions, what is due and what is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, func, select, tuple_

from services.notifications.report_events import PeriodKind, ReportLevel
from services.notifications.reports.compiling import Place, places_of
from services.notifications.reports.reading import Schools
from services.notifications.reports.report_periods import LEVELS, Period, ended_before
from services.notifications.reports.report_view import LIVED, REPORTING_SCHOOLS, REPORTS
from services.notifications.signals.memory import calendars_on
from shared.standards.division import area
from shared.web.pages import PageTurn

PERIODS_SHOWN = 6  # of each level in the overview
_R, _S = REPORTS.c, REPORTING_SCHOOLS.c
_HEAD = (
    "report_id", "level", "period", "period_name", "first", "last", "edition", "division_code", "school_code",
    "issued_on", "issued_at", "content_hash",
)  # fmt: skip


class ReportHead(BaseModel):
    """An issued report; ``edition`` is the latest one. ``school_name``: today's."""

    report_id: UUID
    level: ReportLevel
    period: PeriodKind
    period_name: str
    first: date
    last: date
    edition: int
    division_code: str
    school_code: str | None
    school_name: str | None = None
    issued_on: date
    issued_at: datetime
    content_hash: str


class ReportRow(BaseModel):
    """One row of a report: a school or the lower level's place (empty: children of no school), and its figures."""

    place: str
    name: str | None
    figures: dict[str, int]


class ConfirmedRow(BaseModel):
    """New dropouts of a township, school and grade."""

    township: str
    school_code: str
    school_name: str | None
    grade: str
    children: int


class Figures(BaseModel):
    """What a report says. ``not_covered``: codes of what it does not cover."""

    level: ReportLevel
    division_code: str
    school_code: str | None
    school_name: str | None = None
    period: PeriodKind
    period_name: str
    first: date
    last: date
    figures: dict[str, int]
    rows: list[ReportRow]
    confirmed: list[ConfirmedRow]
    not_covered: list[str]
    rules_hash: str | None
    plan_hash: str | None
    content_hash: str


class Edition(BaseModel):
    """One edition; ``differences``: figure or row/figure → before and after."""

    edition: int
    issued_on: date
    issued_at: datetime
    issued_by: str
    content_hash: str
    differences: dict[str, tuple[int, int]]


class Report(Figures):
    """One edition of an issued report, with all of them. ``cut``: by service the last log index of each partition."""

    report_id: UUID
    edition: int
    issued_on: date
    issued_at: datetime
    cut: dict[str, list[int]]
    editions: list[Edition]


class DueRow(BaseModel):
    """A period of a level: how many of the viewer's places have to report, and how many reports are there."""

    level: ReportLevel
    period: PeriodKind
    period_name: str
    first: date
    last: date
    due: int
    issued: int
    missing: list[str]


@dataclass(frozen=True)
class ReportFilter:
    level: ReportLevel | None = None
    school: str | None = None
    division: str | None = None
    first: date | None = None
    last: date | None = None


def listed(connection: Connection, turn: PageTurn, asked: ReportFilter, day: date) -> list[ReportHead]:
    """At most ``turn.fetch`` reports in their latest edition, the newest period first."""
    newest = select(_R.report_id, func.max(_R.edition).label("edition")).group_by(_R.report_id).subquery()
    statement = select(*(_R[name] for name in _HEAD)).join(
        newest, (newest.c.report_id == _R.report_id) & (newest.c.edition == _R.edition)
    )
    if asked.level is not None:
        statement = statement.where(_R.level == asked.level)
    if asked.school is not None:
        statement = statement.where(_R.school_code == asked.school)
    if asked.division is not None:
        statement = statement.where(_R.division_code.startswith(area(asked.division), autoescape=True))
    if asked.first is not None:
        statement = statement.where(_R.last >= asked.first)
    if asked.last is not None:
        statement = statement.where(_R.first <= asked.last)
    if turn.after is not None:
        turn.beyond(_R.last, _R.report_id)  # refuses another list's cursor
        last, report_id = turn.after
        statement = statement.where(tuple_(_R.last, _R.report_id) < tuple_(last, report_id))
    statement = statement.order_by(_R.last.desc(), _R.report_id.desc()).limit(turn.fetch)
    names = school_names(connection, day)
    return [ReportHead(**row._mapping, school_name=names.get(row.school_code)) for row in connection.execute(statement)]


def report(connection: Connection, report_id: UUID, edition: int | None, day: date) -> Report | None:
    """An edition (default the latest) with all of them; None for one the viewer has not."""
    rows = connection.execute(select(REPORTS.table).where(_R.report_id == report_id).order_by(_R.edition)).all()
    shown = next((row for row in reversed(rows) if edition in (None, row.edition)), None)
    if shown is None:
        return None
    told = figures_of(shown.content, shown.content_hash, school_names(connection, day))
    return Report(
        **told.model_dump(),
        report_id=report_id,
        edition=shown.edition,
        issued_on=shown.issued_on,
        issued_at=shown.issued_at,
        cut=shown.cut,
        editions=[_edition(row) for row in rows],
    )


def figures_of(content: str, content_hash: str, names: dict[str, str]) -> Figures:
    """A report's canonical text, read."""
    told = json.loads(content)
    heads = told["names"]
    return Figures(
        **{name: told[name] for name in Figures.model_fields if name in told and name not in ("rows", "confirmed")},
        school_name=names.get(told["school_code"] or ""),
        rows=[
            ReportRow(place=place, name=names.get(place), figures=dict(zip(heads, values, strict=True)))
            for place, *values in told["rows"]
        ],
        confirmed=[
            ConfirmedRow(
                township=township, school_code=school, school_name=names.get(school), grade=grade, children=children
            )
            for township, school, grade, children in told["confirmed"]
        ],
        content_hash=content_hash,
    )


def school_names(connection: Connection, day: date) -> dict[str, str]:
    """The names of the schools in the viewer's scope."""
    statement = select(_S.school_code, _S.name).where(REPORTING_SCHOOLS.holds_on(day))
    return {code: name for code, name in connection.execute(statement) if code and name}


def overview(connection: Connection, division: str, day: date, school_only: bool) -> list[DueRow]:
    """应报/已报: the last periods of each level that ended since this installation lives, the newest first, with the
    places that have no report yet. ``school_only``: a school answers for its own report alone."""
    since = connection.execute(select(func.min(LIVED.c.day))).scalar_one_or_none()
    calendar = calendars_on(connection, day).of(division, None)
    found: list[DueRow] = []
    for level, kind in LEVELS.items():
        if since is None or (school_only and level != "school"):
            continue
        period = ended_before(kind, day, calendar)
        for _ in range(PERIODS_SHOWN):
            if period is None or period.last < since:
                break
            found.append(_due(connection, level, period, division))
            period = ended_before(kind, period.first, calendar)
    return found


def every_report(connection: Connection, true_on: date) -> list[ReportHead]:
    """Every edition issued by a day, for a replay: its caller bounds the events behind it."""
    statement = select(*(_R[name] for name in _HEAD)).where(_R.issued_on <= true_on)
    rows = connection.execute(statement.order_by(_R.issued_at, _R.report_id))
    return [ReportHead(**row._mapping) for row in rows]


def _due(connection: Connection, level: ReportLevel, period: Period, division: str) -> DueRow:
    on = connection.execute(
        select(_S.school_code, _S.division_code, _S.closed).where(REPORTING_SCHOOLS.holds_on(period.last))
    ).all()
    schools = Schools(
        {row.school_code: row.division_code for row in on},
        frozenset(row.school_code for row in on if not row.closed),
    )
    places = {place.key for place in places_of(level, schools, division)}
    there = {
        Place(row.division_code, row.school_code).key
        for row in connection.execute(
            select(_R.division_code, _R.school_code).where(
                _R.level == level, _R.period_name == period.name, _R.edition == 1
            )
        )
    }
    missing = sorted(places - there)
    return DueRow(
        level=level,
        period=period.kind,
        period_name=period.name,
        first=period.first,
        last=period.last,
        due=len(places),
        issued=len(places & there),
        missing=missing[:50],
    )


def _edition(row: Row[Any]) -> Edition:
    return Edition(
        edition=row.edition,
        issued_on=row.issued_on,
        issued_at=row.issued_at,
        issued_by=row.issued_by,
        content_hash=row.content_hash,
        differences={key: (before, after) for key, (before, after) in row.differences.items()},
    )
