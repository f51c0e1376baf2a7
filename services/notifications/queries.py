"""The alerts people see: plain SELECTs, true on a day, within the viewer's rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, and_, func, select

from services.notifications.case_events import Level
from services.notifications.cases.case_plan import CasePlan, deadline
from services.notifications.cases.escalating import plan_on
from services.notifications.cases.saved_views import GRADES, SavedView, window
from services.notifications.cases.urgency import CIRCUMSTANCES, RANK_MOST, circumstances, rank
from services.notifications.events import AlertKind
from services.notifications.signals import explanations as signals
from services.notifications.signals.memory import calendars_on
from services.notifications.tables import ALERTS, CHILDREN, SCHOOLS
from shared.web.languages import Language
from shared.web.pages import PageTurn

State = Literal["open", "seen", "dropped_out", "withdrawn", "closed"]
OPEN: tuple[State, ...] = ("open", "seen", "dropped_out")

EXPLANATIONS: dict[str, tuple[str, str]] = {
    **signals.EXPLANATIONS,
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
    ``raised_on``/``raised_at``: when the alert was raised, for the n-th time (``times``). ``name`` is masked, empty for
    a child in no register and for a silent class, which ``subject`` names as stage/grade/class. ``level`` answers for
    it; ``due_on``: by when ``due_for`` must not be true any more, else ``then`` answers, too. ``priority`` None (then
    there is no deadline either): the row was read without judging it."""

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
    ends_on: date | None = None
    grade: str | None = None
    class_name: str | None = None
    times: int = 1
    level: Level = "school"
    attempted_on: date | None = None
    next_on: date | None = None
    next_step: str | None = None
    confirmed_on: date | None = None
    asked_on: date | None = None
    priority: int | None = None
    circumstances: list[str] = []
    siblings: int = 0
    due_on: date | None = None
    due_for: str | None = None
    then: Level | None = None


class AlertCount(BaseModel):
    """How many alerts of a kind are in a state."""

    kind: AlertKind
    state: State
    count: int


_A, _C, _N = ALERTS.c, CHILDREN.c, SCHOOLS.c


def _tables(day: date) -> FromClause:
    return ALERTS.table.outerjoin(CHILDREN.table, and_(_C.entity == _A.student_id, CHILDREN.holds_on(day))).outerjoin(
        SCHOOLS.table, and_(_N.code == _A.school_code, SCHOOLS.holds_on(day))
    )


def select_alerts(day: date, *more: ColumnElement[Any]) -> Select[Any]:
    """Every alert true on a day, with the child's class and the school's name."""
    columns = (*_A, _C.name_masked, _C.grade, _C.class_name, _N.name.label("school_name"))
    return select(*columns, *more).select_from(_tables(day)).where(ALERTS.holds_on(day))


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts; a condition that is None leaves none out. ``township`` is the beginning of a division code."""

    states: Sequence[State] = OPEN
    kind: AlertKind | None = None
    school: str | None = None
    student: UUID | None = None
    township: str | None = None
    grade: str | None = None
    class_name: str | None = None
    level: Level | None = None
    view: SavedView | None = None

    def conditions(self, day: date) -> list[ColumnElement[bool]]:
        """As conditions on ALERTS and CHILDREN."""
        found: list[ColumnElement[bool]] = [_A.state.in_(self.states)]
        for column, value in (
            (_A.kind, self.kind), (_A.school_code, self.school), (_A.student_id, self.student), (_C.grade, self.grade),
            (_C.class_name, self.class_name), (_A.level, self.level),
        ):  # fmt: skip
            if value is not None:
                found.append(column == value)
        if self.township is not None:
            found.append(_A.division_code.op("^@")(self.township))
        if self.view is not None:
            begins, ends = window(self.view, day)
            found += [_C.grade.in_(GRADES[self.view]), _A.since >= begins, _A.since < ends]
        return found


def alerts(
    connection: Connection, true_on: date, turn: PageTurn, asked: AlertFilter | None = None, language: Language = "zh"
) -> list[AlertRow]:
    """At most ``turn.fetch`` alerts, the most urgent first, then those that stand longest."""
    judged = Judged(connection, true_on)
    urgent = judged.rank.label("rank")
    statement = select_alerts(true_on, *judged.columns, urgent).where(*(asked or AlertFilter()).conditions(true_on))
    if turn.after is not None:
        statement = statement.where(turn.beyond(judged.rank, _A.raised_on, _A.entity))
    rows = connection.execute(statement.order_by(urgent, _A.raised_on, _A.entity).limit(turn.fetch))
    return [judged.row(row, language) for row in rows]


def alert_key(row: AlertRow) -> tuple[int, date, UUID]:
    """Where an alert stands in the list: what its cursor holds."""
    assert row.priority is not None  # a list's rows are judged
    return RANK_MOST - row.priority, row.raised_on, row.alert_id


def alerts_by_id(
    connection: Connection, true_on: date, ids: Sequence[UUID], language: Language = "zh", *, judged: bool = True
) -> dict[UUID, AlertRow]:
    """Those of these alerts that the viewer may see; not ``judged``: without priority and deadline, at a third of the
    cost, for whoever is told of each change."""
    if not judged:
        rows = connection.execute(select_alerts(true_on).where(_A.entity.in_(ids)))
        return {row.entity: _alert(row, language) for row in rows}
    by = Judged(connection, true_on)
    statement = select_alerts(true_on, *by.columns, by.rank.label("rank")).where(_A.entity.in_(ids))
    return {row.entity: by.row(row, language) for row in connection.execute(statement)}


class Judged:
    """Alerts with their priority and their deadline, by the plan and the calendars in force on a day."""

    def __init__(self, connection: Connection, day: date) -> None:
        in_force = plan_on(connection, day)
        self.plan = CasePlan() if in_force is None else in_force.plan
        found = circumstances(day)
        self.columns = [column.label(name) for name, column in found.items()]
        self.rank = rank(found, self.plan.weights)
        self._calendars = calendars_on(connection, day)

    def row(self, row: Row[Any], language: Language) -> AlertRow:
        """One alert as shown."""
        shown = _alert(row, language)
        shown.priority = RANK_MOST - row.rank
        shown.siblings = row.siblings
        shown.circumstances = [name for name in CIRCUMSTANCES if getattr(row, name)]
        if row.state in OPEN and row.level_on is not None:
            waits = deadline(row, self.plan, self._calendars.of(row.division_code or "", row.school_code))
            if waits is not None:
                shown.due_on, shown.due_for, shown.then = waits.due_on, waits.reason, waits.then
        return shown


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
    return [_alert(row, "zh") for row in connection.execute(select_alerts(true_on).order_by(_A.raised_on, _A.entity))]


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
        ends_on=row.ends_on,
        grade=row.grade,
        class_name=row.class_name,
        times=row.times or 1,
        level=row.level or "school",
        attempted_on=row.attempted_on,
        next_on=row.next_on,
        next_step=row.next_step,
        confirmed_on=row.confirmed_on,
        asked_on=row.asked_on,
    )
