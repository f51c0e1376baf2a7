"""The link in a text for a chat group: signed, good for a day, opened once by each person, and worth nothing by itself.

It names a day, nothing else: who follows it signs in as always and comes to the attendance of that day, with the rights
they have anyway. That each person opens it once keeps a link that was passed on for weeks from looking like a way in.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.delivery.desk import Desk
from services.notifications.delivery_errors import LinkBad, LinkExpired, LinkUsed
from services.notifications.delivery_events import ChatLinkOpened
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.kernel.clock import SHANGHAI
from shared.kernel.identifiers import keyed_digest, new_event_id

LIFE = timedelta(hours=24)
_ID, _DAY, _EXPIRES, _PROOF = 16, 3, 5, 16  # bytes
_CHARACTERS = 54


class Link(NamedTuple):
    """What a link says. ``expires_at``: whole seconds."""

    link_id: UUID
    day: date
    expires_at: datetime

    @property
    def path(self) -> str:
        """Where it leads, for who is signed in."""
        return f"/attendance?day={self.day.isoformat()}"


def issued(key: bytes, day: date, now: datetime) -> tuple[Link, str]:
    """A new link to ``day`` and its token, for an address."""
    link = Link(new_event_id(), day, (now + LIFE).replace(microsecond=0))
    said = link.link_id.bytes + day.toordinal().to_bytes(_DAY, "big")
    said += int(link.expires_at.timestamp()).to_bytes(_EXPIRES, "big")
    return link, base64.urlsafe_b64encode(said + _proof(key, said)).decode().rstrip("=")


def read(key: bytes, token: str) -> Link:
    """The link of a token of this installation, whether or not it has expired. Raises LinkBad."""
    if len(token) != _CHARACTERS:
        raise LinkBad
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise LinkBad from None
    said, proof = raw[:-_PROOF], raw[-_PROOF:]
    if not hmac.compare_digest(proof, _proof(key, said)):
        raise LinkBad
    day = date.fromordinal(int.from_bytes(said[_ID : _ID + _DAY], "big"))
    expires = datetime.fromtimestamp(int.from_bytes(said[_ID + _DAY :], "big"), SHANGHAI)
    return Link(UUID(bytes=said[:_ID]), day, expires)


def opened(desk: Desk, token: str, command: Command, now: datetime) -> tuple[Link, Result]:
    """The command's principal follows the link. Raises LinkBad, LinkExpired, LinkUsed, CommandReused."""
    link = read(desk.streams.key, token)
    if now >= link.expires_at:
        raise LinkExpired
    stream = desk.streams.chat_link(link.link_id, command.principal)

    def decide(_connection: Connection, stored: Sequence[Stored]) -> Sequence[Proposed]:
        if stored:
            raise LinkUsed
        return [Proposed(stream, 0, ChatLinkOpened(link_id=link.link_id), now.astimezone(SHANGHAI).date())]

    return link, desk.settle(stream, command, decide, lambda raw: None)


def _proof(key: bytes, said: bytes) -> bytes:
    return keyed_digest(key, b"chat link\0" + said)[:_PROOF]
