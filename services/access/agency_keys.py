"""Keys of agencies' machines: shown once, good for a year at most, two at a time so that one replaces the other without
a gap; exchanged for tokens of minutes, and out at once when revoked."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.access import sessions
from services.access.administration import Administrator, Managed, check_kind
from services.access.desk import Desk, Raw, day_of
from services.access.errors import BadUntil, TooManyKeys, UnknownKey
from services.access.events import AgencyKeyIssued, AgencyKeyRevoked
from services.access.session_desk import Token
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.clock import SHANGHAI
from shared.standards.posts import Kind
from shared.web.authentication import Unauthenticated

KEYS_AT_ONCE = 2
LONGEST = timedelta(days=366)
USED_EVERY = timedelta(minutes=1)
_TURN = 0x6167656E6379  # any constant of our own: keys of an agency are issued one after the other


class Issued(NamedTuple):
    """``key``: shown now and never again; None when the same command was done before."""

    key_id: UUID
    key: str | None


class KeyRow(NamedTuple):
    """One key; ``used_at``: when it was last exchanged, to the minute."""

    key_id: UUID
    agency: str
    label: str
    issued_at: datetime
    until: date
    used_at: datetime | None
    revoked: bool


def issue(
    desk: Desk, administrator: Administrator, key_id: UUID, told: AgencyKeyIssued, command: Command, now: datetime
) -> Issued:
    """Issue a key. Raises NotYours, BadUntil, TooManyKeys, CommandReused."""
    check_kind(administrator, Kind.AGENCY_PUBLISHER, Managed(desk.division, None))
    secret, today = secrets.token_urlsafe(32), day_of(now)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if not today < told.until <= today + LONGEST:
            raise BadUntil("密钥有效期应晚于今天且不超过一年", "A key ends on a later day, within a year")
        raw = driver(connection)
        raw.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
        row = raw.execute(
            "SELECT count(*) FROM access_agency_keys WHERE agency = %s AND NOT revoked AND until > %s",
            (told.agency, today),
        ).fetchone()
        if row is not None and row[0] >= KEYS_AT_ONCE:
            raise TooManyKeys("该部门已有两个有效密钥,请先停用一个", "Two keys are valid already; revoke one first")
        return [Proposed(key_id, 0, told, today)]

    def then(connection: Connection, _result: Result) -> None:
        driver(connection).execute(
            """INSERT INTO access_agency_keys (key_id, secret, agency, label, issued_at, until)
               VALUES (%s, %s, %s, %s, %s, %s)""",
            (key_id, sessions.digest(secret), told.agency, told.label, now, told.until),
        )

    result = desk.store.run(desk.database, command, decide, then)
    return Issued(key_id, None if result.replayed else f"{key_id.hex}.{secret}")


def revoke(desk: Desk, administrator: Administrator, key_id: UUID, command: Command, now: datetime) -> Result:
    """End a key and every token it was exchanged for. Raises NotYours, UnknownKey, CommandReused."""
    check_kind(administrator, Kind.AGENCY_PUBLISHER, Managed(desk.division, None))

    def decide(connection: Connection) -> Sequence[Proposed]:
        row = (
            driver(connection)
            .execute("SELECT agency FROM access_agency_keys WHERE key_id = %s AND NOT revoked FOR UPDATE", (key_id,))
            .fetchone()
        )
        if row is None:
            raise UnknownKey
        version = len(desk.store.load(connection, key_id))
        fact = AgencyKeyRevoked(key_id=key_id, agency=row[0], division_code=desk.division, by=administrator.by)
        return [Proposed(key_id, version, fact, day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        raw = driver(connection)
        raw.execute("UPDATE access_agency_keys SET revoked = true WHERE key_id = %s", (key_id,))
        sessions.published(raw, [key_id], now)

    return desk.store.run(desk.database, command, decide, then)


def keys(desk: Desk, administrator: Administrator) -> list[KeyRow]:
    """Every key, the last one first. Raises NotYours."""
    check_kind(administrator, Kind.AGENCY_PUBLISHER, Managed(desk.division, None))
    with desk.database.writing() as connection:
        rows = driver(connection).execute(
            """SELECT key_id, agency, label, issued_at, until, used_at, revoked FROM access_agency_keys
               ORDER BY issued_at DESC, key_id LIMIT 200"""
        )
        return [KeyRow(*row) for row in rows.fetchall()]


def exchanged(desk: Desk, key: str, now: datetime) -> Token:
    """A token for a key's agency. Raises Unauthenticated."""
    name, _, secret = key.partition(".")
    with desk.database.writing() as connection:
        raw = driver(connection)
        found = _found(raw, name, secret, day_of(now))
        if found.used_at is None or now - found.used_at > USED_EVERY:
            raw.execute("UPDATE access_agency_keys SET used_at = %s WHERE key_id = %s", (now, found.key_id))
    told = {
        "sub": f"agency-key:{found.key_id}",
        "name": found.label,
        "kind": Kind.AGENCY_PUBLISHER.value,
        "agency": found.agency,
        "amr": ["key"],
    }
    return Token(*desk.signer.token(told, found.key_id, now, datetime.combine(found.until, time(), SHANGHAI)))


def _found(raw: Raw, name: str, secret: str, today: date) -> KeyRow:
    try:
        key_id = UUID(hex=name)
    except ValueError:
        raise Unauthenticated("not a key") from None
    row = raw.execute(
        """SELECT secret, key_id, agency, label, issued_at, until, used_at, revoked FROM access_agency_keys
           WHERE key_id = %s AND NOT revoked AND until > %s""",
        (key_id, today),
    ).fetchone()
    if row is None or not hmac.compare_digest(bytes(row[0]), sessions.digest(secret)):
        raise Unauthenticated("no such key")
    return KeyRow(*row[1:])
