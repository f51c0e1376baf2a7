"""Opening, closing and resetting accounts: what the next level up does for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from psycopg import errors
from sqlalchemy import Connection

from services.access import domain
from services.access.accounts.passwords import one_time_password
from services.access.administration import Administrator, Managed, check_account, reaches
from services.access.commands import CloseAccount, OpenAccount
from services.access.desk import Desk, day_of, lock_account, open_sessions
from services.access.domain import written_login
from services.access.errors import LoginTaken, NotYours, UnknownAccount
from services.access.events import IdentityUnlinked, PasswordReset, SecondFactorRemoved
from services.access.oidc import identities
from services.access.second_factors import second_factor
from services.access.sessions import sessions
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.facts import Fact

ONE_TIME_LIFE = timedelta(days=7)


class Handed(NamedTuple):
    """A password that is good once, shown to the administrator now and never again. None when the command was done
    before: then it is reset anew."""

    account_id: UUID
    password: str | None


def open_account(
    desk: Desk, administrator: Administrator | None, intent: OpenAccount, command: Command, now: datetime
) -> Handed:
    """Open an account with a one-time password; ``administrator`` None is the installation itself. Raises NotYours,
    BadLogin, LoginTaken, Busy, CommandReused."""
    if administrator is not None and not reaches(administrator, Managed(intent.division_code, intent.school_code)):
        raise NotYours
    login = desk.streams.login(written_login(intent.login))
    password = one_time_password()
    kept = desk.hashing.hash(password)

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        if raw.execute("SELECT FROM access_accounts WHERE login_digest = %s", (login,)).fetchone() is not None:
            raise LoginTaken("登录名已被使用", "The login name is taken")
        return [Proposed(intent.account_id, 0, domain.open_account(intent), day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        driver(connection).execute(
            """INSERT INTO access_accounts (account_id, login_digest, division_code, school_code, password, once_until)
               VALUES (%s, %s, %s, %s, %s, %s)""",
            (intent.account_id, login, intent.division_code, intent.school_code, kept, now + ONE_TIME_LIFE),
        )

    try:
        result = desk.store.run(desk.database, command, decide, then)
    except errors.UniqueViolation as taken:  # by another at this very moment
        raise LoginTaken("登录名已被使用", "The login name is taken") from taken
    return Handed(intent.account_id, None if result.replayed else password)


def reset_password(
    desk: Desk, administrator: Administrator, account_id: UUID, command: Command, now: datetime
) -> Handed:
    """Give a one-time password, end every session, unlink every identity. Raises UnknownAccount, NotYours, Oneself,
    AccountIsClosed, Busy, CommandReused."""
    password = one_time_password()
    kept = desk.hashing.hash(password)

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        check_managed(desk, connection, administrator, account_id, now)
        account = desk.account(connection, account_id)
        fact = PasswordReset(account_id=domain.alive(account), by=administrator.by)
        ends = desk.endings(connection, open_sessions(raw, account_id), "password_reset", now)
        told: list[Fact] = [fact]
        if second_factor.removed(raw, account_id):  # the telephone may be what was lost
            told.append(SecondFactorRemoved(account_id=account_id, by=administrator.by))
        # Whoever had the account may have linked an identity of their own to it.
        for each in identities.end(raw, [linked.identity_id for linked in identities.of_account(raw, account_id, now)]):
            told.append(IdentityUnlinked(account_id=account_id, identity_id=each, by=administrator.by))
        return [*(Proposed(account_id, account.version, each, day_of(now)) for each in told), *ends]

    def then(connection: Connection, _result: Result) -> None:
        raw = driver(connection)
        raw.execute(
            """UPDATE access_accounts SET password = %s, must_change = true, once_until = %s, start = NULL
               WHERE account_id = %s""",
            (kept, now + ONE_TIME_LIFE, account_id),
        )
        sessions.ended(raw, sessions.open_ones(raw, account_id), now)

    result = desk.store.run(desk.database, command, decide, then)
    return Handed(account_id, None if result.replayed else password)


def close_account(
    desk: Desk, administrator: Administrator, intent: CloseAccount, command: Command, now: datetime
) -> Result:
    """Close an account and end every session; its posts are vacated apart, with a hand-over. Raises UnknownAccount,
    NotYours, Oneself, AccountIsClosed, CommandReused."""
    account_id = intent.account_id

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        check_managed(desk, connection, administrator, account_id, now)
        account = desk.account(connection, account_id)
        ends = desk.endings(connection, open_sessions(raw, account_id), "account_closed", now)
        return [Proposed(account_id, account.version, domain.close_account(account, intent), day_of(now)), *ends]

    def then(connection: Connection, _result: Result) -> None:
        raw = driver(connection)
        raw.execute("UPDATE access_accounts SET closed = true WHERE account_id = %s", (account_id,))
        sessions.ended(raw, sessions.open_ones(raw, account_id), now)

    return desk.store.run(desk.database, command, decide, then)


def check_managed(
    desk: Desk, connection: Connection, administrator: Administrator, account_id: UUID, now: datetime
) -> None:
    """An account is the administrator's to change. Raises UnknownAccount, NotYours, Oneself."""
    account = desk.account(connection, account_id)
    place = Managed(account.division_code, account.school_code)
    if account.account_id is None or not reaches(administrator, place):
        raise UnknownAccount  # also for what lies beyond: one does not learn that it exists
    held = sessions.holdings(driver(connection), account_id, day_of(now))
    check_account(administrator, account_id, place, frozenset(each.kind for each in held))
