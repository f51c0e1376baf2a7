"""Which identities open an account: its holder links and unlinks them with the password; an administrator tells one
beforehand, or takes all away. Nothing is ever linked because names or addresses happen to agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Connection

from services.access import domain
from services.access.accounts.account_desk import check_managed
from services.access.administration import Administrator
from services.access.desk import Desk, Raw, day_of, lock_account
from services.access.errors import (
    BadIdentity,
    IdentityTaken,
    PasswordGivenOnce,
    TooManyIdentities,
    UnknownIdentity,
)
from services.access.events import IdentityAnnounced, IdentityLinked, IdentityPersonal, IdentityUnlinked
from services.access.oidc import identities
from services.access.oidc.entering import begin, shown
from services.access.oidc.id_token import EMAIL_CHARACTERS, SUBJECT_CHARACTERS
from services.access.oidc.office import Begun, Callback, Office
from services.access.sessions import lockout, sessions
from services.access.sessions.session_desk import check_former, own_command, present, standing
from services.access.sessions.sign_in import Origin, known_by
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.facts import Fact

MOST = 5  # of one account
AWAITED_FOR = timedelta(days=30)
Claim = Literal["sub", "email"]
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Told(NamedTuple):
    """What an administrator tells of somebody who will come."""

    claim: Claim
    value: str


def begin_link(office: Office, secret: str, password: str, origin: Origin, now: datetime) -> Begun:
    """Send the holder of a session to the issuer, with the password typed at this moment. Raises OidcOff,
    Unauthenticated, SignInFailed, TooManyAttempts, Busy, PasswordGivenOnce, IssuerUnreachable."""
    desk = office.desk
    _ = office.asked
    found = standing(desk, secret, now)
    _, subjects = check_former(desk, found, password, now)
    with desk.database.writing() as connection:
        raw = driver(connection)
        known = known_by(raw, subjects.login)
        lockout.succeeded(raw, subjects)
    if known is None or known.must_change:  # an administrator knows this password as well
        raise PasswordGivenOnce("请先修改一次性密码", "Change the one-time password first")
    return begin(office, origin, now, found.session.account_id)


def finish_link(
    office: Office, session_secret: str, secret: str, callback: Callback, origin: Origin, now: datetime
) -> None:
    """Link who came back to the account of the session. Raises OidcOff, Unauthenticated, FlowOver, IssuerRefused,
    IssuerUnreachable, IdentityTaken, TooManyIdentities."""
    desk = office.desk
    account_id = standing(desk, session_secret, now).session.account_id
    identity = shown(office, secret, callback, origin, now, account_id)
    subject, identity_id = desk.streams.identity(identity.issuer, identity.subject), uuid4()

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        present(raw, session_secret, now)
        account = desk.account(connection, account_id)
        domain.alive(account)
        held = identities.of_subject(raw, subject)
        if held is not None and held.account_id == account_id:
            return []
        if held is not None:
            raise _taken()
        if len(identities.of_account(raw, account_id, now)) >= MOST:
            raise TooManyIdentities("关联的身份过多,请先取消一个", "Several are linked already; unlink one first")
        identities.link(raw, identity_id, account_id, identity.issuer, subject, now)
        fact = IdentityLinked(
            account_id=account_id,
            identity_id=identity_id,
            issuer=identity.issuer,
            division_code=account.division_code,
            school_code=account.school_code,
            by=str(account_id),
            personal=IdentityPersonal(person_id=account_id, told=identity.subject),
        )
        return [Proposed(account_id, account.version, fact, day_of(now))]

    desk.store.run(desk.database, own_command(), decide)  # decides again when another took it at this very moment


def unlink_own(desk: Desk, secret: str, identity_id: UUID, now: datetime) -> None:
    """The holder takes an identity away; sessions that began at the issuer end, this one too if it did. Raises
    Unauthenticated, UnknownIdentity."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        account_id = present(raw, secret, now).account_id
        lock_account(raw, account_id, alone=True)
        if identity_id not in [each.identity_id for each in identities.of_account(raw, account_id, now)]:
            raise UnknownIdentity
        return _unlinked(desk, connection, raw, account_id, [identity_id], str(account_id), now)

    desk.store.run(desk.database, own_command(), decide)


def announce(
    office: Office, administrator: Administrator, account_id: UUID, told: Told, command: Command, now: datetime
) -> Result:
    """Tell which identity is the account's, before it comes. Raises OidcOff, UnknownAccount, NotYours, Oneself,
    AccountIsClosed, BadIdentity, IdentityTaken, TooManyIdentities, CommandReused."""
    desk, issuer = office.desk, office.asked.configuration.issuer
    identity_id = desk.streams.announcement(command.principal, command.command_id)
    value, until = _written(told), now + AWAITED_FOR
    digest = desk.streams.announced(issuer, told.claim, value)

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        check_managed(desk, connection, administrator, account_id, now)
        account = desk.account(connection, account_id)
        domain.alive(account)
        if told.claim == "sub" and identities.of_subject(raw, desk.streams.identity(issuer, value)) is not None:
            raise _taken()
        if len(identities.of_account(raw, account_id, now)) >= MOST:
            raise TooManyIdentities("关联的身份过多,请先取消", "Several are linked or awaited already")
        identities.forget_late(raw, digest, now)
        if identities.is_awaited(raw, digest):
            raise _taken()
        identities.announce(raw, identity_id, account_id, issuer, digest, until)
        fact = IdentityAnnounced(
            account_id=account_id,
            identity_id=identity_id,
            issuer=issuer,
            claim=told.claim,
            until=until,
            division_code=account.division_code,
            school_code=account.school_code,
            by=administrator.by,
            personal=IdentityPersonal(person_id=account_id, told=value),
        )
        return [Proposed(account_id, account.version, fact, day_of(now))]

    return desk.store.run(desk.database, command, decide)


def unlink_all(
    desk: Desk, administrator: Administrator, account_id: UUID, command: Command, now: datetime
) -> list[UUID]:
    """Take every identity of an account away, linked or awaited; which, none when there was none. Raises
    UnknownAccount, NotYours, Oneself, CommandReused."""
    ended: list[UUID] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        check_managed(desk, connection, administrator, account_id, now)
        ended[:] = [each.identity_id for each in identities.of_account(raw, account_id, now)]
        return _unlinked(desk, connection, raw, account_id, ended, administrator.by, now)

    desk.store.run(desk.database, command, decide)
    return ended


def _unlinked(
    desk: Desk,
    connection: Connection,
    raw: Raw,
    account_id: UUID,
    identity_ids: Sequence[UUID],
    by: str,
    now: datetime,
) -> Sequence[Proposed]:
    told: list[Fact] = [
        IdentityUnlinked(account_id=account_id, identity_id=each, by=by) for each in identities.end(raw, identity_ids)
    ]
    if not told:
        return []
    opened = identities.sessions_opened(raw, account_id)
    ends = desk.endings(connection, opened, "identity_unlinked", now)
    sessions.ended(raw, list(opened), now)
    version = desk.account(connection, account_id).version
    return [*(Proposed(account_id, version, each, day_of(now)) for each in told), *ends]


def _written(told: Told) -> str:
    """Raises BadIdentity."""
    value = told.value.strip()
    if told.claim == "email":
        value = value.lower()
        if len(value) > EMAIL_CHARACTERS or not _EMAIL.fullmatch(value):
            raise BadIdentity("请填写完整的电子邮箱", "Give a whole e-mail address")
    if not 1 <= len(value) <= SUBJECT_CHARACTERS or not value.isprintable():
        raise BadIdentity("请填写身份标识", "Give the identifier")
    return value


def _taken() -> IdentityTaken:
    return IdentityTaken("这个身份已关联或已告知给另一个账号", "This identity belongs to another account already")
