"""What became of the rows of one submission: every live row in exactly one state, with its reason (invariant 15)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, and_, func, select

from services.matching.explaining import explanation
from services.matching.outcome import State
from services.matching.tables import DECISIONS, ENTRIES
from shared.web.languages import Language

_D, _E = DECISIONS.c, ENTRIES.c


class ReasonCount(BaseModel):
    """Rows of one state for one reason."""

    state: State
    rule: str
    reason: str
    explanation: str
    count: int


class SubmissionStates(BaseModel):
    """The rows whose present content came with this submission and that stand on their list: ``rows`` is the sum of
    ``states`` and of ``waiting``, rows that just came and have no decision yet (or, for a viewer of a part of the
    division, one about a student elsewhere). Rows that a later submission restated count there."""

    submission_id: UUID
    list: str
    agency: str
    true_on: date
    rows: int
    states: dict[str, int]
    waiting: int
    reasons: tuple[ReasonCount, ...]


def submission_states(
    connection: Connection, day: date, submission_id: UUID, language: Language
) -> SubmissionStates | None:
    """None when the viewer may see no row of it."""
    tables = ENTRIES.table.outerjoin(DECISIONS.table, and_(_D.entity == _E.entity, DECISIONS.holds_on(day)))
    counted = connection.execute(
        select(_E.list, _E.agency, _D.state, _D.rule, _D.reason, func.count().label("number"))
        .select_from(tables)
        .where(ENTRIES.holds_on(day), _E.standing, _E.submission_id == submission_id)
        .group_by(_E.list, _E.agency, _D.state, _D.rule, _D.reason)
        .order_by(_D.state, func.count().desc(), _D.reason)
    ).all()
    if not counted:
        return None
    states = {state.value: 0 for state in State}
    waiting = 0
    for row in counted:
        if row.state is None:
            waiting += row.number
        else:
            states[row.state] += row.number
    return SubmissionStates(
        submission_id=submission_id,
        list=counted[0].list,
        agency=counted[0].agency,
        true_on=day,
        rows=sum(states.values()) + waiting,
        states=states,
        waiting=waiting,
        reasons=tuple(
            ReasonCount(
                state=row.state,
                rule=row.rule,
                reason=row.reason,
                explanation=explanation(row.reason, language),
                count=row.number,
            )
            for row in counted
            if row.state is not None
        ),
    )
