"""Facts of a hand-over. Its stream is the hand-over; the post's own stream tells who was taken out and let in.

Part of events.py, through which they are imported; apart because a module holds one idea. ``division_code`` and
``school_code`` say who may see a fact: the place of the post.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from shared.kernel.facts import Fact, fact

Signer = Literal["predecessor", "successor", "administrator"]
Ending = Literal["handed_over", "withdrawn"]


class ListedItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item that waits, as the service that has it tells it: it names nobody. ``mine``: bound to the predecessor's
    account and not only to the post's place; ``count``: of how many matters it consists."""

    kind: str
    item_id: UUID
    about: str
    path: str
    since: date | None = None
    due: date | None = None
    count: int = 1
    mine: bool = False


@fact("access")
class HandoverOpened(Fact, frozen=True, kw_only=True):
    """A post is to pass from its holder to somebody else. ``by_holder``: the holder asked, so that who administers the
    post signs, too; ``at_once``: the holder is out from this moment on."""

    handover_id: UUID
    post_id: UUID
    kind: str
    division_code: str
    school_code: str | None = None
    school_class: str | None = None
    agency: str | None = None
    predecessor: UUID
    successor: UUID
    reason: str
    by: str
    by_holder: bool = False
    at_once: bool = False


@fact("access")
class HandoverItemsListed(Fact, frozen=True, kw_only=True):
    """What waited in the post at that moment, frozen: part ``part`` (from 1) of ``parts``. ``counts`` (items by kind),
    ``total`` and ``items_hash`` (hex SHA-256) are of the whole list."""

    handover_id: UUID
    part: int
    parts: int
    items: tuple[ListedItem, ...]
    counts: dict[str, int]
    total: int
    items_hash: str
    division_code: str
    school_code: str | None = None


@fact("access")
class HandoverSigned(Fact, frozen=True, kw_only=True):
    """Somebody signed the list with this hash. ``by`` is another account than ``account_id`` where the administrator
    signed for a predecessor who cannot be reached; then ``reason`` says why. ``account_id`` None: the administrator's
    own signature."""

    handover_id: UUID
    role: Signer
    account_id: UUID | None
    by: str
    reason: str = ""
    items_hash: str
    division_code: str
    school_code: str | None = None


@fact("access")
class HandoverClosed(Fact, frozen=True, kw_only=True):
    """The successor holds the post, or the hand-over was withdrawn. ``added`` waits now and was not on the list,
    ``gone`` was on it and waits no more. Every service passes on what is bound to the predecessor's account within the
    post's place."""

    handover_id: UUID
    post_id: UUID
    kind: str
    division_code: str
    school_code: str | None = None
    school_class: str | None = None
    agency: str | None = None
    predecessor: UUID
    successor: UUID
    outcome: Ending
    reason: str = ""
    added: tuple[ListedItem, ...] = ()
    gone: tuple[ListedItem, ...] = ()
    by: str
