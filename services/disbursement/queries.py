"""What people see of entitlements and payments: plain SELECTs, true on a day, within the viewer's rows."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, case, func, select

from services.disbursement.letters.letter_tables import LISTED
from services.disbursement.tables import ENTITLEMENTS, PAYEES, PAYMENTS, SCHOOLS
from shared.database.scopes import own_rows
from shared.web.pages import PageTurn

State = Literal["granted", "paid", "withdrawn", "to_recover"]


class EntitlementRow(BaseModel):
    """One (student, programme, term). Amounts are integer fen. ``to_recover``: paid on evidence that was never true.
    ``pay_by``: the last day on which it is paid in time."""

    entitlement_id: UUID
    student_id: UUID
    name: str
    programme: str
    term: str
    amount_fen: int
    state: State
    stage: str
    boarder: bool
    school_code: str
    school_name: str | None
    division_code: str
    granted_on: date
    pay_by: date | None
    paid_on: date | None
    reference: str | None
    withdrawn_reason: str | None
    evidence: list[UUID]


class PaymentRow(BaseModel):
    """One payment. ``standing`` is false when its entitlement was withdrawn afterwards."""

    entitlement_id: UUID
    student_id: UUID
    name: str
    programme: str
    term: str
    amount_fen: int
    paid_on: date
    reference: str
    school_code: str
    school_name: str | None
    division_code: str
    standing: bool


class Totals(BaseModel):
    """How many entitlements of a term are in a state, and their sum in fen."""

    term: str
    state: State
    count: int
    amount_fen: int


_E, _P, _S, _N = ENTITLEMENTS.c, PAYMENTS.c, PAYEES.c, SCHOOLS.c
_PAID = _P.entity.is_not(None)
_STATE = case(
    (and_(_E.granted, _PAID), "paid"),
    (_E.granted, "granted"),
    (_PAID, "to_recover"),
    else_="withdrawn",
)


def _name(day: date, child: ColumnElement[UUID]) -> ColumnElement[str]:
    """The masked name of a student; of a child registered elsewhere, as a list has it."""
    listed = (
        select(func.min(LISTED.c.name_masked)).where(LISTED.c.child_id == child, LISTED.holds_on(day)).scalar_subquery()
    )
    return func.coalesce(_S.name_masked, listed).label("name_masked")


def _entitled(day: date, *columns: ColumnElement[Any]) -> Select[Any]:
    tables = (
        ENTITLEMENTS.table.outerjoin(PAYMENTS.table, and_(_P.entity == _E.entity, PAYMENTS.holds_on(day)))
        .outerjoin(PAYEES.table, and_(_S.entity == _E.student_id, PAYEES.holds_on(day)))
        .outerjoin(SCHOOLS.table, and_(_N.code == _E.school_code, SCHOOLS.holds_on(day)))
    )
    return select(*columns).select_from(tables).where(ENTITLEMENTS.holds_on(day))


def entitlements(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    school: str | None = None,
    term: str | None = None,
    state: State | None = None,
    student: UUID | None = None,
) -> list[EntitlementRow]:
    """At most ``turn.fetch`` rows by school and id."""
    school_name, state_now = _N.name.label("school_name"), _STATE.label("state")
    statement = _entitled(true_on, *_E, _name(true_on, _E.student_id), school_name, _P.paid_on, _P.reference, state_now)
    statement = statement.where(own_rows(connection, _E))
    if school is not None:
        statement = statement.where(_E.school_code == school)
    if student is not None:
        statement = statement.where(_E.student_id == student)
    if term is not None:
        statement = statement.where(_E.term == term)
    if state is not None:
        statement = statement.where(_STATE.in_([state]))
    if turn.after is not None:
        statement = statement.where(turn.beyond(_E.school_code, _E.entity))
    rows = connection.execute(statement.order_by(_E.school_code, _E.entity).limit(turn.fetch))
    return [_entitlement(row) for row in rows]


def totals(connection: Connection, true_on: date) -> list[Totals]:
    """Counts and sums per term and state."""
    columns = (_E.term, _STATE.label("state"), func.count().label("count"), func.sum(_E.amount_fen).label("amount_fen"))
    statement = _entitled(true_on, *columns).group_by(_E.term, _STATE).order_by(_E.term, "state")
    return [Totals.model_validate(dict(row._mapping)) for row in connection.execute(statement)]


def payments(
    connection: Connection, true_on: date, turn: PageTurn, *, school: str | None = None, term: str | None = None
) -> list[PaymentRow]:
    """At most ``turn.fetch`` payments made on or before ``true_on``, by school and id."""
    statement = _paid(true_on).where(own_rows(connection, _P))
    if school is not None:
        statement = statement.where(_P.school_code == school)
    if term is not None:
        statement = statement.where(_P.term == term)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_P.school_code, _P.entity))
    rows = connection.execute(statement.order_by(_P.school_code, _P.entity).limit(turn.fetch))
    return [_payment(row) for row in rows]


def every_payment(connection: Connection, true_on: date) -> list[PaymentRow]:
    """The whole payments view, for a replay: its caller bounds the events behind it."""
    rows = connection.execute(_paid(true_on).order_by(_P.school_code, _P.entity))
    return [_payment(row) for row in rows]


def _paid(day: date) -> Select[Any]:
    tables = (
        PAYMENTS.table.outerjoin(ENTITLEMENTS.table, and_(_E.entity == _P.entity, ENTITLEMENTS.holds_on(day)))
        .outerjoin(PAYEES.table, and_(_S.entity == _P.student_id, PAYEES.holds_on(day)))
        .outerjoin(SCHOOLS.table, and_(_N.code == _P.school_code, SCHOOLS.holds_on(day)))
    )
    columns = (*_P, _name(day, _P.student_id), _N.name.label("school_name"), _E.granted)
    return select(*columns).select_from(tables).where(PAYMENTS.holds_on(day))


def _entitlement(row: Row[Any]) -> EntitlementRow:
    return EntitlementRow(
        entitlement_id=row.entity,
        student_id=row.student_id,
        name=row.name_masked or "",
        programme=row.programme,
        term=row.term,
        amount_fen=row.amount_fen,
        state=row.state,
        stage=row.stage,
        boarder=row.boarder,
        school_code=row.school_code,
        school_name=row.school_name,
        division_code=row.division_code,
        granted_on=row.valid_from,
        pay_by=row.pay_by,
        paid_on=row.paid_on,
        reference=row.reference,
        withdrawn_reason=row.withdrawn_reason,
        evidence=row.evidence,
    )


def _payment(row: Row[Any]) -> PaymentRow:
    return PaymentRow(
        entitlement_id=row.entity,
        student_id=row.student_id,
        name=row.name_masked or "",
        programme=row.programme,
        term=row.term,
        amount_fen=row.amount_fen,
        paid_on=row.paid_on,
        reference=row.reference,
        school_code=row.school_code,
        school_name=row.school_name,
        division_code=row.division_code,
        standing=bool(row.granted),
    )
