"""The alerts people see: plain SELECTs, true on a day, within the viewer's rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, Select, and_, func, select

from services.notifications.events import AlertKind
from services.notifications.tables import ALERTS, CHILDREN, SCHOOLS
from shared.web.languages import Language
from shared.web.pages import PageTurn

State = Literal["open", "seen", "withdrawn", "closed"]
OPEN: tuple[State, ...] = ("open", "seen")

EXPLANATIONS: dict[str, tuple[str, str]] = {
    "listed_but_in_no_register": (
        "在名单({lists})上且属义务教育学龄,学籍中未找到",
        "On a list ({lists}) and of school age, in no register",
    ),
    "left_and_not_accepted_in_time": (
        "{left_on} 转出,{days} 天内没有学校接收",
        "Left on {left_on}; no school accepted within {days} days",
    ),
    "dropped_out_of_compulsory_school": (
        "{left_on} 起辍学,仍在义务教育阶段",
        "Dropped out on {left_on}, still of compulsory age",
    ),
}


class AlertRow(BaseModel):
    """One alert. ``state`` open: nobody has read it yet. ``since``: from when the child may be out of school;
    ``raised_on``/``raised_at``: when the alert was raised. ``name`` is masked, empty for a child in no register and for
    a silent class, which ``subject`` names as stage/grade/class."""

    alert_id: UUID
    kind: AlertKind
    state: State
    student_id: UUID | None
    entry_id: UUID | None
    subject: str | None
    name: str
    division_code: str
    school_code: str | None
    school_name: str | None
    since: date
    raised_on: date
    raised_at: datetime
    explanation_code: str
    explanation: str
    facts: dict[str, str]
    evidence: list[UUID]
    seen_by: str | None
    ended_reason: str | None
    ended_evidence: str | None


class AlertCount(BaseModel):
    """How many alerts of a kind are in a state."""

    kind: AlertKind
    state: State
    count: int


_A, _C, _N = ALERTS.c, CHILDREN.c, SCHOOLS.c


def _alerts(day: date) -> Select[Any]:
    tables = ALERTS.table.outerjoin(CHILDREN.table, and_(_C.entity == _A.student_id, CHILDREN.holds_on(day))).outerjoin(
        SCHOOLS.table, and_(_N.code == _A.school_code, SCHOOLS.holds_on(day))
    )
    return select(*_A, _C.name_masked, _N.name.label("school_name")).select_from(tables).where(ALERTS.holds_on(day))


def alerts(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    states: Sequence[State] = OPEN,
    kind: AlertKind | None = None,
    school: str | None = None,
    student: UUID | None = None,
    language: Language = "zh",
) -> list[AlertRow]:
    """At most ``turn.fetch`` alerts in one of ``states``, longest standing first."""
    statement = _alerts(true_on).where(_A.state.in_(states))
    if kind is not None:
        statement = statement.where(_A.kind == kind)
    if school is not None:
        statement = statement.where(_A.school_code == school)
    if student is not None:
        statement = statement.where(_A.student_id == student)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_A.raised_on, _A.entity))
    rows = connection.execute(statement.order_by(_A.raised_on, _A.entity).limit(turn.fetch))
    return [_alert(row, language) for row in rows]


def alerts_by_id(
    connection: Connection, true_on: date, ids: Sequence[UUID], language: Language = "zh"
) -> dict[UUID, AlertRow]:
    """Those of these alerts that the viewer may see."""
    rows = connection.execute(_alerts(true_on).where(_A.entity.in_(ids)))
    return {row.entity: _alert(row, language) for row in rows}


def visible_ids(connection: Connection, true_on: date, count: int) -> set[UUID]:
    """The ids of the open alerts the viewer sees now, at most ``count``."""
    statement = select(_A.entity).where(ALERTS.holds_on(true_on), _A.state.in_(OPEN)).limit(count)
    return set(connection.execute(statement).scalars())


def counts(connection: Connection, true_on: date) -> list[AlertCount]:
    """Alerts per kind and state."""
    columns = (_A.kind, _A.state, func.count().label("count"))
    statement = select(*columns).where(ALERTS.holds_on(true_on)).group_by(_A.kind, _A.state).order_by(_A.kind, _A.state)
    return [AlertCount.model_validate(dict(row._mapping)) for row in connection.execute(statement)]


def every_alert(connection: Connection, true_on: date) -> list[AlertRow]:
    """The whole alerts view, for a replay: its caller bounds the events behind it."""
    return [_alert(row, "zh") for row in connection.execute(_alerts(true_on).order_by(_A.raised_on, _A.entity))]


def _alert(row: Row[Any], language: Language) -> AlertRow:
    zh, en = EXPLANATIONS[row.explanation_code]
    return AlertRow(
        alert_id=row.entity,
        kind=row.kind,
        state=row.state,
        student_id=row.student_id,
        entry_id=row.entry_id,
        subject=row.subject,
        name=row.name_masked or "",
        division_code=row.division_code,
        school_code=row.school_code,
        school_name=row.school_name,
        since=row.since,
        raised_on=row.raised_on,
        raised_at=row.raised_at,
        explanation_code=row.explanation_code,
        explanation=(en if language == "en" else zh).format(**row.facts),
        facts=row.facts,
        evidence=row.evidence,
        seen_by=row.seen_by,
        ended_reason=row.ended_reason,
        ended_evidence=row.ended_evidence,
    )
