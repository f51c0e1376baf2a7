"""Which identity belongs to which account: rows found by keyed digests of what the issuer says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.access.desk import Raw
from services.access.oidc.id_token import Identity
from services.access.sessions.sign_in import OIDC
from services.access.streams import Streams

_COLUMNS = "i.identity_id, i.account_id, a.login_digest, i.issuer, i.linked_at"
_OF_SUBJECT = f"""
SELECT {_COLUMNS} FROM access_identities AS i JOIN access_accounts AS a USING (account_id)
WHERE i.subject = %s AND NOT i.ended
"""
_BY_ID = f"""
SELECT {_COLUMNS} FROM access_identities AS i JOIN access_accounts AS a USING (account_id)
WHERE i.identity_id = %s AND NOT i.ended
"""
_OF_ACCOUNT = f"""
SELECT {_COLUMNS} FROM access_identities AS i JOIN access_accounts AS a USING (account_id)
WHERE i.account_id = %(account)s AND NOT i.ended AND (i.subject IS NOT NULL OR i.until > %(now)s)
ORDER BY i.linked_at, i.identity_id
"""
_ANNOUNCED = f"""
SELECT {_COLUMNS} FROM access_identities AS i JOIN access_accounts AS a USING (account_id)
WHERE i.announced = ANY(%(digests)s) AND i.subject IS NULL AND NOT i.ended AND i.until > %(now)s AND NOT a.closed
"""
_LINK = """
UPDATE access_identities SET subject = %s, linked_at = %s WHERE identity_id = %s AND subject IS NULL AND NOT ended
"""


class Linked(NamedTuple):
    """An identity of an account; ``linked_at`` None: announced, and nobody has come yet."""

    identity_id: UUID
    account_id: UUID
    login: bytes
    issuer: str
    linked_at: datetime | None


def of_subject(raw: Raw, subject: bytes) -> Linked | None:
    """The identity under the digest of an issuer's subject."""
    row = raw.execute(_OF_SUBJECT.encode(), (subject,)).fetchone()
    return None if row is None else Linked(*row)


def by_id(raw: Raw, identity_id: UUID) -> Linked | None:
    """The identity, unless it has ended."""
    row = raw.execute(_BY_ID.encode(), (identity_id,)).fetchone()
    return None if row is None else Linked(*row)


def of_account(raw: Raw, account_id: UUID, now: datetime) -> list[Linked]:
    """An account's identities, those announced and still awaited included."""
    rows = raw.execute(_OF_ACCOUNT.encode(), {"account": account_id, "now": now}).fetchall()
    return [Linked(*row) for row in rows]


def announced(raw: Raw, streams: Streams, identity: Identity, now: datetime) -> Linked | None:
    """The one account an administrator told this identity of; none when it fits two."""
    digests = [streams.announced(identity.issuer, "sub", identity.subject)]
    if identity.email is not None:
        digests.append(streams.announced(identity.issuer, "email", identity.email))
    rows = raw.execute(_ANNOUNCED.encode(), {"digests": digests, "now": now}).fetchall()
    return Linked(*rows[0]) if len(rows) == 1 else None


def announce(raw: Raw, identity_id: UUID, account_id: UUID, issuer: str, told: bytes, until: datetime) -> None:
    """Await an identity. Raises UniqueViolation where another account awaits the same."""
    raw.execute(
        """INSERT INTO access_identities (identity_id, account_id, issuer, announced, until)
           VALUES (%s, %s, %s, %s, %s)""",
        (identity_id, account_id, issuer, told, until),
    )


def is_awaited(raw: Raw, told: bytes) -> bool:
    """Whether an account awaits what this digest stands for."""
    row = raw.execute(
        "SELECT FROM access_identities WHERE announced = %s AND subject IS NULL AND NOT ended", (told,)
    ).fetchone()
    return row is not None


def forget_late(raw: Raw, told: bytes, now: datetime) -> None:
    """What was awaited too long stands in nobody's way."""
    raw.execute(
        "UPDATE access_identities SET ended = true WHERE announced = %s AND subject IS NULL AND until <= %s",
        (told, now),
    )


def link(raw: Raw, identity_id: UUID, account_id: UUID, issuer: str, subject: bytes, now: datetime) -> None:
    """Keep a new identity. Raises UniqueViolation where it is another account's."""
    raw.execute(
        """INSERT INTO access_identities (identity_id, account_id, issuer, subject, linked_at)
           VALUES (%s, %s, %s, %s, %s)""",
        (identity_id, account_id, issuer, subject, now),
    )


def link_announced(raw: Raw, identity_id: UUID, subject: bytes, now: datetime) -> bool:
    """Who was announced has come; False when somebody was faster, or it was taken back."""
    return raw.execute(_LINK, (subject, now, identity_id)).rowcount == 1


def end(raw: Raw, identity_ids: Sequence[UUID]) -> list[UUID]:
    """End these; those that had not ended before."""
    rows = raw.execute(
        """UPDATE access_identities SET ended = true WHERE identity_id = ANY(%s) AND NOT ended
           RETURNING identity_id""",
        (list(identity_ids),),
    ).fetchall()
    return sorted(row[0] for row in rows)


def sessions_opened(raw: Raw, account_id: UUID) -> dict[UUID, UUID]:
    """The account's open sessions that began at the issuer → the account, locked."""
    rows = raw.execute(
        """SELECT session_id FROM access_sessions WHERE account_id = %s AND NOT ended AND %s = ANY(means)
           ORDER BY session_id FOR UPDATE""",
        (account_id, OIDC),
    ).fetchall()
    return dict.fromkeys((row[0] for row in rows), account_id)
