"""The states of a hand-over against a model that knows only who signed what, in any order of attempts."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.access.domain import Account, Post, post_after
from services.access.errors import AlreadyListed, AlreadySigned, HandoverOver, ListOutdated, NotListedYet, PostHeld
from services.access.events import PostFilled
from services.access.handover import handing
from services.access.handover.handing import Handover, Signature, handover_after
from services.access.handover_events import HandoverOpened, ListedItem, Signer

TODAY = date(2026, 3, 2)
BEFORE, AFTER, OTHER, POST, HANDOVER = (uuid.UUID(int=number) for number in range(1, 6))
SIGNERS: tuple[Signer, ...] = ("predecessor", "successor", "administrator")


def item(number: int, kind: str = "alert") -> ListedItem:
    return ListedItem(kind=kind, item_id=uuid.UUID(int=number), about=f"#{number}", path="/", since=date(2026, 3, 1))


def opened(*, by_holder: bool) -> HandoverOpened:
    return HandoverOpened(
        handover_id=HANDOVER, post_id=POST, kind="reviewer", division_code="469000", predecessor=BEFORE,
        successor=AFTER, reason="轮岗", by="x", by_holder=by_holder,
    )  # fmt: skip


class Handing(RuleBasedStateMachine):
    """Every act at every moment: what the rules do and refuse is what the few variables here say."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.post = Handover(), Post(1, POST, "reviewer", "469000", holder=BEFORE)
        self.heir = Account(1, AFTER, "469000")
        self.listed, self.over, self.signed = False, False, set[str]()
        self.needed = {"predecessor", "successor"}
        self.out = False

    def _apply(self, own: list[Any], of_post: list[Any] | None = None) -> None:
        for fact in own:
            self.state = handover_after(self.state, fact)
        for fact in of_post or []:
            self.post = post_after(self.post, fact)

    @precondition(lambda self: self.state.version == 0)
    @rule(by_holder=st.booleans(), at_once=st.booleans())
    def open(self, by_holder: bool, at_once: bool) -> None:
        told = opened(by_holder=by_holder)
        own = handing.open_handover(self.post, self.heir, told)
        self._apply(own, handing.put_out(told, self.post, "x") if at_once else [])
        self.needed |= {"administrator"} if by_holder else set()
        self.out = at_once

    @precondition(lambda self: self.state.version > 0)
    @rule(count=st.integers(0, 3))
    def make_list(self, count: int) -> None:
        if self.over or self.listed:
            with pytest.raises(HandoverOver if self.over else AlreadyListed):
                handing.list_items(self.state, [])
            return
        self._apply(handing.list_items(self.state, [item(number) for number in range(count)]))
        self.listed = True

    @precondition(lambda self: self.state.version > 0)
    @rule(role=st.sampled_from(SIGNERS), honest=st.booleans())
    def sign(self, role: Signer, honest: bool) -> None:
        shown = (self.state.items_hash or "") if honest else "0" * 64
        refusal = (
            HandoverOver if self.over else NotListedYet if not self.listed else ListOutdated if not honest
            else AlreadySigned if role in self.signed else None
        )  # fmt: skip
        if refusal is not None:
            with pytest.raises(refusal):
                handing.sign(self.state, Signature(role, "x", shown))
            return
        own = handing.sign(self.state, Signature(role, "x", shown))
        if self.needed <= self.signed | {role}:
            of_post, closed = handing.hand_over(self.state, self.post, self.heir, [item(9)], "x", TODAY)
            self._apply([*own, closed], of_post)
            self.over, self.out = True, True
            assert self.post.holder == AFTER
        else:
            assert self.state.opened is not None
            self._apply(own, handing.put_out(self.state.opened, self.post, "x") if role == "predecessor" else [])
            self.out = self.out or role == "predecessor"
        self.signed.add(role)

    @precondition(lambda self: self.state.version > 0)
    @rule()
    def put_out(self) -> None:
        assert self.state.opened is not None
        if not self.over:
            self._apply([], handing.put_out(self.state.opened, self.post, "x"))
            self.out = True

    @precondition(lambda self: self.state.version > 0)
    @rule()
    def withdraw(self) -> None:
        if self.over:
            with pytest.raises(HandoverOver):
                handing.withdraw(self.state, "x", "撤回")
            return
        self._apply([handing.withdraw(self.state, "x", "撤回")])
        self.over = True

    @invariant()
    def nobody_is_in_who_is_out(self) -> None:
        assert (self.post.holder == BEFORE) == (not self.out)
        if self.post.holder == AFTER:
            assert self.state.outcome == "handed_over" and self.needed <= self.state.signed


TestHanding = Handing.TestCase
TestHanding.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)

ITEMS = st.lists(st.builds(item, st.integers(0, 12), st.sampled_from(["alert", "review"])), max_size=8)


def unique(items: list[ListedItem]) -> list[ListedItem]:
    return list({(each.kind, each.item_id): each for each in items}.values())


@given(ITEMS, ITEMS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_a_list_and_its_differences_make_the_present_and_the_hash_knows_no_order(
    before: list[ListedItem], now: list[ListedItem], chance: Any
) -> None:
    listed, present = unique(before), unique(now)
    changed = handing.differences(listed, present)
    made = {(each.kind, each.item_id) for each in [*listed, *changed.added]}
    made -= {(each.kind, each.item_id) for each in changed.gone}
    assert made == {(each.kind, each.item_id) for each in present}
    shuffled = chance.sample(listed, len(listed))
    assert handing.items_hash(shuffled) == handing.items_hash(listed)
    if {(i.kind, i.item_id) for i in listed} != {(i.kind, i.item_id) for i in present}:
        assert handing.items_hash(listed) != handing.items_hash(present)


def test_a_long_list_is_told_in_parts_that_make_it_whole() -> None:
    state = handover_after(Handover(), opened(by_holder=False))
    items = [item(number) for number in range(handing.ITEMS_IN_A_PART * 2 + 1)]
    facts = handing.list_items(state, items[::-1])
    assert [(fact.part, fact.parts) for fact in facts] == [(1, 3), (2, 3), (3, 3)]  # type: ignore[attr-defined]
    for fact in facts:
        state = handover_after(state, fact)
    assert list(state.items) == handing.ordered(items) and state.items_hash == handing.items_hash(items)


def test_a_post_that_somebody_else_holds_meanwhile_is_not_taken_from_him() -> None:
    state = handover_after(Handover(), opened(by_holder=False))
    post = post_after(Post(1, POST, "reviewer", "469000"), PostFilled(post_id=POST, account_id=OTHER, by="x"))
    with pytest.raises(PostHeld):
        handing.hand_over(state, post, Account(1, AFTER, "469000"), [], "x", TODAY)
