"""The rows of what was asked: plain SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import class_row

from services.audit.counterfactuals.answer import CounterfactualAnswer
from services.audit.counterfactuals.counterfactual_errors import NotDoneYet
from services.audit.events import CounterfactualAsked
from shared.kernel.refusals import Refusal

State = Literal["waiting", "running", "done", "refused", "failed"]
_COLUMNS = (
    "counterfactual_id, asked_by, asked_at, division_code, school_code, known_at, changes, state, rerun, fed, expected,"
    " wrong"
)
_OPEN = "state IN ('waiting', 'running')"


class Asked(NamedTuple):
    """One that was asked. ``rerun``: the one under way, control or changed, to which ``fed`` events were told of at
    most ``expected``; ``wrong``: why the changes cannot be made."""

    counterfactual_id: UUID
    asked_by: str
    asked_at: datetime
    division_code: str | None
    school_code: str | None
    known_at: datetime
    changes: list[dict[str, Any]]
    state: State
    rerun: str | None
    fed: int
    expected: int
    wrong: dict[str, Any] | None


def insert(raw: psycopg.Connection[Any], asked: CounterfactualAsked, changes: str, keep: int, expected: int) -> None:
    """Note one that was just asked; of older ones the last ``keep`` stay."""
    raw.execute(
        "INSERT INTO counterfactuals (counterfactual_id, asked_by, division_code, school_code, known_at, changes,"
        " expected) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (
            *(asked.counterfactual_id, asked.asked_by, asked.division_code, asked.school_code, asked.known_at, changes),
            expected,
        ),
    )
    raw.execute(
        "DELETE FROM counterfactuals WHERE counterfactual_id IN (SELECT counterfactual_id FROM counterfactuals"
        " WHERE state NOT IN ('waiting', 'running') ORDER BY asked_at DESC OFFSET %s)",
        (keep,),
    )


def one(raw: psycopg.Connection[Any], counterfactual_id: UUID) -> Asked | None:
    """The one with this id."""
    with raw.cursor(row_factory=class_row(Asked)) as cursor:
        statement = f"SELECT {_COLUMNS} FROM counterfactuals WHERE counterfactual_id = %s"
        return cursor.execute(statement.encode(), (counterfactual_id,)).fetchone()


def latest(raw: psycopg.Connection[Any], asked_by: str | None, count: int) -> list[Asked]:
    """Those that were asked, latest first; by this person, None: by anybody."""
    with raw.cursor(row_factory=class_row(Asked)) as cursor:
        statement = (
            f"SELECT {_COLUMNS} FROM counterfactuals WHERE %(by)s::text IS NULL OR asked_by = %(by)s"
            " ORDER BY asked_at DESC LIMIT %(count)s"
        )
        return cursor.execute(statement.encode(), {"by": asked_by, "count": count}).fetchall()


def answer(raw: psycopg.Connection[Any], asked: Asked) -> CounterfactualAnswer:
    """What came of it. Raises NotDoneYet."""
    row = raw.execute(
        "SELECT answer FROM counterfactuals WHERE counterfactual_id = %s", (asked.counterfactual_id,)
    ).fetchone()
    if row is None or row[0] is None:
        raise NotDoneYet("推演尚未完成", "there is no answer (yet)", state=asked.state)
    return CounterfactualAnswer.model_validate_json(row[0])


def progress(raw: psycopg.Connection[Any], counterfactual_id: UUID, rerun: str, fed: int) -> None:
    """How far it is."""
    raw.execute(
        "UPDATE counterfactuals SET state = 'running', rerun = %s, fed = %s WHERE counterfactual_id = %s",
        (rerun, fed, counterfactual_id),
    )


def done(raw: psycopg.Connection[Any], counterfactual_id: UUID, answer: str) -> None:
    """It is answered."""
    raw.execute(
        "UPDATE counterfactuals SET state = 'done', answer = %s WHERE counterfactual_id = %s",
        (answer, counterfactual_id),
    )


def refused(raw: psycopg.Connection[Any], counterfactual_id: UUID, refusal: Refusal) -> None:
    """Its changes cannot be made."""
    told = {"code": refusal.code, "zh": refusal.zh, "en": str(refusal), "facts": refusal.facts}
    raw.execute(
        "UPDATE counterfactuals SET state = 'refused', wrong = %s WHERE counterfactual_id = %s",
        (msgspec.json.encode(told).decode(), counterfactual_id),
    )


def failed(raw: psycopg.Connection[Any], counterfactual_id: UUID) -> None:
    """It came to nothing."""
    raw.execute("UPDATE counterfactuals SET state = 'failed' WHERE counterfactual_id = %s", (counterfactual_id,))


def give_up(raw: psycopg.Connection[Any], counterfactual_id: UUID, lock: int) -> None:
    """One that nobody works on any more has failed: whoever worked on it held this lock."""
    raw.execute(
        f"UPDATE counterfactuals SET state = 'failed' WHERE counterfactual_id = %s AND {_OPEN}"
        " AND pg_try_advisory_xact_lock(%s)",
        (counterfactual_id, lock),
    )
