"""What people read of models: those that decided, those that were proposed, and the rows that these would change."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from pydantic import BaseModel
from sqlalchemy import Connection

from services.matching.active_model import Activation, ActiveModel
from services.matching.model_diff import ChangedRow, Ending
from services.matching.model_proposals import ROW, changed_row
from services.matching.outcome import State
from shared.database.database import driver
from shared.standards.separation import MODELS_ACTIVATE

PROPOSALS_LISTED_MOST = 50
_PROPOSED = """
SELECT proposal_id, content_hash AS hash, name, version, base_hash, proposed_by, proposed_at, state, rows_done,
    rows_total, finished_at, report_hash
FROM public.model_proposals WHERE %(id)s::uuid IS NULL OR proposal_id = %(id)s
ORDER BY proposed_at DESC LIMIT %(most)s
"""
_CHANGED = f"""
SELECT {ROW} FROM public.model_changed_rows
WHERE proposal_id = %(id)s AND (%(beyond)s::uuid IS NULL OR entry_id > %(beyond)s)
  AND (%(before)s::text IS NULL OR before_state = %(before)s)
  AND (%(after)s::text IS NULL OR after_state = %(after)s)
  AND {{kind}}
ORDER BY entry_id LIMIT %(limit)s
"""
# The rows behind each of the report's sums (model_diff.report).
ChangeKind = Literal["newly_linked", "links_lost", "links_moved", "reviews_opened", "reviews_closed"]
_KINDS: dict[ChangeKind | None, str] = {
    None: "true",
    "newly_linked": "before_state <> 'linked' AND after_state = 'linked'",
    "links_lost": "before_state = 'linked' AND after_state <> 'linked'",
    "links_moved": "before_state = 'linked' AND after_state = 'linked'",
    "reviews_opened": "before_state <> 'review' AND after_state = 'review'",
    "reviews_closed": "before_state = 'review' AND after_state <> 'review'",
}


class ActivatedModel(BaseModel):
    """A model that was put in force. Decisions name it by the first digits of its hash. ``automatic`` and ``review``
    are its thresholds in log2 units; ``recorded_at`` is None for the moment until the event has its place in the log;
    ``replaces`` and ``report_hash`` are None of the first model."""

    hash: str
    name: str
    version: str
    automatic: float
    review: float
    effective_on: date
    recorded_at: datetime | None
    activated_by: str
    proposed_by: str | None
    replaces: str | None
    report_hash: str | None


class Models(BaseModel):
    """``in_force`` decides; ``former`` did, the last first. ``taking_over``: rows are still being decided again."""

    in_force: ActivatedModel
    taking_over: bool
    former: tuple[ActivatedModel, ...]


class ProposedModel(BaseModel):
    """A model somebody proposed. ``base_hash``: the model its report compares it with. ``state``: computing
    (``rows_done`` of ``rows_total``), ready, failed, outdated (another model came into force) or activated."""

    proposal_id: UUID
    hash: str
    name: str
    version: str
    base_hash: str
    proposed_by: str
    proposed_at: datetime
    state: str
    rows_done: int
    rows_total: int | None
    finished_at: datetime | None
    report_hash: str | None


class Proposal(ProposedModel):
    """``report`` as it was hashed, None until it is complete. ``may_activate``: the report is ready and the viewer
    may activate models and is not the proposer."""

    report: dict[str, Any] | None
    may_activate: bool


class RowEnding(BaseModel):
    """``student_id``: whom the row is linked to."""

    state: State
    student_id: UUID | None
    rule: str
    score: float


class ChangedListRow(BaseModel):
    """A list row that would end in another state, or be linked to another student."""

    entry_id: UUID
    before: RowEnding
    after: RowEnding


def models(connection: Connection, active: ActiveModel) -> Models:
    """Every model that ever decided."""
    raw = driver(connection)
    times = active.recorded(connection)
    found = [_activated(each, times.get(each.event_id)) for each in active.activations(connection)]
    taking_over = raw.execute("SELECT FROM public.matching_work WHERE kind = 'model' LIMIT 1").fetchone() is not None
    return Models(in_force=found[-1], taking_over=taking_over, former=tuple(reversed(found[:-1])))


def proposed(raw: psycopg.Connection[Any], proposal_id: UUID | None = None) -> list[ProposedModel]:
    """One proposal, or the newest PROPOSALS_LISTED_MOST."""
    with raw.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_PROPOSED, {"id": proposal_id, "most": PROPOSALS_LISTED_MOST}).fetchall()
    return [ProposedModel(**row) for row in found]


def proposal(raw: psycopg.Connection[Any], proposal_id: UUID, reader: str, *, activates: bool) -> Proposal | None:
    """One proposal with its report, as ``reader`` may act on it."""
    found = proposed(raw, proposal_id)
    row = raw.execute("SELECT report FROM public.model_proposals WHERE proposal_id = %s", (proposal_id,)).fetchone()
    if not found or row is None:
        return None
    told = found[0]
    return Proposal(
        **told.model_dump(),
        report=None if row[0] is None else json.loads(row[0]),
        may_activate=activates and told.state == "ready" and not MODELS_ACTIVATE.forbids(told.proposed_by, reader),
    )


class Sought(NamedTuple):
    """Which of the rows that change are asked for; None asks for all."""

    before_state: State | None = None
    after_state: State | None = None
    kind: ChangeKind | None = None


def changed(
    raw: psycopg.Connection[Any], proposal_id: UUID, sought: Sought, beyond: UUID | None, limit: int
) -> list[ChangedListRow]:
    """The rows beyond this one that change, by id."""
    given: dict[str, object] = {"id": proposal_id, "beyond": beyond, "limit": limit}
    given |= {"before": sought.before_state, "after": sought.after_state}
    return [_changed(changed_row(*row)) for row in raw.execute(_CHANGED.format(kind=_KINDS[sought.kind]), given)]


def _activated(activation: Activation, recorded_at: datetime | None) -> ActivatedModel:
    fact, raw = activation.fact, json.loads(activation.fact.content)
    return ActivatedModel(
        hash=fact.content_hash,
        name=raw["name"],
        version=raw["version"],
        automatic=raw["thresholds"]["automatic"],
        review=raw["thresholds"]["review"],
        effective_on=activation.effective_on,
        recorded_at=recorded_at,
        activated_by=fact.activated_by,
        proposed_by=fact.proposed_by,
        replaces=fact.replaces,
        report_hash=fact.report_hash,
    )


def _changed(row: ChangedRow) -> ChangedListRow:
    return ChangedListRow(entry_id=row.entry_id, before=_ending(row.before), after=_ending(row.after))


def _ending(side: Ending) -> RowEnding:
    return RowEnding(state=State(side.state), student_id=side.student_id, rule=side.rule, score=side.score)
