"""Accounts, posts and sign-ins as people see them: plain SELECTs within the viewer's rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Select, Text, and_, cast, func, select, text

from services.access.projections import NAME
from services.access.tables import ACCOUNTS, DELEGATIONS, EMERGENCIES, POSTS, SCHOOLS, SIGN_INS
from shared.database.database import Database
from shared.standards.posts import Kind

OWN_SIGN_INS = 50


class DelegationRow(BaseModel):
    """Who acts in a post beside its holder, until which day."""

    delegation_id: UUID
    post_id: UUID
    account_id: UUID
    name: str | None
    until: date


class SignInRow(BaseModel):
    """One sign-in, or one refusal with its reason. ``unusual``: new_address, new_device, at_night, many_refused,
    several_addresses; ``means`` is empty for a refusal; ``agent``: what the browser calls itself."""

    id: UUID
    account_id: UUID | None
    name: str | None
    at: datetime
    refused: str | None
    means: list[str]
    unusual: list[str]
    refused_before: int
    address: str | None
    agent: str | None


class EmergencyRow(BaseModel):
    """One emergency access; ``justified`` None: not reviewed yet; ``name`` None: of an account beyond one's place;
    ``ended_at``: when it was given back before ``until``; ``reviewed_by_name`` as ``name``."""

    emergency_id: UUID
    account_id: UUID
    name: str | None
    kind: Kind
    taken_at: datetime
    until: datetime
    ended_at: datetime | None
    reason: str
    justified: bool | None
    note: str | None
    reviewed_by: str | None
    reviewed_by_name: str | None
    division_code: str
    school_code: str | None
    school_class: str | None


_A, _P, _D, _S, _N = ACCOUNTS.c, POSTS.c, DELEGATIONS.c, SIGN_INS.c, SCHOOLS.c


def delegations(connection: Connection, true_on: date, post_id: UUID) -> list[DelegationRow]:
    """Who acts in a post beside its holder on a day."""
    statement = (
        select(_D.entity.label("delegation_id"), _D.post_id, _D.account_id, _A.name, _D.until)
        .select_from(DELEGATIONS.table)
        .outerjoin(ACCOUNTS.table, and_(_A.entity == _D.account_id, ACCOUNTS.holds_on(true_on)))
        .where(DELEGATIONS.holds_on(true_on), _D.post_id == post_id, _D.ended.is_(False), _D.until > true_on)
        .order_by(_D.until, _D.entity)
    )
    return [DelegationRow.model_validate(row._mapping) for row in connection.execute(statement)]


def unusual_sign_ins(connection: Connection, true_on: date, limit: int) -> list[SignInRow]:
    """The last sign-ins that somebody should look at, within the viewer's rows."""
    statement = _sign_ins(true_on).where(func.cardinality(_S.unusual) > 0).limit(limit)
    return [SignInRow.model_validate(row._mapping) for row in connection.execute(statement)]


def names_of(connection: Connection, true_on: date, accounts: Iterable[str]) -> dict[str, str]:
    """Account id as text → its name, of those within the viewer's rows; what is no account has none."""
    found = select(cast(_A.entity, Text).label("account"), _A.name).where(
        ACCOUNTS.holds_on(true_on), cast(_A.entity, Text).in_(set(accounts)), _A.name.is_not(None)
    )
    return {row.account: row.name for row in connection.execute(found)}


def emergencies(
    connection: Connection, true_on: date, limit: int, *, open_only: bool = False, emergency_id: UUID | None = None
) -> list[EmergencyRow]:
    """Emergency access within the viewer's rows, the last one first."""
    found = EMERGENCIES.c
    reviewer = ACCOUNTS.table.alias("reviewer")
    names = ("account_id", "kind", "taken_at", "until", "ended_at", "reason", "justified", "note", "reviewed_by")
    places = ("division_code", "school_code", "school_class")
    statement = (
        select(
            found.entity.label("emergency_id"),
            _A.name,
            reviewer.c.name.label("reviewed_by_name"),
            *(found[name] for name in (*names, *places)),
        )
        .select_from(EMERGENCIES.table)
        .outerjoin(ACCOUNTS.table, and_(_A.entity == found.account_id, ACCOUNTS.holds_on(true_on)))
        .outerjoin(
            reviewer,
            and_(
                cast(reviewer.c.entity, Text) == found.reviewed_by,
                reviewer.c.valid_from <= true_on,
                reviewer.c.valid_to > true_on,
            ),
        )
        .where(EMERGENCIES.holds_on(true_on))
        .order_by(found.taken_at.desc(), found.entity)
        .limit(limit)
    )
    if open_only:
        statement = statement.where(found.justified.is_(None))
    if emergency_id is not None:
        statement = statement.where(found.entity == emergency_id)
    return [EmergencyRow.model_validate(row._mapping) for row in connection.execute(statement)]


def own_sign_ins(database: Database, account_id: UUID) -> list[SignInRow]:
    """Somebody's own last sign-ins. Read as the worker, because a teacher's scope is her class and not her account;
    the one condition is the account the session belongs to."""
    with database.working() as connection:
        schema = connection.execute(
            text("SELECT schema FROM builds WHERE projection = :name AND state = 'live'"), {"name": NAME}
        ).scalar_one()
        connection.execute(text("SELECT set_config('search_path', quote_ident(:s) || ', public', true)"), {"s": schema})
        statement = _sign_ins(date.max).where(_S.account_id == account_id).limit(OWN_SIGN_INS)
        return [SignInRow.model_validate(row._mapping) for row in connection.execute(statement)]


def _sign_ins(true_on: date) -> Select[Any]:
    columns = (_S.account_id, _A.name, _S.at, _S.refused, _S.means, _S.unusual, _S.refused_before, _S.address)
    return (
        select(_S.entity.label("id"), *columns, _S.agent)
        .select_from(SIGN_INS.table)
        .outerjoin(ACCOUNTS.table, and_(_A.entity == _S.account_id, ACCOUNTS.holds_on(true_on)))
        .order_by(_S.at.desc(), _S.entity)
    )
