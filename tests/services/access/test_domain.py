"""The rules of accounts and posts, without a database: every refusal, every fact, and who may act on which day."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.access.commands import (
    CloseAccount,
    ClosePost,
    DelegatePost,
    EndDelegation,
    EstablishPost,
    FillPost,
    OpenAccount,
    VacatePost,
)
from services.access.domain import (
    LONGEST_DELEGATION,
    Account,
    Delegation,
    Post,
    account_after,
    account_of,
    alive,
    close_account,
    close_post,
    delegate,
    end_delegation,
    establish,
    fill,
    open_account,
    post_after,
    post_of,
    vacate,
    written_login,
    written_name,
)
from services.access.errors import (
    AccountIsClosed,
    BadLogin,
    BadName,
    BadUntil,
    NotDelegated,
    PostHeld,
    PostIsClosed,
    PostVacant,
    UnknownAccount,
    UnknownPost,
)
from services.access.events import (
    AccountClosed,
    AccountOpened,
    DelegationEnded,
    IdentityAnnounced,
    IdentityLinked,
    IdentityUnlinked,
    PasswordChanged,
    PasswordReset,
    PostClosed,
    PostDelegated,
    PostEstablished,
    PostFilled,
    PostTenureChanged,
    PostVacated,
    SecondFactorRemoved,
    SecondFactorSet,
)
from shared.kernel.facts import Fact
from shared.kernel.refusals import Refusal

POST, HOLDER, DEPUTY, ADMIN = UUID(int=1), UUID(int=2), UUID(int=3), "county"
FIRST, SECOND = UUID(int=11), UUID(int=12)
DAY = date(2026, 3, 2)

ESTABLISHED = PostEstablished(
    post_id=POST,
    kind="class_teacher",
    division_code="469001100",
    school_code="S1",
    school_class="primary/5/1",
    agency="none",
    by=ADMIN,
)
FILLED = PostFilled(post_id=POST, account_id=HOLDER, by=ADMIN)
VACATED = PostVacated(post_id=POST, account_id=HOLDER, by=ADMIN, reason="调离")
CLOSED = PostClosed(post_id=POST, by=ADMIN)


def delegated(key: UUID, until: date, account: UUID = DEPUTY) -> PostDelegated:
    return PostDelegated(
        post_id=POST, delegation_id=key, account_id=account, until=until, division_code="469001100", by=ADMIN
    )


def ended(key: UUID) -> DelegationEnded:
    return DelegationEnded(post_id=POST, delegation_id=key, account_id=DEPUTY, by=ADMIN)


def person(account: UUID) -> Account:
    opened = open_account(OpenAccount(account, "someone", "王小明", "469001100", "S1", ADMIN))
    return account_of([opened])


def told(refused: type[Refusal], act: Any, *given: Any) -> tuple[str, str]:
    with pytest.raises(refused) as refusal:
        act(*given)
    return refusal.value.zh, refusal.value.en


def test_an_account_opens_with_what_was_asked_and_its_name_sealed() -> None:
    fact = open_account(OpenAccount(HOLDER, "  Wang.Xm ", "王小明", "469001100", "S1", ADMIN))
    assert (fact.account_id, fact.division_code, fact.school_code, fact.by) == (HOLDER, "469001100", "S1", ADMIN)
    assert fact.personal is not None
    assert (fact.personal.person_id, fact.personal.login, fact.personal.name) == (HOLDER, "wang.xm", "王小明")
    assert open_account(OpenAccount(HOLDER, "abc", "甲", "46", None, ADMIN)).school_code is None


@pytest.mark.parametrize("login", ["abc", "a1.b_c@d-e", "9lives", "a" * 64, " ABC ", "a" + "1" * 14])
def test_a_login_name_is_kept_in_small_letters(login: str) -> None:
    assert written_login(login) == login.strip().lower()


@pytest.mark.parametrize(
    "login", ["", "ab", "a" * 65, ".abc", "_abc", "a b", "王小明", "a/b", "abc\n1", "1" * 15, "id11010519491231002x"]
)
def test_an_odd_login_name_or_an_identity_number_is_refused(login: str) -> None:
    zh, en = told(BadLogin, written_login, login)
    assert "身份证" in zh and "identity number" in en
    told(BadLogin, open_account, OpenAccount(HOLDER, login, "甲", "46", None, ADMIN))


def test_an_account_is_what_its_stream_says() -> None:
    facts: list[Fact] = [
        AccountOpened(account_id=HOLDER, division_code="469001", school_code="S1", by=ADMIN, personal=None),
        PasswordReset(account_id=HOLDER, by=ADMIN),
        PasswordChanged(account_id=HOLDER),
        SecondFactorSet(account_id=HOLDER),
        SecondFactorRemoved(account_id=HOLDER, by=ADMIN),
        IdentityAnnounced(
            account_id=HOLDER, identity_id=FIRST, issuer="i", claim="sub", until=datetime(2026, 4, 1, tzinfo=UTC),
            division_code="469001", by=ADMIN, personal=None,
        ),
        IdentityLinked(
            account_id=HOLDER, identity_id=FIRST, issuer="i", division_code="469001", by=ADMIN, personal=None
        ),
        IdentityUnlinked(account_id=HOLDER, identity_id=FIRST, by=ADMIN),
    ]  # fmt: skip
    assert account_of([]) == Account() == Account(0, None, "", None, False)
    for count in range(1, len(facts) + 1):
        assert account_of(facts[:count]) == Account(count, HOLDER, "469001", "S1", False)
    shut = account_of([*facts, AccountClosed(account_id=HOLDER, by=ADMIN, reason="离职")])
    assert shut == Account(9, HOLDER, "469001", "S1", True)
    with pytest.raises(TypeError, match="PostClosed is no fact of an account"):
        account_after(Account(), CLOSED)
    with pytest.raises(FrozenInstanceError):
        shut.closed = False  # type: ignore[misc]  # that is what is tried


def test_only_a_living_account_does_anything() -> None:
    shut = account_after(person(HOLDER), AccountClosed(account_id=HOLDER, by=ADMIN, reason="离职"))
    assert alive(person(HOLDER)) == HOLDER
    assert "停用" in told(AccountIsClosed, alive, shut)[0] and "closed" in told(AccountIsClosed, alive, shut)[1]
    told(UnknownAccount, alive, Account())
    closing = CloseAccount(HOLDER, ADMIN, "离职")
    assert close_account(person(HOLDER), closing) == AccountClosed(account_id=HOLDER, by=ADMIN, reason="离职")
    told(AccountIsClosed, close_account, shut, closing)
    told(UnknownAccount, close_account, Account(), closing)


def test_a_post_is_established_where_it_was_asked_for() -> None:
    command = EstablishPost(POST, "class_teacher", "469001100", "S1", "primary/5/1", "none", ADMIN)
    assert establish(command) == ESTABLISHED


def test_a_post_is_what_its_stream_says() -> None:
    until = DAY + timedelta(days=5)
    base = ("class_teacher", "469001100", "S1", "primary/5/1", "none")
    held = (*base, HOLDER, None, None)
    history: list[tuple[Fact, Post]] = [
        (ESTABLISHED, Post(1, POST, *base)),
        (FILLED, Post(2, POST, *held)),
        (delegated(FIRST, until), Post(3, POST, *held, False, {FIRST: Delegation(DEPUTY, until)})),
        (
            delegated(SECOND, DAY, HOLDER),
            Post(4, POST, *held, False, {FIRST: Delegation(DEPUTY, until), SECOND: Delegation(HOLDER, DAY)}),
        ),
        (ended(FIRST), Post(5, POST, *held, False, {SECOND: Delegation(HOLDER, DAY)})),
        (
            PostTenureChanged(post_id=POST, account_id=HOLDER, begins_on=DAY, until=until, by=ADMIN),
            Post(6, POST, *base, HOLDER, DAY, until, False, {SECOND: Delegation(HOLDER, DAY)}),
        ),
        (VACATED, Post(7, POST, *base, None, None, None, False, {SECOND: Delegation(HOLDER, DAY)})),
        (CLOSED, Post(8, POST, *base, None, None, None, True, {SECOND: Delegation(HOLDER, DAY)})),
    ]
    for count, (_, expected) in enumerate(history, 1):
        assert post_of([fact for fact, _ in history[:count]]) == expected
    assert post_of([]) == Post() == Post(0, None, "", "", None, None, None, None, None, None, False, {})
    with pytest.raises(TypeError, match="AccountClosed is no fact of a post"):
        post_after(Post(), AccountClosed(account_id=HOLDER, by=ADMIN, reason=""))
    for frozen, name in ((Post(), "closed"), (Delegation(DEPUTY, DAY), "until")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, name, True)


HELD = post_of([ESTABLISHED, FILLED])
EMPTY = post_of([ESTABLISHED])
SHUT = post_of([ESTABLISHED, CLOSED])
SHUT_HELD = post_of([ESTABLISHED, FILLED, CLOSED])
NONE = Post()


def test_the_holder_acts_and_a_delegate_until_the_day_begins() -> None:
    lent = post_of([ESTABLISHED, FILLED, delegated(FIRST, DAY), delegated(SECOND, DAY + timedelta(days=2))])
    assert lent.acts(HOLDER, DAY) == (True, None)
    assert lent.acts(UUID(int=9), DAY) == (False, None)
    for days, expected in ((-1, SECOND), (0, SECOND), (1, SECOND), (2, None), (3, None)):
        assert lent.acts(DEPUTY, DAY + timedelta(days=days)) == (expected is not None, expected)
    first_only = post_of([ESTABLISHED, FILLED, delegated(FIRST, DAY)])
    assert first_only.acts(DEPUTY, DAY - timedelta(days=1)) == (True, FIRST) and first_only.acts(DEPUTY, DAY) == (
        False,
        None,
    )
    earlier_last = post_of([ESTABLISHED, FILLED, delegated(SECOND, DAY + timedelta(days=2)), delegated(FIRST, DAY)])
    assert earlier_last.acts(DEPUTY, DAY + timedelta(days=1)) == (True, SECOND)


def test_of_two_delegations_the_one_that_lasts_longer_counts_whichever_came_first() -> None:
    lent = post_of([ESTABLISHED, FILLED, delegated(FIRST, DAY + timedelta(days=2)), delegated(SECOND, DAY)])
    assert lent.acts(DEPUTY, DAY) == lent.acts(DEPUTY, DAY - timedelta(days=1)) == (True, FIRST)
    for stranger in (UUID(int=1), UUID(int=9)):
        assert lent.acts(stranger, DAY - timedelta(days=1)) == (False, None)
    for key, left in ((FIRST, SECOND), (SECOND, FIRST)):
        assert set(post_after(lent, ended(key)).delegations) == {left}


def test_in_a_vacant_or_closed_post_nobody_acts() -> None:
    for post in (EMPTY, SHUT, SHUT_HELD, NONE, post_of([ESTABLISHED, FILLED, delegated(FIRST, DAY), CLOSED])):
        for account in (HOLDER, DEPUTY):
            assert post.acts(account, DAY - timedelta(days=9)) == (False, None)
    left = post_of([ESTABLISHED, FILLED, delegated(FIRST, DAY), VACATED])
    assert left.acts(DEPUTY, DAY - timedelta(days=1)) == (False, None)


def test_a_post_has_one_holder_who_is_alive() -> None:
    filling = FillPost(POST, HOLDER, ADMIN)
    assert fill(EMPTY, person(HOLDER), filling, DAY) == [FILLED]
    zh, en = told(PostHeld, fill, HELD, person(DEPUTY), filling, DAY)
    assert "免去" in zh and "vacate" in en
    told(UnknownPost, fill, NONE, person(HOLDER), filling, DAY)
    assert "撤销" in told(PostIsClosed, fill, SHUT, person(HOLDER), filling, DAY)[0]
    assert told(PostIsClosed, fill, SHUT, person(HOLDER), filling, DAY)[1] == "The post is closed"
    told(UnknownAccount, fill, EMPTY, Account(), filling, DAY)
    shut = account_after(person(HOLDER), AccountClosed(account_id=HOLDER, by=ADMIN, reason="离职"))
    told(AccountIsClosed, fill, EMPTY, shut, filling, DAY)


def test_what_was_delegated_ends_before_the_post_is_vacated() -> None:
    lent = post_of([ESTABLISHED, FILLED, delegated(SECOND, DAY), delegated(FIRST, DAY)])
    leaving = VacatePost(POST, ADMIN, "调离")
    assert vacate(lent, leaving) == [ended(FIRST), ended(SECOND), VACATED]
    assert vacate(HELD, leaving) == [VACATED]
    zh, en = told(PostVacant, vacate, EMPTY, leaving)
    assert "空缺" in zh and "Nobody" in en
    told(UnknownPost, vacate, NONE, leaving)
    told(PostIsClosed, vacate, SHUT_HELD, leaving)


def test_a_post_is_closed_when_nobody_holds_it() -> None:
    closing = ClosePost(POST, ADMIN)
    assert close_post(EMPTY, closing) == CLOSED
    zh, en = told(PostHeld, close_post, HELD, closing)
    assert "免去" in zh and "vacate" in en
    told(UnknownPost, close_post, NONE, closing)
    told(PostIsClosed, close_post, SHUT, closing)


@pytest.mark.parametrize(("days", "permitted"), [(-1, False), (0, False), (1, True), (366, True), (367, False)])
def test_a_delegation_ends_on_a_later_day_within_a_year(days: int, permitted: bool) -> None:
    asked = DelegatePost(POST, FIRST, DEPUTY, DAY + timedelta(days=days), ADMIN)
    if permitted:
        fact = delegate(HELD, person(DEPUTY), asked, DAY)
        assert fact == PostDelegated(
            post_id=POST, delegation_id=FIRST, account_id=DEPUTY, until=asked.until, division_code="469001100",
            school_code="S1", by=ADMIN,
        )  # fmt: skip
        return
    zh, en = told(BadUntil, delegate, HELD, person(DEPUTY), asked, DAY)
    assert "一年" in zh and "within a year" in en and timedelta(days=366) == LONGEST_DELEGATION


def test_a_post_is_delegated_by_its_holder_to_somebody_else() -> None:
    asked = DelegatePost(POST, FIRST, DEPUTY, DAY + timedelta(days=1), ADMIN)
    for other in (UUID(int=1), UUID(int=9)):
        assert delegate(HELD, person(other), asked, DAY).account_id == other
    told(UnknownPost, delegate, NONE, person(DEPUTY), asked, DAY)
    told(PostIsClosed, delegate, SHUT_HELD, person(DEPUTY), asked, DAY)
    told(PostVacant, delegate, EMPTY, person(DEPUTY), asked, DAY)
    told(UnknownAccount, delegate, HELD, Account(), asked, DAY)
    shut = account_after(person(DEPUTY), AccountClosed(account_id=DEPUTY, by=ADMIN, reason="离职"))
    told(AccountIsClosed, delegate, HELD, shut, asked, DAY)
    zh, en = told(PostHeld, delegate, HELD, person(HOLDER), asked, DAY)
    assert "本人" in zh and "himself" in en


def test_a_delegation_ends_early_once() -> None:
    lent = post_of([ESTABLISHED, FILLED, delegated(FIRST, DAY)])
    asked = EndDelegation(POST, FIRST, ADMIN)
    assert end_delegation(lent, asked, DAY - timedelta(days=1)) == ended(FIRST)
    for post, day in (
        (lent, DAY),
        (lent, DAY + timedelta(days=1)),
        (HELD, DAY - timedelta(days=1)),
        (post_after(lent, ended(FIRST)), DAY - timedelta(days=1)),
    ):
        zh, en = told(NotDelegated, end_delegation, post, asked, day)
        assert "代理" in zh and "no such delegation" in en
    told(UnknownPost, end_delegation, NONE, asked, DAY)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王小明", "王小明"),
        ("  王小明 ", "王小明"),
        ("买买提·吐尔逊", "买买提·吐尔逊"),
        ("A", "A"),
        ("王" * 80, "王" * 80),
    ],
)
def test_a_name_is_kept_without_blanks_around(typed: str, kept: str) -> None:
    assert written_name(typed) == kept
    opened = open_account(OpenAccount(HOLDER, "wang1", typed, "46", None, ADMIN))
    assert opened.personal is not None and opened.personal.name == kept


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "王" * 81, "王\x00一", "王\n一", "王\u202e一", "王\u2066一", "王\u200b一", "王\ue000一", "王\u2028一"],
)
def test_a_name_holds_nothing_that_cannot_be_seen(typed: str) -> None:
    zh, en = told(BadName, written_name, typed)
    assert "1至80个字" in zh and "1 to 80 characters" in en
    told(BadName, open_account, OpenAccount(HOLDER, "wang1", typed, "46", None, ADMIN))
