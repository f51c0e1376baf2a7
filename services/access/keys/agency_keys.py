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

from services.access.administration import Administrator, Managed, check_kind
from services.access.desk import Desk, Raw, day_of
from services.access.errors import BadUntil, NotYours, TooManyKeys, UnknownKey
from services.access.events import AgencyKeyIssued, AgencyKeyRevoked, AgencyKeyRotated
from services.access.sessions import sessions
from services.access.sessions.session_desk import Token
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.clock import SHANGHAI
from shared.standards.posts import Kind
from shared.web.authentication import Unauthenticated

KEYS_AT_ONCE = 2
LONGEST = timedelta(days=366)
CHANGE_OVER = timedelta(days=30)  # longer, and nobody remembers that the former key is good still
USED_EVERY = timedelta(minutes=1)
_TURN = 0x6167656E6379  # any constant of our own: keys of an agency are issued one after the other


class Issued(NamedTuple):
    """``key``: shown now and never again; None when the same command was done before."""

    key_id: UUID
    key: str | None


class KeyRow(NamedTuple):
    """One key; ``used_at``: when it was last exchanged, to the minute; ``issued_by`` an account, "" before it was kept;
    ``ends_at``: until when it is good beside the one it was ``replaced_by``."""

    key_id: UUID
    agency: str
    label: str
    issued_at: datetime
    issued_by: str
    until: date
    used_at: datetime | None
    revoked: bool
    ends_at: datetime | None
    replaced_by: UUID | None


class Keeper(NamedTuple):
    """Who looks after keys: an administrator of the division, or an agency's own publisher."""

    by: str
    administrator: Administrator | None = None
    agency: str | None = None


_ROW = "key_id, agency, label, issued_at, coalesce(issued_by, ''), until, used_at, revoked, ends_at, replaced_by"
_GOOD = "NOT revoked AND until > %(day)s AND (ends_at IS NULL OR ends_at > %(now)s)"


def issue(desk: Desk, keeper: Keeper, key_id: UUID, told: AgencyKeyIssued, command: Command, now: datetime) -> Issued:
    """Issue a key. Raises NotYours, BadUntil, TooManyKeys, CommandReused."""
    _check(desk, keeper, None)
    secret = secrets.token_urlsafe(32)

    def decide(connection: Connection) -> Sequence[Proposed]:
        return [_issuing(driver(connection), key_id, told, now)]

    def then(connection: Connection, _result: Result) -> None:
        _keep(driver(connection), key_id, told, secret, now)

    result = desk.store.run(desk.database, command, decide, then)
    return _handed(key_id, secret, result)


class Rotation(NamedTuple):
    """``fresh_id`` takes the place of ``key_id`` and is good until the day ``until``; the former one is good beside it
    until the moment ``valid_until``, a month at most."""

    key_id: UUID
    fresh_id: UUID
    until: date
    valid_until: datetime


def rotate(desk: Desk, keeper: Keeper, wanted: Rotation, command: Command, now: datetime) -> Issued:
    """Issue another key of the same machine. Raises NotYours, UnknownKey (revoked or rotated before, too), BadUntil,
    TooManyKeys, CommandReused."""
    key_id, fresh_id, until, valid_until = wanted
    secret = secrets.token_urlsafe(32)
    told: list[AgencyKeyIssued] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        former = _held(raw, desk, keeper, key_id)
        if former.replaced_by is not None:
            raise UnknownKey
        if not now <= valid_until <= now + CHANGE_OVER:
            raise BadUntil("旧密钥最多再用30天", "The former key is good for thirty days more at most")
        fresh = AgencyKeyIssued(
            key_id=fresh_id,
            agency=former.agency,
            label=former.label,
            until=until,
            division_code=desk.division,
            by=keeper.by,
        )
        told[:] = [fresh]
        over = AgencyKeyRotated(
            key_id=key_id,
            replaced_by=fresh_id,
            agency=former.agency,
            valid_until=valid_until,
            division_code=desk.division,
            by=keeper.by,
        )
        version = len(desk.store.load(connection, key_id))
        return [_issuing(raw, fresh_id, fresh, now), Proposed(key_id, version, over, day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        raw = driver(connection)
        _keep(raw, fresh_id, told[0], secret, now)
        raw.execute(
            "UPDATE access_agency_keys SET ends_at = %s, replaced_by = %s WHERE key_id = %s",
            (valid_until, fresh_id, key_id),
        )

    return _handed(fresh_id, secret, desk.store.run(desk.database, command, decide, then))


def revoke(desk: Desk, keeper: Keeper, key_id: UUID, command: Command, now: datetime) -> Result:
    """End a key and every token it was exchanged for. Raises NotYours, UnknownKey, CommandReused."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        held = _held(driver(connection), desk, keeper, key_id)
        version = len(desk.store.load(connection, key_id))
        fact = AgencyKeyRevoked(key_id=key_id, agency=held.agency, division_code=desk.division, by=keeper.by)
        return [Proposed(key_id, version, fact, day_of(now))]

    def then(connection: Connection, _result: Result) -> None:
        raw = driver(connection)
        raw.execute("UPDATE access_agency_keys SET revoked = true WHERE key_id = %s", (key_id,))
        sessions.published(raw, [key_id], now)

    return desk.store.run(desk.database, command, decide, then)


def keys(desk: Desk, keeper: Keeper) -> list[KeyRow]:
    """Every key of the keeper's, the last one first. Raises NotYours."""
    _check(desk, keeper, keeper.agency)
    with desk.database.writing() as connection:
        rows = driver(connection).execute(
            f"""SELECT {_ROW} FROM access_agency_keys WHERE %(agency)s::text IS NULL OR agency = %(agency)s
                ORDER BY issued_at DESC, key_id LIMIT 200""".encode(),
            {"agency": keeper.agency},
        )
        return [KeyRow(*row) for row in rows.fetchall()]


def exchanged(desk: Desk, key: str, now: datetime) -> Token:
    """A token for a key's agency, no longer than the key. Raises Unauthenticated."""
    name, _, secret = key.partition(".")
    with desk.database.writing() as connection:
        raw = driver(connection)
        found = _found(raw, name, secret, now)
        if found.used_at is None or now - found.used_at > USED_EVERY:
            raw.execute("UPDATE access_agency_keys SET used_at = %s WHERE key_id = %s", (now, found.key_id))
    told = {
        "sub": f"agency-key:{found.key_id}",
        "name": found.label,
        "kind": Kind.AGENCY_PUBLISHER.value,
        "agency": found.agency,
        "amr": ["key"],
    }
    ends_at = datetime.combine(found.until, time(), SHANGHAI)
    return Token(*desk.signer.token(told, found.key_id, now, min(ends_at, found.ends_at or ends_at)))


def _check(desk: Desk, keeper: Keeper, agency: str | None) -> None:
    """Whether keys of ``agency`` (None: of any) are the keeper's. Raises NotYours."""
    if keeper.administrator is not None:
        check_kind(keeper.administrator, Kind.AGENCY_PUBLISHER, Managed(desk.division, None))
    elif agency is None or agency != keeper.agency:
        raise NotYours


def _held(raw: Raw, desk: Desk, keeper: Keeper, key_id: UUID) -> KeyRow:
    """A key of the keeper's, locked. Raises NotYours, UnknownKey, also for another agency's."""
    _check(desk, keeper, keeper.agency)
    row = raw.execute(
        f"SELECT {_ROW} FROM access_agency_keys WHERE key_id = %s AND NOT revoked FOR UPDATE".encode(), (key_id,)
    ).fetchone()
    found = None if row is None else KeyRow(*row)
    if found is None or (keeper.agency is not None and found.agency != keeper.agency):
        raise UnknownKey
    return found


def _issuing(raw: Raw, key_id: UUID, told: AgencyKeyIssued, now: datetime) -> Proposed:
    """Raises BadUntil, TooManyKeys."""
    day = day_of(now)
    if not day < told.until <= day + LONGEST:
        raise BadUntil("密钥有效期应晚于今天且不超过一年", "A key ends on a later day, within a year")
    raw.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
    row = raw.execute(
        f"SELECT count(*) FROM access_agency_keys WHERE agency = %(agency)s AND {_GOOD}".encode(),
        {"agency": told.agency, "day": day, "now": now},
    ).fetchone()
    if row is not None and row[0] >= KEYS_AT_ONCE:
        raise TooManyKeys("该部门已有两个有效密钥,请先停用一个", "Two keys are valid already; revoke one first")
    return Proposed(key_id, 0, told, day)


def _keep(raw: Raw, key_id: UUID, told: AgencyKeyIssued, secret: str, now: datetime) -> None:
    raw.execute(
        """INSERT INTO access_agency_keys (key_id, secret, agency, label, issued_at, issued_by, until)
           VALUES (%s, %s, %s, %s, %s, %s, %s)""",
        (key_id, sessions.digest(secret), told.agency, told.label, now, told.by, told.until),
    )


def _handed(key_id: UUID, secret: str, result: Result) -> Issued:
    return Issued(key_id, None if result.replayed else f"{key_id.hex}.{secret}")


def _found(raw: Raw, name: str, secret: str, now: datetime) -> KeyRow:
    try:
        key_id = UUID(hex=name)
    except ValueError:
        raise Unauthenticated("not a key") from None
    row = raw.execute(
        f"SELECT secret, {_ROW} FROM access_agency_keys WHERE key_id = %(id)s AND {_GOOD}".encode(),
        {"id": key_id, "day": day_of(now), "now": now},
    ).fetchone()
    if row is None or not hmac.compare_digest(bytes(row[0]), sessions.digest(secret)):
        raise Unauthenticated("no such key")
    return KeyRow(*row[1:])
