"""A post is held from a day to a day: outside of it nobody acts, and whoever comes next needs nobody put out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.access.commands import ChangeTenure, FillPost
from services.access.domain import Account, Post, change_tenure, fill
from services.access.errors import BadUntil, PostHeld, PostVacant
from services.access.events import PostFilled, PostTenureChanged, PostVacated

DAY, POST, HOLDER, NEXT, ADMIN = date(2026, 9, 1), UUID(int=1), UUID(int=2), UUID(int=3), "county"
LAST = DAY + timedelta(days=10)
HELD = Post(2, POST, "aid_clerk", "4690", holder=HOLDER, begins_on=DAY, until=LAST)


@pytest.mark.parametrize(("days", "acts"), [(-1, False), (0, True), (9, True), (10, False), (11, False)])
def test_the_holder_acts_within_the_tenure_only(days: int, acts: bool) -> None:
    day = DAY + timedelta(days=days)
    assert HELD.acts(HOLDER, day) == (acts, None)
    assert HELD.lasts(day) is acts
    assert HELD.over(day) is (days >= 10)


def test_without_days_a_tenure_has_no_end() -> None:
    for_ever = replace(HELD, begins_on=None, until=None)
    assert for_ever.acts(HOLDER, date.min) == for_ever.acts(HOLDER, date.max) == (True, None)


def test_who_comes_next_is_let_in_when_the_tenure_has_ended_and_not_before() -> None:
    filling = FillPost(POST, NEXT, ADMIN)
    with pytest.raises(PostHeld):
        fill(HELD, Account(1, NEXT), filling, LAST - timedelta(days=1))
    before, filled = fill(HELD, Account(1, NEXT), filling, LAST)
    assert isinstance(before, PostVacated) and before.account_id == HOLDER and before.reason == "任期届满"
    assert isinstance(filled, PostFilled) and filled.account_id == NEXT


@pytest.mark.parametrize(
    ("begins_on", "until"),
    [(None, DAY), (None, DAY - timedelta(days=1)), (LAST, LAST), (LAST + timedelta(days=1), LAST)],
)
def test_a_tenure_ends_after_today_and_after_its_first_day(begins_on: date | None, until: date) -> None:
    for act in (
        lambda: fill(Post(1, POST, "aid_clerk"), Account(1, NEXT), FillPost(POST, NEXT, ADMIN, begins_on, until), DAY),
        lambda: change_tenure(HELD, ChangeTenure(POST, HOLDER, begins_on, until, ADMIN), DAY),
    ):
        with pytest.raises(BadUntil, match="after its first"):
            act()


def test_only_who_holds_the_post_has_a_tenure_to_change() -> None:
    tomorrow = DAY + timedelta(days=1)
    changed = change_tenure(HELD, ChangeTenure(POST, HOLDER, DAY, tomorrow, ADMIN), DAY)
    assert changed == PostTenureChanged(post_id=POST, account_id=HOLDER, begins_on=DAY, until=tomorrow, by=ADMIN)
    for post, account in ((HELD, NEXT), (replace(HELD, holder=None), HOLDER)):
        with pytest.raises(PostVacant):
            change_tenure(post, ChangeTenure(POST, account, DAY, tomorrow, ADMIN), DAY)
