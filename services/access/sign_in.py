"""Signing in: an attempt is counted, the password looked at, and what came of it recorded.

Whoever asks learns one of four things: in, wrong, wait, busy. Whether there is such an account, whether it is closed or
which part was wrong is in the log only; and a name nobody has costs the same hashing as one somebody has.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access import lockout, second_factor, sessions
from services.access.desk import Desk, day_of, lock_account
from services.access.errors import CodeNeeded, SignInFailed, TooManyAttempts
from services.access.events import PostChosen, SignedIn, SignInFailure, SignInRefused, Whereabouts
from services.access.lockout import Subjects
from services.access.sessions import Holding, Session
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.clock import SHANGHAI
from shared.kernel.identifiers import new_event_id

CODE = "one_time_code"
PASSWORD = "password"  # noqa: S105  (how somebody signed in, not a secret) # nosec B105
NIGHT_ENDS, NIGHT_BEGINS = 6, 22
PRINCIPAL = "system:sign-in"


@dataclass(frozen=True)
class Attempt:
    """What somebody typed, and the network address they came from. ``code``: of the authenticator, if one is used."""

    login: str
    password: str
    address: str
    code: str = ""


class SignedInAs(NamedTuple):
    """An open session. ``secret`` is the browser's; with one post to choose it is chosen already."""

    secret: str
    session: Session
    posts: list[Holding]
    must_change: bool


class _Known(NamedTuple):
    account_id: UUID
    division_code: str
    school_code: str | None
    closed: bool
    password: str | None
    must_change: bool
    once_until: datetime | None
    start: bytes | None


_ACCOUNT = """
SELECT account_id, division_code, school_code, closed, password, must_change, once_until, start
FROM access_accounts WHERE login_digest = %s
"""


def sign_in(desk: Desk, attempt: Attempt, now: datetime) -> SignedInAs:
    """Open a session. Raises SignInFailed, CodeNeeded, TooManyAttempts, Busy."""
    subjects = Subjects(desk.streams.login(attempt.login), desk.streams.address(attempt.address))
    with desk.database.writing() as connection:
        raw = driver(connection)
        wait = lockout.taken(raw, subjects, now)
        row = raw.execute(_ACCOUNT, (subjects.login,)).fetchone()
        refused = lockout.refused_before(raw, subjects)
    if wait:
        raise TooManyAttempts(wait)
    known = None if row is None else _Known(*row)
    right = desk.hashing.fits(attempt.password, None if known is None else known.password)
    if known is not None and known.start is not None:  # after the same work as for everybody
        right |= hmac.compare_digest(known.start, desk.streams.start(known.account_id, attempt.password))
    expired = known is not None and known.once_until is not None and known.once_until <= now
    if known is None or not right or known.closed or expired:
        reason: SignInFailure = (
            "unknown_login" if known is None else "closed" if known.closed and right else "wrong_password"
        )
        _refuse(desk, known, reason, attempt.address, refused, now)
        raise SignInFailed
    means = _means(desk, known, subjects, attempt.code, now)
    if means is None:
        _refuse(desk, known, "wrong_code", attempt.address, refused, now)
        raise SignInFailed
    return _enter(desk, known, subjects, means, attempt.address, now)


def _means(desk: Desk, known: _Known, subjects: Subjects, code: str, now: datetime) -> tuple[str, ...] | None:
    """How somebody with the right password signs in; None: the code is wrong. Raises CodeNeeded."""
    with desk.database.writing() as connection:
        raw = driver(connection)
        if not second_factor.needed(raw, known.account_id):
            return (PASSWORD,)
        if code:
            right = second_factor.taken(raw, desk.streams, known.account_id, code, now)
            return (PASSWORD, CODE) if right else None
        lockout.uncounted(raw, subjects)
    raise CodeNeeded


def _refuse(desk: Desk, known: _Known | None, reason: SignInFailure, address: str, refused: int, now: datetime) -> None:
    fact = SignInRefused(
        account_id=None if known is None else known.account_id,
        reason=reason,
        refused_before=refused,
        division_code=desk.division if known is None else known.division_code,
        school_code=None if known is None else known.school_code,
        personal=None if known is None else Whereabouts(person_id=known.account_id, address=address),
    )
    proposed = [Proposed(new_event_id(), 0, fact, day_of(now))]
    desk.store.run(desk.database, _own_command(), lambda _connection: proposed)


def _enter(
    desk: Desk, known: _Known, subjects: Subjects, means: tuple[str, ...], address: str, now: datetime
) -> SignedInAs:
    session_id = sessions.new_session_id()
    answer: list[SignedInAs] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, known.account_id, alone=False)
        row = raw.execute(_ACCOUNT, (subjects.login,)).fetchone()
        if row is None or _Known(*row) != known:
            raise SignInFailed  # closed, reset or changed between the look and this moment
        refused = lockout.succeeded(raw, subjects)
        came = raw.execute(
            """INSERT INTO access_addresses (account_id, address) VALUES (%s, %s) ON CONFLICT DO NOTHING
               RETURNING (SELECT count(*) FROM access_addresses WHERE account_id = %s)""",
            (known.account_id, subjects.address, known.account_id),
        ).fetchone()
        posts = [] if known.must_change else sessions.holdings(raw, known.account_id, day_of(now))
        chosen = posts[0] if len(posts) == 1 else None
        session = _session(session_id, known.account_id, means, chosen, now)
        answer[:] = [SignedInAs(sessions.opened(raw, session), session, posts, known.must_change)]
        fact = SignedIn(
            account_id=known.account_id,
            session_id=session_id,
            means=means,
            new_address=came is not None and came[0] > 0,
            at_night=not NIGHT_ENDS <= now.astimezone(SHANGHAI).hour < NIGHT_BEGINS,
            refused_before=refused,
            division_code=known.division_code,
            school_code=known.school_code,
            personal=Whereabouts(person_id=known.account_id, address=address),
        )
        told = [Proposed(session_id, 0, fact, day_of(now))]
        return told if chosen is None else [*told, Proposed(session_id, 0, _choice(session), day_of(now))]

    desk.store.run(desk.database, _own_command(), decide)
    return answer[0]


def _session(
    session_id: UUID, account_id: UUID, means: tuple[str, ...], chosen: Holding | None, now: datetime
) -> Session:
    return Session(
        session_id=session_id,
        account_id=account_id,
        means=list(means),
        post_id=None if chosen is None else chosen.post_id,
        delegation_id=None if chosen is None else chosen.delegation_id,
        emergency_id=None,
        signed_in_at=now,
        seen_at=now,
        ends_at=now + sessions.LONGEST,
    )


def _choice(session: Session) -> PostChosen:
    assert session.post_id is not None
    return PostChosen(
        account_id=session.account_id,
        session_id=session.session_id,
        post_id=session.post_id,
        delegation_id=session.delegation_id,
    )


def _own_command() -> Command:
    """Each attempt is one of its own: nobody repeats it under the same id."""
    return Command(PRINCIPAL, new_event_id(), b"")
