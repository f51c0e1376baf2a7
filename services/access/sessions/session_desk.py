"""What somebody does with an open session: choose a post, get tokens, change the password, leave."""

from __future__ import annotations

import dataclasses
import hmac
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access.accounts.password_rules import check_password
from services.access.desk import Desk, Raw, day_of, lock_account, lock_post, open_sessions
from services.access.errors import SignInFailed, TooManyAttempts, UnknownPost
from services.access.events import PasswordChanged, PostChosen, SessionEnd
from services.access.sessions import lockout, sessions
from services.access.sessions.lockout import Subjects
from services.access.sessions.sessions import Holding, Session
from services.access.sessions.sign_in import PASSWORD, SignedInAs
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.clock import SHANGHAI
from shared.kernel.identifiers import new_event_id
from shared.standards.posts import POSTS, Kind, Shape
from shared.web.authentication import Unauthenticated


class Token(NamedTuple):
    """A token and for how many seconds it is good."""

    token: str
    seconds: int


class Kept(NamedTuple):
    """A password as it is kept, and the digest of a start password, where there is one."""

    password: str | None
    start: bytes | None


class Standing(NamedTuple):
    """Who has a session, what they may choose, and whether they must change their password first."""

    session: Session
    login: str
    name: str
    posts: list[Holding]
    must_change: bool
    emergency: Holding | None

    @property
    def post(self) -> Holding | None:
        """The post the session acts in, if it still may."""
        return next((each for each in self.posts if each.post_id == self.session.post_id), None)


def standing(desk: Desk, secret: str, now: datetime) -> Standing:
    """What the session of a secret stands for at this moment. Raises Unauthenticated."""
    with desk.database.writing() as connection:
        session = present(driver(connection), secret, now)
        return standing_of(desk, connection, session, now)


def token(desk: Desk, secret: str, now: datetime) -> Token:
    """A token for the post the session acts in; without one, while the password must be changed, or where the post asks
    for a second factor that the session was opened without, it names the person and permits nothing. Raises
    Unauthenticated."""
    found = standing(desk, secret, now)
    told: dict[str, Any] = {
        "sub": str(found.session.account_id),
        "name": found.name,
        "auth_time": int(found.session.signed_in_at.timestamp()),
        "amr": found.session.means,
    }
    ends_at = found.session.ends_at
    post = found.post
    acting = found.emergency if found.session.emergency_id is not None else post
    if acting is not None and desk.lacks_code(found.session, acting.kind):
        post = None
    if post is not None and not found.must_change and found.session.emergency_id is None:
        told |= post_claims(post)
        if post.until is not None:  # its last token ends with a delegation or a holder's time, not minutes later
            ends_at = min(ends_at, datetime.combine(post.until, time(), SHANGHAI))
    elif post is not None and found.emergency is not None:  # the session ends with it
        told |= post_claims(found.emergency) | {"post": str(post.post_id), "emergency": str(found.session.emergency_id)}
        told["emergency_until"] = int(ends_at.timestamp())
    return Token(*desk.signer.token(told, found.session.session_id, now, ends_at))


def choose_post(desk: Desk, secret: str, post_id: UUID, now: datetime) -> SignedInAs:
    """Act in another post from now on, under another session. Raises Unauthenticated, UnknownPost."""
    answer: list[SignedInAs] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        session = present(raw, secret, now)
        lock_account(raw, session.account_id, alone=False)
        lock_post(raw, post_id, alone=False)
        found = standing_of(desk, connection, session, now)
        post = next((each for each in found.posts if each.post_id == post_id), None)
        if post is None or found.must_change:
            raise UnknownPost
        fresh = dataclasses.replace(
            session,
            session_id=sessions.new_session_id(),
            post_id=post.post_id,
            delegation_id=post.delegation_id,
            emergency_id=None,
            seen_at=now,
        )
        ends = desk.endings(connection, {session.session_id: session.account_id}, "post_changed", now)
        sessions.ended(raw, [session.session_id], now)
        answer[:] = [SignedInAs(sessions.opened(raw, fresh), fresh, found.posts, False)]
        fact = PostChosen(
            account_id=fresh.account_id,
            session_id=fresh.session_id,
            post_id=post.post_id,
            delegation_id=post.delegation_id,
        )
        return [*ends, Proposed(fresh.session_id, 0, fact, day_of(now))]

    desk.store.run(desk.database, own_command(), decide)
    return answer[0]


def change_password(desk: Desk, secret: str, former: str, password: str, now: datetime) -> SignedInAs:
    """Choose another password; every session ends, and this one goes on under another id. Raises Unauthenticated,
    SignInFailed (the former one is wrong), TooManyAttempts, WeakPassword, Busy."""
    found = standing(desk, secret, now)
    account_id = found.session.account_id
    kept, subjects = check_former(desk, found, former, now)
    check_password(password, login=found.login, name=found.name)
    hashed = desk.hashing.hash(password)
    answer: list[SignedInAs] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, account_id, alone=True)
        session = present(raw, secret, now)
        if _kept(raw, account_id) != kept:
            raise SignInFailed  # reset at this very moment
        lockout.succeeded(raw, subjects)
        raw.execute(
            """UPDATE access_accounts SET password = %s, must_change = false, once_until = NULL, start = NULL
               WHERE account_id = %s""",
            (hashed, account_id),
        )
        ends = open_sessions(raw, account_id)
        told = desk.endings(connection, ends, "password_changed", now)
        sessions.ended(raw, list(ends), now)
        posts = sessions.holdings(raw, account_id, day_of(now))
        chosen = next((each for each in posts if each.post_id == session.post_id), None)
        chosen = posts[0] if len(posts) == 1 else chosen
        fresh = dataclasses.replace(
            session,
            session_id=sessions.new_session_id(),
            post_id=None if chosen is None else chosen.post_id,
            delegation_id=None if chosen is None else chosen.delegation_id,
            emergency_id=None,
            seen_at=now,
        )
        answer[:] = [SignedInAs(sessions.opened(raw, fresh), fresh, posts, False)]
        version = desk.account(connection, account_id).version
        return [Proposed(account_id, version, PasswordChanged(account_id=account_id), day_of(now)), *told]

    desk.store.run(desk.database, own_command(), decide)
    return answer[0]


def check_former(desk: Desk, found: Standing, former: str, now: datetime) -> tuple[Kept, Subjects]:
    """The passwords as they are kept, if ``former`` is one. Counted as at sign-in: who found an open session does not
    get to guess its password. Raises SignInFailed, TooManyAttempts, Busy."""
    account_id = found.session.account_id
    subjects = Subjects(desk.streams.login(found.login), desk.streams.address(str(account_id)))
    with desk.database.writing() as connection:
        kept = _kept(driver(connection), account_id)
        wait = lockout.taken(driver(connection), subjects, now)
    if wait:
        raise TooManyAttempts(wait)
    right = desk.hashing.fits(former, kept.password)
    if kept.start is not None:
        right |= hmac.compare_digest(kept.start, desk.streams.start(account_id, former))
    if not right:
        raise SignInFailed
    return kept, subjects


def sign_out(desk: Desk, secret: str, *, everywhere: bool, now: datetime) -> Session:
    """End the session, or all of the person's; the one that was left. Raises Unauthenticated."""
    reason: SessionEnd = "signed_out_everywhere" if everywhere else "signed_out"
    left: list[Session] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        session = present(raw, secret, now)
        if everywhere:
            lock_account(raw, session.account_id, alone=True)
        ends = open_sessions(raw, session.account_id) if everywhere else {session.session_id: session.account_id}
        told = desk.endings(connection, ends, reason, now)
        sessions.ended(raw, list(ends), now)
        left[:] = [session]
        return told

    desk.store.run(desk.database, own_command(), decide)
    return left[0]


def present(raw: Raw, secret: str, now: datetime) -> Session:
    """The session of a secret. Raises Unauthenticated."""
    session = sessions.found(raw, secret, now)
    if session is None:
        raise Unauthenticated("no such session")
    return session


def standing_of(desk: Desk, connection: Connection, session: Session, now: datetime) -> Standing:
    """What a session stands for at this moment. Raises Unauthenticated for a closed account."""
    raw = driver(connection)
    row = raw.execute(
        "SELECT closed, must_change FROM access_accounts WHERE account_id = %s", (session.account_id,)
    ).fetchone()
    if row is None or row[0]:
        raise Unauthenticated("the account is closed")
    personal = desk.opened(connection, session.account_id).personal
    posts = sessions.holdings(raw, session.account_id, day_of(now))
    login, name = ("", "") if personal is None else (personal.login, personal.name)
    emergency = sessions.emergency(raw, session, now) if session.emergency_id is not None else None
    must_change = row[1] and PASSWORD in session.means
    return Standing(session, login, name, posts, must_change, emergency)


def _kept(raw: Raw, account_id: UUID) -> Kept:
    row = raw.execute("SELECT password, start FROM access_accounts WHERE account_id = %s", (account_id,)).fetchone()
    return Kept(None, None) if row is None else Kept(*row)


def post_claims(post: Holding) -> dict[str, Any]:
    """What a token says of the post: only the claims of its kind's shape, so that nothing widens it."""
    shape = POSTS[Kind(post.kind)].shape
    places: dict[str, Any] = {
        "division": post.division_code if shape is Shape.DIVISION or post.school_code is None else None,
        "school": post.school_code,
        "class": post.school_class,
        "agency": post.agency,
    }
    if shape is Shape.AGENCY:
        places["division"] = None
    return {
        "post": str(post.post_id),
        "kind": post.kind,
        "delegated": None if post.delegation_id is None else str(post.delegation_id),
        **places,
    }


def own_command() -> Command:
    """What somebody does with a session once, under an id of its own."""
    return Command("system:session", new_event_id(), b"")
