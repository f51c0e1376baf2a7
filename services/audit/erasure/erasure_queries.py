"""Who may be erased by the rule, what is asked for, and what is kept. Nothing here is personal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, or_, select

from services.audit.erasure import retention
from services.audit.erasure.erasure_folds import ERASURES
from services.audit.erasure.erasure_tables import PUPILS, RETENTION_RULES, STAFF, SUBJECTS
from services.audit.erasure.retention import FIRST_RULE, RetentionRule, canonical, content_hash
from shared.database.database import driver
from shared.messaging.builds import enter_live
from shared.web.pages import PageTurn


class Pupil(NamedTuple):
    """``left_on`` None: she is a student."""

    left_on: date | None
    division_code: str | None
    school_code: str | None


class RuleInForce(NamedTuple):
    rule: RetentionRule
    content_hash: str


class DueRow(BaseModel):
    """A student whose data the rule no longer lets anybody keep, since ``due_on``."""

    student_id: UUID
    left_on: date
    left_for: str | None
    due_on: date
    division_code: str | None
    school_code: str | None


class SubjectRow(BaseModel):
    """How erasure and hold of a student stand. ``erasure``: requested, approved, erased or empty; ``hold``: proposed,
    held, releasing or empty. ``asked_by`` and ``proposed_by`` cannot approve what they asked for."""

    student_id: UUID
    erasure: str
    ground: str | None
    reason: str | None
    asked_by: str | None
    asked_on: date | None
    approved_by: str | None
    erased_on: date | None
    hold: str
    hold_reason: str | None
    reference: str | None
    proposed_by: str | None
    hold_approved_by: str | None


_P, _S, _R = PUPILS.c, SUBJECTS.c, RETENTION_RULES.c
_SHOWN = [_S[name] for name in SubjectRow.model_fields]


def pupil(connection: Connection, student_id: UUID, day: date) -> Pupil | None:
    """Where she was last, on the day; None when the register never knew her."""
    _enter(connection)
    row = connection.execute(
        select(_P.left_on, _P.division_code, _P.school_code).where(_P.entity == student_id, PUPILS.holds_on(day))
    ).one_or_none()
    return None if row is None else Pupil(*row)


def has_account(connection: Connection, account_id: UUID, day: date) -> bool:
    """Whether somebody has or had an account of this id."""
    _enter(connection)
    found = select(STAFF.c.entity).where(STAFF.c.entity == account_id, STAFF.holds_on(day))
    return connection.execute(found).one_or_none() is not None


def rule_on(connection: Connection, day: date) -> RuleInForce:
    """The rule of retention in force; the first one before any was activated."""
    _enter(connection)
    row = connection.execute(
        select(_R.content, _R.content_hash).where(RETENTION_RULES.holds_on(day)).order_by(_R.log_index.desc()).limit(1)
    ).one_or_none()
    if row is None:
        return RuleInForce(FIRST_RULE, content_hash(canonical(FIRST_RULE)))
    return RuleInForce(retention.parse(row[0]), row[1])


def due(connection: Connection, day: date, turn: PageTurn) -> list[DueRow]:
    """Who is due on the day and is neither held nor asked about, longest first; at most ``turn.fetch``."""
    rule = rule_on(connection, day).rule
    asked = select(_S.student_id).where(or_(_S.erasure != "", _S.hold != ""))
    statement = select(_P.entity, _P.left_on, _P.left_for, _P.division_code, _P.school_code).where(
        PUPILS.holds_on(day), _P.left_on <= retention.left_until(rule, day), _P.entity.not_in(asked)
    )
    if turn.after is not None:
        statement = statement.where(turn.beyond(_P.left_on, _P.entity))
    rows = connection.execute(statement.order_by(_P.left_on, _P.entity).limit(turn.fetch))
    return [
        DueRow(
            student_id=row.entity,
            left_on=row.left_on,
            left_for=row.left_for,
            due_on=retention.due_on(rule, row.left_on),
            division_code=row.division_code,
            school_code=row.school_code,
        )
        for row in rows
    ]


def subjects(connection: Connection, turn: PageTurn) -> list[SubjectRow]:
    """Whom anything is asked about or was, by student; at most ``turn.fetch``."""
    _enter(connection)
    statement = select(*_SHOWN).where(or_(_S.erasure != "", _S.hold != ""))
    if turn.after is not None:
        statement = statement.where(turn.beyond(_S.student_id))
    rows = connection.execute(statement.order_by(_S.student_id).limit(turn.fetch)).mappings()
    return [_subject(row) for row in rows]


def approved(connection: Connection) -> list[UUID]:
    """Whose erasure is approved and not done."""
    _enter(connection)
    rows = connection.execute(select(_S.student_id).where(_S.erasure == "approved").order_by(_S.student_id))
    return [row[0] for row in rows]


def places(connection: Connection, student_id: UUID) -> list[tuple[str | None, str | None]]:
    """Every (division, school) the student was registered in."""
    _enter(connection)
    rows = connection.execute(select(_P.division_code, _P.school_code).where(_P.entity == student_id).distinct())
    return [(division, school) for division, school in rows]


def one(connection: Connection, student_id: UUID) -> SubjectRow | None:
    """How erasure and hold of a student stand; None when nothing was ever asked."""
    _enter(connection)
    row = connection.execute(select(*_SHOWN).where(_S.student_id == student_id)).mappings().one_or_none()
    return None if row is None else _subject(row)


def _enter(connection: Connection) -> None:
    """The tables hold nothing personal and no place for most rows: read as the worker, for who sees the division."""
    enter_live(driver(connection), ERASURES.name)


def _subject(row: Mapping[Any, Any]) -> SubjectRow:
    return SubjectRow(**{**row, "erasure": row["erasure"] or "", "hold": row["hold"] or ""})
