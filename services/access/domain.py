"""The rules of accounts and posts: one holder at a time, delegates with an end, nothing after a closing. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from services.access.commands import (
    ChangeTenure,
    CloseAccount,
    ClosePost,
    DelegatePost,
    EndDelegation,
    EstablishPost,
    FillPost,
    OpenAccount,
    VacatePost,
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
    AccountPersonal,
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

LONGEST_DELEGATION = timedelta(days=366)
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")
LONGEST_NAME = 80
_UNSEEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_NUMBER_IN_IT = re.compile(r"\d{15}")


@dataclass(frozen=True)
class Account:
    """``version`` is its stream's; 0 before anything happened."""

    version: int = 0
    account_id: UUID | None = None
    division_code: str = ""
    school_code: str | None = None
    closed: bool = False


@dataclass(frozen=True)
class Delegation:
    account_id: UUID
    until: date


@dataclass(frozen=True)
class Post:
    """``delegations``: those not ended before their day, by id. ``begins_on`` and ``until``: of the holder's time."""

    version: int = 0
    post_id: UUID | None = None
    kind: str = ""
    division_code: str = ""
    school_code: str | None = None
    school_class: str | None = None
    agency: str | None = None
    holder: UUID | None = None
    begins_on: date | None = None
    until: date | None = None
    closed: bool = False
    delegations: Mapping[UUID, Delegation] = field(default_factory=dict)

    def acts(self, account_id: UUID, day: date) -> tuple[bool, UUID | None]:
        """Whether an account may act in the post on a day, and by which delegation (None: as its holder)."""
        if self.closed or self.holder is None or not self.lasts(day):
            return False, None
        if self.holder == account_id:
            return True, None
        lasting = {key: each for key, each in self.delegations.items() if each.account_id == account_id}
        latest = max(lasting, key=lambda key: lasting[key].until, default=None)
        return (True, latest) if latest is not None and day < lasting[latest].until else (False, None)

    def lasts(self, day: date) -> bool:
        """Whether the day lies in its holder's time."""
        return (self.begins_on is None or self.begins_on <= day) and not self.over(day)

    def over(self, day: date) -> bool:
        """Whether its holder's time has ended by itself."""
        return self.until is not None and self.until <= day


def account_after(state: Account, fact: Fact) -> Account:
    """The state after one fact of an account's stream."""
    state = replace(state, version=state.version + 1)
    match fact:
        case AccountOpened():
            state = replace(state, division_code=fact.division_code, school_code=fact.school_code)
            return replace(state, account_id=fact.account_id)
        case AccountClosed():
            return replace(state, closed=True)
        case PasswordChanged() | PasswordReset() | SecondFactorSet() | SecondFactorRemoved():
            return state
        case IdentityAnnounced() | IdentityLinked() | IdentityUnlinked():
            return state
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of an account")


def post_after(state: Post, fact: Fact) -> Post:
    """The state after one fact of a post's stream."""
    state = replace(state, version=state.version + 1)
    match fact:
        case PostEstablished():
            names = ("post_id", "kind", "division_code", "school_code", "school_class", "agency")
            return replace(state, **{name: getattr(fact, name) for name in names})
        case PostFilled():
            return replace(state, holder=fact.account_id, begins_on=fact.begins_on, until=fact.until)
        case PostTenureChanged():
            return replace(state, begins_on=fact.begins_on, until=fact.until)
        case PostVacated():
            return replace(state, holder=None, begins_on=None, until=None)
        case PostClosed():
            return replace(state, closed=True)
        case PostDelegated():
            one = {fact.delegation_id: Delegation(fact.account_id, fact.until)}
            return replace(state, delegations={**state.delegations, **one})
        case DelegationEnded():
            left = {key: each for key, each in state.delegations.items() if key != fact.delegation_id}
            return replace(state, delegations=left)
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of a post")


def account_of(history: Iterable[Fact]) -> Account:
    """The account after its whole stream."""
    state = Account()
    for fact in history:
        state = account_after(state, fact)
    return state


def post_of(history: Iterable[Fact]) -> Post:
    """The post after its whole stream."""
    state = Post()
    for fact in history:
        state = post_after(state, fact)
    return state


def written_login(login: str) -> str:
    """A login name as it is kept: lower case, no blanks around. Raises BadLogin; also for what could be somebody's
    identity number, because login names are told over the telephone."""
    plain = login.strip().lower()
    if not LOGIN.fullmatch(plain) or _NUMBER_IN_IT.search(plain):
        raise BadLogin(
            "登录名应为3至64位小写字母、数字或 . _ @ -,且不得使用身份证号",
            "A login name has 3 to 64 lower-case letters, digits or . _ @ - and is nobody's identity number",
        )
    return plain


def written_name(name: str) -> str:
    """A person's name as it is kept, without blanks around. Raises BadName for one that is empty, too long, or holds
    what cannot be seen: a control character, or a mark that turns the direction of what follows."""
    plain = name.strip()
    if not 0 < len(plain) <= LONGEST_NAME or any(unicodedata.category(each) in _UNSEEN for each in plain):
        raise BadName(
            f"姓名应为1至{LONGEST_NAME}个字,不得含有看不见的控制字符",
            f"A name has 1 to {LONGEST_NAME} characters, none of them a control character",
        )
    return plain


def open_account(command: OpenAccount) -> AccountOpened:
    """Raises BadLogin, BadName."""
    personal = AccountPersonal(
        person_id=command.account_id, login=written_login(command.login), name=written_name(command.name)
    )
    return AccountOpened(
        account_id=command.account_id,
        division_code=command.division_code,
        school_code=command.school_code,
        by=command.by,
        personal=personal,
    )


def alive(state: Account) -> UUID:
    """The account's id. Raises UnknownAccount, AccountIsClosed."""
    if state.account_id is None:
        raise UnknownAccount
    if state.closed:
        raise AccountIsClosed("账号已停用", "The account is closed")
    return state.account_id


def close_account(state: Account, command: CloseAccount) -> AccountClosed:
    """Raises UnknownAccount, AccountIsClosed."""
    return AccountClosed(account_id=alive(state), by=command.by, reason=command.reason)


def establish(command: EstablishPost) -> PostEstablished:
    """A post without a holder; that its place fits its kind is known by the table of posts (handlers.py)."""
    return PostEstablished(
        post_id=command.post_id,
        kind=command.kind,
        division_code=command.division_code,
        school_code=command.school_code,
        school_class=command.school_class,
        agency=command.agency,
        by=command.by,
    )


def fill(post: Post, holder: Account, command: FillPost, today: date) -> list[Fact]:
    """Whoever held it until a day that has come is out of it first. Raises UnknownPost, PostIsClosed, PostHeld,
    UnknownAccount, AccountIsClosed, BadUntil."""
    post_id = _open(post)
    account_id = alive(holder)
    _check_tenure(command.begins_on, command.until, today)
    before: list[Fact] = []
    if post.holder is not None:
        if not post.over(today):
            raise PostHeld("岗位上已有人,请先免去原任职人员", "Somebody holds the post; vacate it first")
        before = vacate(post, VacatePost(post_id, command.by, "任期届满"))
    filled = PostFilled(
        post_id=post_id, account_id=account_id, by=command.by, begins_on=command.begins_on, until=command.until
    )
    return [*before, filled]


def change_tenure(post: Post, command: ChangeTenure, today: date) -> PostTenureChanged:
    """Raises UnknownPost, PostIsClosed, PostVacant (also where somebody else holds it), BadUntil."""
    post_id = _open(post)
    if _held(post) != command.account_id:
        raise PostVacant("本人已不在该岗位上", "The person holds the post no more")
    _check_tenure(command.begins_on, command.until, today)
    return PostTenureChanged(
        post_id=post_id,
        account_id=command.account_id,
        begins_on=command.begins_on,
        until=command.until,
        by=command.by,
    )


def vacate(post: Post, command: VacatePost) -> list[Fact]:
    """What was delegated ends first. Raises UnknownPost, PostIsClosed, PostVacant."""
    post_id, holder = _open(post), _held(post)
    ends: list[Fact] = [
        DelegationEnded(post_id=post_id, delegation_id=key, account_id=each.account_id, by=command.by)
        for key, each in sorted(post.delegations.items())
    ]
    return [*ends, PostVacated(post_id=post_id, account_id=holder, by=command.by, reason=command.reason)]


def close_post(post: Post, command: ClosePost) -> PostClosed:
    """Raises UnknownPost, PostIsClosed, PostHeld."""
    post_id = _open(post)
    if post.holder is not None:
        raise PostHeld("岗位上已有人,请先免去原任职人员", "Somebody holds the post; vacate it first")
    return PostClosed(post_id=post_id, by=command.by)


def delegate(post: Post, deputy: Account, command: DelegatePost, today: date) -> PostDelegated:
    """Raises UnknownPost, PostIsClosed, PostVacant, PostHeld (by the delegate himself), UnknownAccount,
    AccountIsClosed, BadUntil."""
    post_id = _open(post)
    account_id = alive(deputy)
    if _held(post) == account_id:
        raise PostHeld("本人已在该岗位上", "He holds the post himself")
    if not today < command.until <= today + LONGEST_DELEGATION:
        raise BadUntil("代理期限应晚于今天且不超过一年", "A delegation ends on a later day, within a year")
    return PostDelegated(
        post_id=post_id,
        delegation_id=command.delegation_id,
        account_id=account_id,
        until=command.until,
        division_code=post.division_code,
        school_code=post.school_code,
        by=command.by,
    )


def end_delegation(post: Post, command: EndDelegation, today: date) -> DelegationEnded:
    """Raises UnknownPost, NotDelegated."""
    if post.post_id is None:
        raise UnknownPost
    known = post.delegations.get(command.delegation_id)
    if known is None or today >= known.until:
        raise NotDelegated("没有这项代理,或已到期", "There is no such delegation, or it has ended")
    return DelegationEnded(
        post_id=post.post_id, delegation_id=command.delegation_id, account_id=known.account_id, by=command.by
    )


def _check_tenure(begins_on: date | None, until: date | None, today: date) -> None:
    if until is not None and (until <= today or (begins_on is not None and until <= begins_on)):
        raise BadUntil("任期应结束于开始之后、今天之后", "A post is held until a day after its first and after today")


def _open(post: Post) -> UUID:
    if post.post_id is None:
        raise UnknownPost
    if post.closed:
        raise PostIsClosed("岗位已撤销", "The post is closed")
    return post.post_id


def _held(post: Post) -> UUID:
    if post.holder is None:
        raise PostVacant("岗位空缺", "Nobody holds the post")
    return post.holder
