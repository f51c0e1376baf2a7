"""Every list row with the one state it is in, and why (invariant 15): what review, desk and report show in parts."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, any_, literal, or_, true

from services.matching.explaining import explanation
from services.matching.outcome import State
from services.matching.queries import decided_rows
from services.matching.tables import DECISIONS
from shared.kernel.masking import mask_name

_D = DECISIONS.c


class RowState(BaseModel):
    """A list row as it was decided; ``decision_event_id`` is the decision's own event. ``rule``, ``score`` and
    ``reason`` are the decision's; ``row`` counts from 1 in its file."""

    entry_id: UUID
    list: str
    agency: str
    row: int | None
    name: str
    state: State
    student_id: UUID | None
    candidates: tuple[UUID, ...]
    rule: str
    score: float
    reason: str
    explanation: str
    school_age: bool | None
    since: date
    division_code: str
    school_code: str | None
    decision_event_id: UUID


def every_row_state(connection: Connection, true_on: date) -> list[RowState]:
    """All rows that are on a list on the day, by list and id."""
    return _states(connection, true_on, true())


def row_states_of(connection: Connection, true_on: date, student_id: UUID) -> list[RowState]:
    """The rows that are linked to a student, or that may be about her."""
    candidate = literal(student_id, _D.student_id.type) == any_(_D.candidates)
    return _states(connection, true_on, or_(_D.student_id == student_id, candidate))


def _states(connection: Connection, day: date, whose: ColumnElement[bool]) -> list[RowState]:
    statement = decided_rows(day).where(_D.state.is_not(None), whose).order_by(_D.list, _D.entity)
    return [
        RowState(
            entry_id=row.entity,
            list=row.list,
            agency=row.agency,
            row=row.row,
            name=mask_name(row.name),
            state=row.state,
            student_id=row.student_id,
            candidates=tuple(row.candidates),
            rule=row.rule,
            score=float(row.score),
            reason=row.reason,
            explanation=explanation(row.reason, "zh"),
            school_age=row.school_age,
            since=row.valid_from,
            division_code=row.division_code,
            school_code=row.school_code,
            decision_event_id=row.event_id,
        )
        for row in connection.execute(statement)
    ]
