"""Sign-ins on their way to the issuer and back: each begun in one browser, good once, for ten minutes.

The browser holds a secret; state, nonce and the verifier of PKCE are made of it with the service's key whenever they
are needed, so this table opens nothing to whoever reads it, and a callback in another browser fits nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.access.desk import Raw
from services.access.errors import Busy, FlowOver
from services.access.sessions.sessions import SECRET_BYTES, digest
from services.access.streams import Streams

LIFE = timedelta(minutes=10)
MOST = 20_000  # at once; what is older is swept away
MOST_OF_ADDRESS = 600  # a county's offices may share one

_COUNT = "SELECT count(*), count(*) FILTER (WHERE address = %s) FROM access_oidc_flows"
_TAKE = """
UPDATE access_oidc_flows SET used = true
WHERE flow = %s AND NOT used AND begun_at > %s RETURNING account_id
"""
_WAITING = """
SELECT waiting FROM access_oidc_flows WHERE flow = %s AND begun_at > %s AND waiting IS NOT NULL
"""


class Promise(NamedTuple):
    """What goes to the issuer (state, nonce, challenge), and what only comes with the code (verifier)."""

    state: str
    nonce: str
    verifier: str

    @property
    def challenge(self) -> str:
        """S256 of RFC 7636."""
        hashed = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def promise_of(streams: Streams, secret: str) -> Promise:
    """What belongs to the browser's secret."""
    return Promise(*(streams.from_browser(purpose, secret) for purpose in Promise._fields))


def begun(raw: Raw, address: bytes, account_id: UUID | None, now: datetime) -> str:
    """A new one and its secret, for the browser alone; ``account_id``: to link it. Raises Busy."""
    raw.execute("DELETE FROM access_oidc_flows WHERE begun_at <= %s", (now - LIFE,))
    row = raw.execute(_COUNT, (address,)).fetchone()
    assert row is not None
    if row[0] >= MOST or row[1] >= MOST_OF_ADDRESS:
        raise Busy
    secret = secrets.token_urlsafe(SECRET_BYTES)
    raw.execute(
        "INSERT INTO access_oidc_flows (flow, address, begun_at, account_id) VALUES (%s, %s, %s, %s)",
        (digest(secret), address, now, account_id),
    )
    return secret


def taken(raw: Raw, streams: Streams, secret: str, state: str, now: datetime) -> UUID | None:
    """Use it up; the account an identity is to be linked to, None for a sign-in. A state of another browser uses
    nothing up. Raises FlowOver."""
    if not hmac.compare_digest(promise_of(streams, secret).state.encode(), state.encode()):
        raise FlowOver
    row = raw.execute(_TAKE, (digest(secret), now - LIFE)).fetchone()
    if row is None:
        raise FlowOver
    account_id: UUID | None = row[0]
    return account_id


def wait_for_code(raw: Raw, secret: str, identity_id: UUID) -> None:
    """The identity was shown; a code of the account's authenticator is still to come, within the same ten minutes."""
    raw.execute("UPDATE access_oidc_flows SET waiting = %s WHERE flow = %s", (identity_id, digest(secret)))


def waiting(raw: Raw, secret: str, now: datetime) -> UUID:
    """The identity that waits for a code in this browser. Raises FlowOver."""
    row = raw.execute(_WAITING, (digest(secret), now - LIFE)).fetchone()
    if row is None:
        raise FlowOver
    identity_id: UUID = row[0]
    return identity_id


def code_came(raw: Raw, secret: str) -> None:
    """It waits no more. Raises FlowOver when it did not."""
    done = raw.execute(
        "UPDATE access_oidc_flows SET waiting = NULL WHERE flow = %s AND waiting IS NOT NULL", (digest(secret),)
    )
    if done.rowcount != 1:
        raise FlowOver
