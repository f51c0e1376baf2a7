"""Accounts and posts as who administers them looks for them: filtered and paged on the server, within one's rows."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Connection, ScalarSelect, Select, and_, exists, func, not_, or_, select, text

from services.access.tables import ACCOUNTS, DELEGATIONS, IDENTITIES, POSTS, SCHOOLS
from shared.standards.posts import Kind
from shared.web.pages import PageTurn


class AccountFilter(BaseModel):
    """Which accounts: by the beginning of login name or name, the school that manages it, a post that is held today, or
    whether it signs in. ``login``: exactly."""

    begins: str | None = Field(default=None, max_length=80)
    login: str | None = Field(default=None, max_length=80)
    school: str | None = Field(default=None, max_length=64)
    kind: Kind | None = None
    state: Literal["open", "closed"] | None = None


class PostFilter(BaseModel):
    """Which posts: by the beginning of its holder's login name or name, its school, kind and state. ``ended``: whoever
    holds it does so no more, since a day that has come."""

    begins: str | None = Field(default=None, max_length=80)
    school: str | None = Field(default=None, max_length=64)
    kind: Kind | None = None
    state: Literal["held", "vacant", "ended", "closed"] | None = None


class AccountRow(BaseModel):
    """One account. Names of staff stand in full: whoever administers them must know whom. ``identity``: whether one at
    the issuer opens it, or is awaited."""

    account_id: UUID
    login: str | None
    name: str | None
    closed: bool
    division_code: str
    school_code: str | None
    school_name: str | None
    posts: list[Kind]
    identity: Literal["announced", "linked"] | None


class PostRow(BaseModel):
    """One post and who holds it, from and until when, where that is told; ``delegates``: how many act in it beside."""

    post_id: UUID
    kind: Kind
    division_code: str
    school_code: str | None
    school_name: str | None
    school_class: str | None
    agency: str | None
    holder: UUID | None
    holder_name: str | None
    holder_login: str | None
    begins_on: date | None
    until: date | None
    delegates: int
    closed: bool


_A, _P, _D, _N, _I = ACCOUNTS.c, POSTS.c, DELEGATIONS.c, SCHOOLS.c, IDENTITIES.c


def accounts(connection: Connection, true_on: date, turn: PageTurn, wanted: AccountFilter) -> list[AccountRow]:
    """Accounts by id."""
    held = and_(_P.holder == _A.entity, POSTS.holds_on(true_on), _P.closed.is_(False), _lasts(true_on))
    kinds = select(func.array_agg(_P.kind)).where(held).scalar_subquery()
    statement = (
        select(
            _A.entity.label("account_id"),
            _A.login,
            _A.name,
            _A.closed,
            _A.division_code,
            _A.school_code,
            _N.name.label("school_name"),
            func.coalesce(kinds, text("'{}'")).label("posts"),
            _identity(true_on).label("identity"),
        )
        .select_from(ACCOUNTS.table)
        .outerjoin(SCHOOLS.table, and_(_N.code == _A.school_code, SCHOOLS.holds_on(true_on)))
        .where(ACCOUNTS.holds_on(true_on))
        .order_by(_A.entity)
        .limit(turn.fetch)
    )
    if wanted.begins:
        statement = statement.where(_begins(wanted.begins))
    if wanted.login:
        statement = statement.where(_A.login == wanted.login.lower())
    if wanted.school:
        statement = statement.where(_A.school_code == wanted.school)
    if wanted.kind:
        statement = statement.where(exists().where(held, _P.kind == wanted.kind))
    if wanted.state:
        statement = statement.where(_A.closed.is_(wanted.state == "closed"))
    return _rows(connection, statement, turn, _A.entity, AccountRow)


def posts(connection: Connection, true_on: date, turn: PageTurn, wanted: PostFilter) -> list[PostRow]:
    """Posts by id, closed ones too."""
    delegates = (
        select(func.count())
        .where(_D.post_id == _P.entity, DELEGATIONS.holds_on(true_on), _D.ended.is_(False), _D.until > true_on)
        .scalar_subquery()
    )
    statement = (
        select(
            _P.entity.label("post_id"),
            _P.kind,
            _P.division_code,
            _P.school_code,
            _N.name.label("school_name"),
            _P.school_class,
            _P.agency_code.label("agency"),
            _P.holder,
            _A.name.label("holder_name"),
            _A.login.label("holder_login"),
            _P.begins_on,
            _P.until,
            delegates.label("delegates"),
            _P.closed,
        )
        .select_from(POSTS.table)
        .outerjoin(SCHOOLS.table, and_(_N.code == _P.school_code, SCHOOLS.holds_on(true_on)))
        .outerjoin(ACCOUNTS.table, and_(_A.entity == _P.holder, ACCOUNTS.holds_on(true_on)))
        .where(POSTS.holds_on(true_on))
        .order_by(_P.entity)
        .limit(turn.fetch)
    )
    if wanted.begins:
        statement = statement.where(_begins(wanted.begins))
    if wanted.school:
        statement = statement.where(_P.school_code == wanted.school)
    if wanted.kind:
        statement = statement.where(_P.kind == wanted.kind)
    if wanted.state:
        statement = statement.where(*_in_state(wanted.state, true_on))
    return _rows(connection, statement, turn, _P.entity, PostRow)


def _identity(true_on: date) -> ScalarSelect[Any]:
    """How an account stands to the issuer: "linked" comes after "announced"."""
    awaited = and_(_I.state == "announced", _I.until > func.now())
    return (
        select(func.max(_I.state))
        .where(_I.account_id == _A.entity, IDENTITIES.holds_on(true_on), or_(_I.state == "linked", awaited))
        .scalar_subquery()
    )


def _begins(typed: str) -> ColumnElement[bool]:
    """Whose login name or name begins so."""
    return or_(_A.login.bool_op("^@")(typed.lower()), _A.name.bool_op("^@")(typed))


def _lasts(true_on: date) -> ColumnElement[bool]:
    """A day lies in the time of a post's holder."""
    return and_(or_(_P.begins_on.is_(None), _P.begins_on <= true_on), or_(_P.until.is_(None), _P.until > true_on))


def _in_state(state: str, true_on: date) -> tuple[ColumnElement[bool], ...]:
    if state == "closed":
        return (_P.closed.is_(True),)
    over = and_(_P.until.is_not(None), _P.until <= true_on)
    return {
        "held": (_P.closed.is_(False), _P.holder.is_not(None), not_(over)),
        "ended": (_P.closed.is_(False), _P.holder.is_not(None), over),
        "vacant": (_P.closed.is_(False), _P.holder.is_(None)),
    }[state]


def _rows(connection: Connection, statement: Select[Any], turn: PageTurn, key: Any, row: type[Any]) -> list[Any]:
    if turn.after is not None:
        statement = statement.where(turn.beyond(key))
    return [row.model_validate(found._mapping) for found in connection.execute(statement)]
