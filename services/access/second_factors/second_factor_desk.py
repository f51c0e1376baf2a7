"""Setting up a second factor, and doing without it again: with the password too where it gets weaker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from services.access.desk import Desk, day_of, lock_account
from services.access.errors import SecondFactorStands, WrongCode
from services.access.events import SecondFactorRemoved, SecondFactorSet
from services.access.second_factors import second_factor
from services.access.sessions.session_desk import check_former, own_command, standing
from shared.database.database import driver
from shared.eventsourcing.store import Proposed


class Begun(NamedTuple):
    """What the authenticator is told: the seed in base 32 within the address."""

    address: str


def begin(desk: Desk, secret: str, now: datetime) -> Begun:
    """A seed to be typed into an authenticator. Raises Unauthenticated, SecondFactorStands."""
    found = standing(desk, secret, now)
    with desk.database.writing() as connection:
        raw = driver(connection)
        if second_factor.needed(raw, found.session.account_id):
            raise SecondFactorStands("已启用动态验证码,请先停用", "A second factor is in force; remove it first")
        seed = second_factor.begun(raw, desk.streams, found.session.account_id)
    return Begun(second_factor.address_of(seed, found.login))


def confirm(desk: Desk, secret: str, code: str, now: datetime) -> list[str]:
    """Put it in force by a code of it; the recovery codes, shown once. Raises Unauthenticated, WrongCode."""
    account_id = standing(desk, secret, now).session.account_id
    codes: list[str] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        given = second_factor.confirmed(raw, desk.streams, account_id, code, now)
        if given is None:
            raise WrongCode("验证码不正确", "The code is wrong")
        codes[:] = given
        version = desk.account(connection, account_id).version
        return [Proposed(account_id, version, SecondFactorSet(account_id=account_id), day_of(now))]

    desk.store.run(desk.database, own_command(), decide)
    return codes


def remove(desk: Desk, secret: str, password: str, now: datetime) -> None:
    """Sign in with the password alone again. Raises Unauthenticated, SignInFailed, TooManyAttempts, Busy."""
    found = standing(desk, secret, now)
    account_id = found.session.account_id
    check_former(desk, found, password, now)

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        if not second_factor.removed(raw, account_id):
            return []
        version = desk.account(connection, account_id).version
        fact = SecondFactorRemoved(account_id=account_id, by=str(account_id))
        return [Proposed(account_id, version, fact, day_of(now))]

    desk.store.run(desk.database, own_command(), decide)
