"""The rules of a hand-over. Pure: what waits, who signs and the post's state are arguments.

opened → listed → signed by predecessor, successor (and the administrator, where the holder opened it) → handed over;
withdrawn at any time before. The predecessor is out at the predecessor's signature at the latest.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from services.access.commands import FillPost, VacatePost
from services.access.domain import Account, Post, alive, fill, post_after, vacate
from services.access.errors import (
    AlreadyListed,
    AlreadySigned,
    HandoverOver,
    ListOutdated,
    NotListedYet,
    PostVacant,
    SameHolder,
    UnknownHandover,
    UnknownPost,
)
from services.access.handover_events import (
    Ending,
    HandoverClosed,
    HandoverItemsListed,
    HandoverOpened,
    HandoverSigned,
    ListedItem,
    Signer,
)
from shared.kernel.facts import Fact

ITEMS_IN_A_PART = 500
VACATED = "交接"  # the reason that the post's own stream tells


@dataclass(frozen=True)
class Handover:
    """``version`` is its stream's; 0 before it was opened."""

    version: int = 0
    opened: HandoverOpened | None = None
    items: tuple[ListedItem, ...] = ()
    items_hash: str | None = None
    signed: frozenset[Signer] = frozenset()
    outcome: Ending | None = None

    @property
    def needed(self) -> frozenset[Signer]:
        """Whose signatures it takes."""
        both: frozenset[Signer] = frozenset({"predecessor", "successor"})
        return both | {"administrator"} if self.opened is not None and self.opened.by_holder else both


class Differences(NamedTuple):
    """What waits and was not on the list, and what was on it and waits no more."""

    added: list[ListedItem]
    gone: list[ListedItem]


def handover_of(history: Iterable[Fact]) -> Handover:
    """The hand-over after its whole stream."""
    state = Handover()
    for told in history:
        state = handover_after(state, told)
    return state


def handover_after(state: Handover, told: Fact) -> Handover:
    """The state after one fact of its stream."""
    state = replace(state, version=state.version + 1)
    match told:
        case HandoverOpened():
            return replace(state, opened=told)
        case HandoverItemsListed():
            return replace(state, items=(*state.items, *told.items), items_hash=told.items_hash)
        case HandoverSigned():
            return replace(state, signed=state.signed | {told.role})
        case HandoverClosed():
            return replace(state, outcome=told.outcome)
        case _:
            raise TypeError(f"{type(told).__name__} is no fact of a hand-over")


def items_hash(items: Iterable[ListedItem]) -> str:
    """Hex SHA-256 over one line for each item, by kind and id: what is signed. The lines name nobody."""
    digest = hashlib.sha256()
    for item in ordered(items):
        told = (item.kind, item.item_id, item.since or "", item.due or "", item.count, int(item.mine), item.about)
        digest.update("\t".join(str(part) for part in told).encode() + b"\n")
    return digest.hexdigest()


def ordered(items: Iterable[ListedItem]) -> list[ListedItem]:
    """By kind and id, as every list shows them."""
    return sorted(items, key=lambda item: (item.kind, str(item.item_id)))


def counts(items: Iterable[ListedItem]) -> Mapping[str, int]:
    """Items by kind."""
    return dict(sorted(Counter(item.kind for item in items).items()))


def differences(listed: Iterable[ListedItem], now: Iterable[ListedItem]) -> Differences:
    """Of two lists; an item is the same by its kind and id, whatever else is told of it now."""
    before = {(item.kind, item.item_id): item for item in listed}
    after = {(item.kind, item.item_id): item for item in now}
    added = ordered(item for key, item in after.items() if key not in before)
    return Differences(added, ordered(item for key, item in before.items() if key not in after))


def open_handover(post: Post, heir: Account, told: HandoverOpened) -> list[Fact]:
    """``told`` as it stands, and what the post's stream says of it comes from :func:`put_out`. Raises UnknownPost,
    PostVacant, SameHolder, UnknownAccount, AccountIsClosed."""
    if post.post_id is None:
        raise UnknownPost
    if post.closed or post.holder is None:
        raise PostVacant("岗位空缺或已撤销,无可交接", "Nobody holds the post: there is nothing to hand over")
    if alive(heir) == post.holder:
        raise SameHolder("接任者已是任职者", "The successor holds the post already")
    return [told]


def list_items(state: Handover, items: Sequence[ListedItem]) -> list[Fact]:
    """The list, in as many facts as it takes; one for a post in which nothing waits. Raises UnknownHandover,
    HandoverOver, AlreadyListed."""
    opened = going(state)
    if state.items_hash is not None:
        raise AlreadyListed("清单已生成", "The list was made before")
    every = ordered(items)
    chunks = [every[begin : begin + ITEMS_IN_A_PART] for begin in range(0, len(every), ITEMS_IN_A_PART)] or [[]]
    whole = items_hash(every)
    return [
        HandoverItemsListed(
            handover_id=opened.handover_id,
            part=number,
            parts=len(chunks),
            items=tuple(chunk),
            counts=dict(counts(every)),
            total=len(every),
            items_hash=whole,
            division_code=opened.division_code,
            school_code=opened.school_code,
        )
        for number, chunk in enumerate(chunks, 1)
    ]


class Signature(NamedTuple):
    """Who signs what: ``by`` the account that acts, ``shown_hash`` of the list that was read."""

    role: Signer
    by: str
    shown_hash: str
    reason: str = ""


def sign(state: Handover, signature: Signature) -> list[Fact]:
    """Raises UnknownHandover, HandoverOver, NotListedYet, ListOutdated, AlreadySigned."""
    opened = going(state)
    if state.items_hash is None:
        raise NotListedYet("清单尚未生成,请先生成清单", "There is no list yet")
    if signature.shown_hash != state.items_hash:
        raise ListOutdated("签字的不是这份清单,请重新打开后再签", "This is not the list that was shown")
    if signature.role in state.signed:
        raise AlreadySigned("已签字", "This signature stands already")
    people = {"predecessor": opened.predecessor, "successor": opened.successor}
    return [
        HandoverSigned(
            handover_id=opened.handover_id,
            role=signature.role,
            account_id=people.get(signature.role),
            by=signature.by,
            reason=signature.reason,
            items_hash=state.items_hash,
            division_code=opened.division_code,
            school_code=opened.school_code,
        )
    ]


def completes(state: Handover, role: Signer) -> bool:
    """Whether this signature is the last one."""
    return state.needed <= state.signed | {role}


def put_out(state: HandoverOpened, post: Post, by: str) -> list[Fact]:
    """What the post's stream says when the predecessor is out; nothing when he is already."""
    if post.closed or post.holder != state.predecessor:
        return []
    return vacate(post, VacatePost(state.post_id, by, VACATED))


def hand_over(
    state: Handover, post: Post, heir: Account, now: Sequence[ListedItem], by: str, today: date
) -> tuple[list[Fact], HandoverClosed]:
    """What the post's stream says, and what the hand-over's: the predecessor is out, the successor in. Raises PostHeld
    by somebody else, PostIsClosed, AccountIsClosed."""
    opened = going(state)
    out = put_out(opened, post, by)
    for each in out:
        post = post_after(post, each)
    filled = fill(post, heir, FillPost(opened.post_id, opened.successor, by), today)
    changed = differences(state.items, now)
    return [*out, *filled], _closed(opened, "handed_over", by, added=tuple(changed.added), gone=tuple(changed.gone))


def withdraw(state: Handover, by: str, reason: str) -> HandoverClosed:
    """It does not take place; whoever is out stays out until somebody gives the post anew. Raises UnknownHandover,
    HandoverOver."""
    return _closed(going(state), "withdrawn", by, reason=reason)


def going(state: Handover) -> HandoverOpened:
    """What was opened and is not over. Raises UnknownHandover, HandoverOver."""
    if state.opened is None:
        raise UnknownHandover
    if state.outcome is not None:
        raise HandoverOver("交接已结束", "The hand-over is over")
    return state.opened


def _closed(
    opened: HandoverOpened,
    outcome: Ending,
    by: str,
    *,
    reason: str = "",
    added: tuple[ListedItem, ...] = (),
    gone: tuple[ListedItem, ...] = (),
) -> HandoverClosed:
    return HandoverClosed(
        handover_id=opened.handover_id,
        post_id=opened.post_id,
        kind=opened.kind,
        division_code=opened.division_code,
        school_code=opened.school_code,
        school_class=opened.school_class,
        agency=opened.agency,
        predecessor=opened.predecessor,
        successor=opened.successor,
        outcome=outcome,
        reason=reason,
        added=added,
        gone=gone,
        by=by,
    )
