"""Sessions: a secret only the browser holds, what it may do now, and the list of those that have ended.

A session gets another secret and another id whenever it can do more than before (sign-in, choice of a post, a new
password), so that one that was planted or seen before is worth nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import class_row

LONGEST = timedelta(hours=12)  # a working day
IDLE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)
REVOCATIONS_KEPT = timedelta(minutes=15)  # longer than any token lives
_LOCK = 0x7265766F6B65  # any constant of our own
SECRET_BYTES = 32
ONE_TIME_CODE, ISSUER_FACTOR = "one_time_code", "issuer_second_factor"  # among the means a session was opened with
SECOND_FACTORS = frozenset({ONE_TIME_CODE, ISSUER_FACTOR})
_NOTICE = '{"projection": "sessions", "table": "revocations", "more": true}'  # as live.py hears it


@dataclass(frozen=True)
class Session:
    """One row of access_sessions."""

    session_id: UUID
    account_id: UUID
    means: list[str]
    post_id: UUID | None
    delegation_id: UUID | None
    emergency_id: UUID | None
    signed_in_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: bytes | None = None  # as a keyed digest


class Holding(NamedTuple):
    """A post an account may act in today; ``until``: the day that ends, by a delegation or the holder's own time."""

    post_id: UUID
    kind: str
    division_code: str
    school_code: str | None
    school_class: str | None
    agency: str | None
    delegation_id: UUID | None
    until: date | None


_COLUMNS = (
    "session_id, account_id, means, post_id, delegation_id, emergency_id, signed_in_at, seen_at, ends_at, address"
)
_FIND = f"""
SELECT {_COLUMNS} FROM access_sessions AS s
WHERE secret = %(secret)s AND NOT ended AND ends_at > %(now)s AND seen_at > %(idle)s
"""
_OPEN = f"""
INSERT INTO access_sessions (secret, {_COLUMNS})
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_OF_ACCOUNT = f"""
SELECT {_COLUMNS} FROM access_sessions
WHERE account_id = %(account)s AND NOT ended AND ends_at > %(now)s AND seen_at > %(idle)s ORDER BY seen_at DESC
"""
_HOLDINGS = """
SELECT p.post_id, p.kind, p.division_code, p.school_code, p.school_class, p.agency,
       NULL::uuid AS delegation_id, p.until
FROM access_posts AS p
WHERE p.holder = %(account)s AND NOT p.closed
  AND (p.begins_on IS NULL OR p.begins_on <= %(day)s) AND (p.until IS NULL OR p.until > %(day)s)
UNION ALL
SELECT p.post_id, p.kind, p.division_code, p.school_code, p.school_class, p.agency, d.delegation_id,
       least(d.until, p.until)
FROM access_delegations AS d JOIN access_posts AS p USING (post_id)
WHERE d.account_id = %(account)s AND NOT d.ended AND d.until > %(day)s AND NOT p.closed AND p.holder IS NOT NULL
  AND (p.begins_on IS NULL OR p.begins_on <= %(day)s) AND (p.until IS NULL OR p.until > %(day)s)
ORDER BY 2, 1
"""
_EMERGENCY = """
SELECT emergency_id, kind, division_code, school_code, school_class, NULL::text, NULL::uuid, NULL::date
FROM access_emergencies WHERE emergency_id = %s AND until > %s
"""
_END = """
UPDATE access_sessions SET ended = true
WHERE NOT ended AND session_id = ANY(%s) RETURNING session_id
"""


def digest(secret: str) -> bytes:
    """How a secret of ours is kept (a session's, an agency's key): 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def found(raw: psycopg.Connection[Any], secret: str, now: datetime) -> Session | None:
    """The session of a secret, if it has neither ended nor slept too long; noted as seen, once a minute."""
    with raw.cursor(row_factory=class_row(Session)) as cursor:
        session = cursor.execute(_FIND.encode(), {"secret": digest(secret), "now": now, "idle": now - IDLE}).fetchone()
    if session is not None and now - session.seen_at > SEEN_EVERY:
        raw.execute("UPDATE access_sessions SET seen_at = %s WHERE session_id = %s", (now, session.session_id))
    return session


def means_of(raw: psycopg.Connection[Any], secret: str) -> list[str]:
    """How the session of a secret was opened, also when it is over; nothing for a secret that never was one."""
    row = raw.execute("SELECT means FROM access_sessions WHERE secret = %s", (digest(secret),)).fetchone()
    return [] if row is None else list(row[0])


def opened(raw: psycopg.Connection[Any], session: Session) -> str:
    """Keep a session and give its secret, 43 characters."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = (
        session.session_id,
        session.account_id,
        session.means,
        session.post_id,
        session.delegation_id,
        session.emergency_id,
        session.signed_in_at,
        session.seen_at,
        session.ends_at,
        session.address,
    )
    raw.execute(_OPEN.encode(), (digest(secret), *row))
    return secret


def emergency(raw: psycopg.Connection[Any], session: Session, now: datetime) -> Holding | None:
    """The post a session acts in by emergency access, while it lasts."""
    row = raw.execute(_EMERGENCY, (session.emergency_id, now)).fetchone()
    return None if row is None else Holding(*row)


def new_session_id() -> UUID:
    """A random id: it stands in tokens and events and opens nothing."""
    return UUID(bytes=os.urandom(16), version=4)


def of_account(raw: psycopg.Connection[Any], account_id: UUID, now: datetime) -> list[Session]:
    """Somebody's sessions, the one seen last first."""
    with raw.cursor(row_factory=class_row(Session)) as cursor:
        return cursor.execute(_OF_ACCOUNT.encode(), {"account": account_id, "now": now, "idle": now - IDLE}).fetchall()


def addresses(raw: psycopg.Connection[Any], account_id: UUID, now: datetime) -> int:
    """From how many addresses an account is signed in."""
    return len({each.address for each in of_account(raw, account_id, now)} - {None})


def holdings(raw: psycopg.Connection[Any], account_id: UUID, day: date) -> list[Holding]:
    """The posts an account may act in on a day, as holder or as delegate."""
    rows = raw.execute(_HOLDINGS, {"account": account_id, "day": day}).fetchall()
    return [Holding(*row) for row in rows]


def in_post(raw: psycopg.Connection[Any], post_id: UUID, account_ids: Sequence[UUID]) -> list[UUID]:
    """The sessions in which these accounts act in this post and that have not ended, locked."""
    rows = raw.execute(
        """SELECT session_id FROM access_sessions
           WHERE post_id = %s AND account_id = ANY(%s) AND NOT ended ORDER BY session_id FOR UPDATE""",
        (post_id, list(account_ids)),
    ).fetchall()
    return [row[0] for row in rows]


def open_ones(raw: psycopg.Connection[Any], account_id: UUID) -> list[UUID]:
    """Every session of an account that has not ended, locked."""
    rows = raw.execute(
        "SELECT session_id FROM access_sessions WHERE account_id = %s AND NOT ended ORDER BY session_id FOR UPDATE",
        (account_id,),
    ).fetchall()
    return [row[0] for row in rows]


def ended(raw: psycopg.Connection[Any], session_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """End these sessions and tell every service (revocations); those that were still open."""
    ends = [row[0] for row in raw.execute(_END, (list(session_ids),)).fetchall()]
    published(raw, ends, now)
    return ends


def published(raw: psycopg.Connection[Any], session_ids: Sequence[UUID], now: datetime) -> None:
    """Tell every service that tokens of these sessions (or agency keys) are refused from now on."""
    if session_ids:
        raw.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        raw.execute("DELETE FROM access_revocations WHERE revoked_at < %s", (now - REVOCATIONS_KEPT,))
        raw.execute(
            "INSERT INTO access_revocations (session_id, revoked_at) SELECT unnest(%s::uuid[]), %s",
            (list(session_ids), now),
        )
        raw.execute(
            """SELECT pg_notify('changed', '{"projection": "sessions", "table": "revocations", "more": true}')"""
        )


class Revocations(NamedTuple):
    """Sessions that have ended, and the number to ask behind next time."""

    sessions: list[UUID]
    last: int


def revoked(raw: psycopg.Connection[Any], after: int) -> Revocations:
    """What ended after ``after``. A number beyond the last (another database) reads everything kept."""
    rows = raw.execute("SELECT number, session_id FROM access_revocations ORDER BY number").fetchall()
    last = rows[-1][0] if rows else after
    fresh = [row[1] for row in rows if row[0] > after or after > last]
    return Revocations(fresh, last)
