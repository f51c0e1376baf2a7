"""Signing out: our own session always, and first; then where the browser goes to end the one at the issuer.

The next person at a shared computer would otherwise be signed in again by one click. What the issuer does or fails to
do holds nothing up and brings nothing back here.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal, NamedTuple

from services.access.oidc.office import Office
from services.access.sessions import session_desk, sessions
from services.access.sessions.sessions import SECRET_BYTES
from services.access.sessions.sign_in import OIDC
from shared.database.database import driver
from shared.web.authentication import IssuerUnreachable, Unauthenticated

IssuerSession = Literal["none", "open", "to_end"]


class Left(NamedTuple):
    """``issuer_session``: none (ours did not begin there), open (it did, and goes on there: the issuer offers no way to
    end it, or is away), to_end (the browser goes to ``address``, and ``state`` comes back with it)."""

    issuer_session: IssuerSession
    address: str | None = None
    state: str | None = None


def leave(office: Office, secret: str, *, everywhere: bool, now: datetime) -> Left:
    """End the session, or all of the person's. One that is over already (a page stood open, a button was pressed twice)
    is led on to the issuer it began at. Raises Unauthenticated, and nothing because of the issuer."""
    try:
        means = session_desk.sign_out(office.desk, secret, everywhere=everywhere, now=now).means
    except Unauthenticated:
        with office.desk.database.writing() as connection:
            means = sessions.means_of(driver(connection), secret)
        if everywhere or OIDC not in means:  # the others are ended by a session that is good
            raise
    if OIDC not in means:
        return Left("none")
    if office.party is None:  # there was one when the session began
        return Left("open")
    state = secrets.token_urlsafe(SECRET_BYTES)
    try:
        address = office.party.leaving_address(state)
    except IssuerUnreachable:
        return Left("open")
    return Left("open") if address is None else Left("to_end", address, state)
