"""Signing in: an attempt is counted, the password looked at, and what came of it recorded.

Whoever asks learns one of four things: in, wrong, wait, busy. Whether there is such an account, whether it is closed or
which part was wrong is in the log only; and a name nobody has costs the same hashing as one somebody has.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access.desk import Desk, Raw, day_of, lock_account
from services.access.errors import CodeNeeded, SignInFailed, TooManyAttempts
from services.access.events import PostChosen, SignedIn, SignInFailure, SignInRefused, Whereabouts
from services.access.second_factors import second_factor
from services.access.sessions import lockout, sessions
from services.access.sessions.lockout import Subjects
from services.access.sessions.sessions import Holding, Session
from services.access.sessions.unusual import AGENT_CHARACTERS, device_of
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.identifiers import new_event_id

PASSWORD = "password"  # noqa: S105  (how somebody signed in, not a secret) # nosec B105
OIDC = "oidc"
PRINCIPAL = "system:sign-in"


class Origin(NamedTuple):
    """Where somebody comes from: the network address, and what the browser calls itself."""

    address: str
    agent: str = ""

    def whereabouts(self, account_id: UUID) -> Whereabouts:
        """What is kept of it."""
        agent = self.agent[:AGENT_CHARACTERS] or None
        return Whereabouts(person_id=account_id, address=self.address, agent=agent)


@dataclass(frozen=True)
class Attempt:
    """What somebody typed, and the network address they came from. ``code``: of the authenticator, if one is used;
    ``agent``: what the browser calls itself."""

    login: str
    password: str
    address: str
    code: str = ""
    agent: str = ""

    @property
    def origin(self) -> Origin:
        """Where it came from."""
        return Origin(self.address, self.agent)


class SignedInAs(NamedTuple):
    """An open session. ``secret`` is the browser's; with one post to choose it is chosen already."""

    secret: str
    session: Session
    posts: list[Holding]
    must_change: bool


class Known(NamedTuple):
    """An account as its row tells."""

    account_id: UUID
    division_code: str
    school_code: str | None
    closed: bool
    password: str | None
    must_change: bool
    once_until: datetime | None
    start: bytes | None


class Way(NamedTuple):
    """How somebody came, and from where. ``still``: raises when what was looked at before is true no more."""

    means: tuple[str, ...]
    origin: Origin
    still: Callable[[Raw], None] = lambda _raw: None


_ACCOUNT = """
SELECT account_id, division_code, school_code, closed, password, must_change, once_until, start
FROM access_accounts WHERE login_digest = %s
"""


# Whether an account was seen before, and never here: the very first time is nothing new.
_ADDRESSES = """
INSERT INTO access_addresses (account_id, address) VALUES (%s, %s) ON CONFLICT DO NOTHING
RETURNING (SELECT count(*) FROM access_addresses WHERE account_id = %s)
"""
_DEVICES = """
INSERT INTO access_devices (account_id, device) VALUES (%s, %s) ON CONFLICT DO NOTHING
RETURNING (SELECT count(*) FROM access_devices WHERE account_id = %s)
"""


def sign_in(desk: Desk, attempt: Attempt, now: datetime) -> SignedInAs:
    """Open a session. Raises SignInFailed, CodeNeeded, TooManyAttempts, Busy."""
    subjects = Subjects(desk.streams.login(attempt.login), desk.streams.address(attempt.address))
    with desk.database.writing() as connection:
        raw = driver(connection)
        wait = lockout.taken(raw, subjects, now)
        known = known_by(raw, subjects.login)
        refused = lockout.refused_before(raw, subjects)
    if wait:
        raise TooManyAttempts(wait)
    right = desk.hashing.fits(attempt.password, None if known is None else known.password)
    if known is not None and known.start is not None:  # after the same work as for everybody
        right |= hmac.compare_digest(known.start, desk.streams.start(known.account_id, attempt.password))
    expired = known is not None and known.once_until is not None and known.once_until <= now
    if known is None or not right or known.closed or expired:
        reason: SignInFailure = (
            "unknown_login" if known is None else "closed" if known.closed and right else "wrong_password"
        )
        refuse(desk, known, reason, attempt.origin, refused, now)
        raise SignInFailed
    means = _means(desk, known, subjects, attempt.code, now)
    if means is None:
        refuse(desk, known, "wrong_code", attempt.origin, refused, now)
        raise SignInFailed
    return enter(desk, known, subjects, Way(means, attempt.origin), now)


def known_by(raw: Raw, login: bytes) -> Known | None:
    """The account under the digest of a login name."""
    row = raw.execute(_ACCOUNT, (login,)).fetchone()
    return None if row is None else Known(*row)


def _means(desk: Desk, known: Known, subjects: Subjects, code: str, now: datetime) -> tuple[str, ...] | None:
    """How somebody with the right password signs in; None: the code is wrong. Raises CodeNeeded."""
    with desk.database.writing() as connection:
        raw = driver(connection)
        if not second_factor.needed(raw, known.account_id):
            return (PASSWORD,)
        if code:
            right = second_factor.taken(raw, desk.streams, known.account_id, code, now)
            return (PASSWORD, sessions.ONE_TIME_CODE) if right else None
        lockout.uncounted(raw, subjects)
    raise CodeNeeded


def refuse(desk: Desk, known: Known | None, reason: SignInFailure, origin: Origin, refused: int, now: datetime) -> None:
    """Record an attempt that was looked at and refused. ``refused``: how many were before it."""
    fact = SignInRefused(
        account_id=None if known is None else known.account_id,
        reason=reason,
        refused_before=refused,
        division_code=desk.division if known is None else known.division_code,
        school_code=None if known is None else known.school_code,
        personal=None if known is None else origin.whereabouts(known.account_id),
    )
    proposed = [Proposed(new_event_id(), 0, fact, day_of(now))]
    desk.store.run(desk.database, _own_command(), lambda _connection: proposed)


def enter(desk: Desk, known: Known, subjects: Subjects, way: Way, now: datetime) -> SignedInAs:
    """Open a session for somebody who has shown who they are. A password that must be changed binds who used it.
    Raises SignInFailed when the account has changed since it was looked at."""
    must_change = known.must_change and PASSWORD in way.means
    session_id = sessions.new_session_id()
    answer: list[SignedInAs] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, known.account_id, alone=False)
        if known_by(raw, subjects.login) != known:
            raise SignInFailed  # closed, reset or changed between the look and this moment
        way.still(raw)
        refused = lockout.succeeded(raw, subjects)
        new_address = _never_seen(raw, _ADDRESSES, known.account_id, subjects.address)
        device = desk.streams.device(device_of(way.origin.agent))
        new_device = _never_seen(raw, _DEVICES, known.account_id, device)
        posts = [] if must_change else sessions.holdings(raw, known.account_id, day_of(now))
        chosen = posts[0] if len(posts) == 1 else None
        session = _session(session_id, known.account_id, way.means, chosen, now, subjects.address)
        answer[:] = [SignedInAs(sessions.opened(raw, session), session, posts, must_change)]
        fact = SignedIn(
            account_id=known.account_id,
            session_id=session_id,
            means=way.means,
            new_address=new_address,
            new_device=new_device,
            addresses_at_once=sessions.addresses(raw, known.account_id, now),
            at_night=desk.hours.at_night(now),
            refused_before=refused,
            division_code=known.division_code,
            school_code=known.school_code,
            personal=way.origin.whereabouts(known.account_id),
        )
        told = [Proposed(session_id, 0, fact, day_of(now))]
        return told if chosen is None else [*told, Proposed(session_id, 0, _choice(session), day_of(now))]

    desk.store.run(desk.database, _own_command(), decide)
    return answer[0]


def _never_seen(raw: Raw, statement: str, account_id: UUID, seen: bytes) -> bool:
    came = raw.execute(statement.encode(), (account_id, seen, account_id)).fetchone()
    return came is not None and came[0] > 0


def _session(
    session_id: UUID,
    account_id: UUID,
    means: tuple[str, ...],
    chosen: Holding | None,
    now: datetime,
    address: bytes,
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
        address=address,
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
