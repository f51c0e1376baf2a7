"""Posts, holders and delegates on a real database, against an oracle that only keeps intervals: whoever may act gets a
token for exactly that post, and whoever may not is out the moment it is so."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.access.accounts import account_desk
from services.access.administration import Administrator
from services.access.commands import CloseAccount, ClosePost, DelegatePost, EndDelegation, FillPost, VacatePost
from services.access.desk import day_of
from services.access.errors import (
    BadUntil,
    NotYours,
    Oneself,
    PostHeld,
    UnknownAccount,
    UnknownPost,
)
from services.access.events import PostVacated, SessionEnded
from services.access.posts import post_desk
from services.access.sessions import session_desk, sessions
from services.access.sessions.sign_in import SignedInAs
from shared.database.database import driver
from shared.kernel.refusals import Refusal
from shared.web.authentication import Unauthenticated
from tests.services.access.conftest import COUNTY, Office
from tests.services.installation import DIVISION


def vacate(office: Office, post: UUID, who: Administrator = COUNTY) -> None:
    post_desk.vacate(office.desk, who, VacatePost(post, who.by, "调离"), office.command(), office.now)


def fill(office: Office, post: UUID, person: UUID, who: Administrator = COUNTY) -> None:
    post_desk.fill(office.desk, who, FillPost(post, person, who.by), office.command(), office.now)


def delegate(office: Office, post: UUID, person: UUID, days: int, who: Administrator = COUNTY) -> UUID:
    delegation = uuid.uuid4()
    intent = DelegatePost(post, delegation, person, day_of(office.now) + timedelta(days=days), who.by)
    post_desk.delegate(office.desk, who, intent, office.command(), office.now)
    return delegation


def revoked(office: Office) -> set[UUID]:
    with office.desk.database.writing() as connection:
        return set(sessions.revoked(driver(connection), 0).sessions)


def is_out(office: Office, entered: SignedInAs) -> bool:
    try:
        session_desk.token(office.desk, entered.secret, office.now)
    except Unauthenticated:
        return entered.session.session_id in revoked(office)
    return False


def test_a_predecessor_is_out_at_once_and_the_successor_in(office: Office) -> None:
    before, before_login = office.someone()
    after, after_login = office.someone()
    post = office.post("reviewer", holder=before)
    entered = office.enter(before_login)
    vacate(office, post)
    assert is_out(office, entered)
    fill(office, post, after)
    with pytest.raises(PostHeld):
        fill(office, post, before)
    assert office.claims(office.enter(after_login).secret)["post"] == str(post)
    assert "post" not in office.claims(office.enter(before_login).secret)
    assert [fact.account_id for fact in office.facts(PostVacated) if fact.post_id == post] == [before]
    ends = [fact for fact in office.facts(SessionEnded) if fact.session_id == entered.session.session_id]
    assert [fact.reason for fact in ends] == ["post_lost"]


def test_a_session_acts_in_one_post_and_another_choice_is_another_session(office: Office) -> None:
    person, login = office.someone()
    first, second = office.post("aid_clerk", holder=person), office.post("auditor", holder=person)
    entered = office.enter(login)
    assert entered.session.post_id is None and {each.post_id for each in entered.posts} == {first, second}
    assert "kind" not in office.claims(entered.secret)
    as_auditor = session_desk.choose_post(office.desk, entered.secret, second, office.now)
    assert is_out(office, entered) and as_auditor.secret != entered.secret
    assert as_auditor.session.session_id != entered.session.session_id
    assert office.claims(as_auditor.secret)["kind"] == "auditor"
    with pytest.raises(UnknownPost):
        session_desk.choose_post(office.desk, as_auditor.secret, office.post("cashier"), office.now)
    vacate(office, first)
    assert not is_out(office, as_auditor)


@pytest.mark.parametrize(
    ("kind", "place", "claims"),
    [
        ("aid_clerk", {}, {"division": DIVISION}),
        ("township_cadre", {"division_code": f"{DIVISION}101"}, {"division": f"{DIVISION}101"}),
        ("registrar", {"school_code": "S1"}, {"school": "S1"}),
        (
            "class_teacher",
            {"school_code": "S1", "school_class": "primary/5/1"},
            {"school": "S1", "class": "primary/5/1"},
        ),
        ("agency_publisher", {"agency": "civil_affairs"}, {"agency": "civil_affairs"}),
        ("account_administrator", {}, {"division": DIVISION}),
        ("account_administrator", {"school_code": "S1"}, {"school": "S1"}),
    ],
)
def test_a_token_carries_the_place_of_its_post_and_no_wider_one(
    office: Office, kind: str, place: dict[str, str], claims: dict[str, str]
) -> None:
    person, login = office.someone()
    office.post(kind, holder=person, **place)
    told = office.claims(office.enter(login).secret)
    assert {name: told[name] for name in ("division", "school", "class", "agency") if name in told} == claims


def test_a_delegate_acts_until_the_day_and_no_token_outlives_it(office: Office) -> None:
    holder, _ = office.someone()
    deputy, login = office.someone()
    post = office.post("approver", holder=holder)
    for days in (0, -1, 400):
        with pytest.raises(BadUntil):
            delegate(office, post, deputy, days)
    with pytest.raises(PostHeld):
        delegate(office, post, holder, 3)
    delegation = delegate(office, post, deputy, 1)
    office.now = office.now.replace(hour=15, minute=58)  # 23:58 in Shanghai
    entered = office.enter(login)
    told = office.claims(entered.secret)
    assert told["delegated"] == str(delegation) and told["exp"] - told["iat"] == 120
    office.later(minutes=3)
    assert "kind" not in office.claims(entered.secret)


def test_ending_a_delegation_puts_the_delegate_out_and_not_the_holder(office: Office) -> None:
    holder, holder_login = office.someone()
    deputy, login = office.someone()
    post = office.post("approver", holder=holder)
    delegation = delegate(office, post, deputy, 5)
    theirs, mine = office.enter(login), office.enter(holder_login)
    intent = EndDelegation(post, delegation, "test")
    post_desk.end_delegation(office.desk, COUNTY, intent, office.command(), office.now)
    assert is_out(office, theirs) and not is_out(office, mine)
    delegate(office, post, deputy, 5)
    again = office.enter(login)
    vacate(office, post)
    assert is_out(office, again) and is_out(office, mine)
    fill(office, post, office.someone()[0])
    assert "kind" not in office.claims(office.enter(login).secret)


def test_nobody_administers_beyond_his_place_or_himself(office: Office) -> None:
    me, _ = office.someone(school="S1")
    mate, _ = office.someone(school="S1")
    stranger, _ = office.someone(school="S2")
    teacher = office.post("class_teacher", school_code="S1", school_class="primary/5/1")
    other = office.post("class_teacher", school_code="S2", school_class="primary/5/1")
    registrar = office.post("registrar", school_code="S1")
    principal = Administrator(str(me), school="S1")
    for post, person, refusal in (
        (teacher, me, Oneself),
        (teacher, stranger, UnknownAccount),
        (other, mate, UnknownPost),
        (registrar, mate, NotYours),
        (uuid.uuid4(), mate, UnknownPost),
    ):
        with pytest.raises(refusal):
            fill(office, post, person, principal)
    fill(office, teacher, mate, principal)
    neighbour = Administrator("neighbour", division="469001")
    for act in (vacate, lambda o, p, w: delegate(o, p, mate, 3, w)):
        with pytest.raises(UnknownPost):
            act(office, teacher, neighbour)
    with pytest.raises(Oneself):
        delegate(office, teacher, me, 3, principal)


@dataclass
class Oracle:
    """Who may act in which post: holders, and delegations as intervals. Knows nothing of how access decides."""

    holder: dict[UUID, UUID | None] = field(default_factory=dict)
    closed: set[UUID] = field(default_factory=set)
    gone: set[UUID] = field(default_factory=set)
    delegated: dict[UUID, tuple[UUID, UUID, date]] = field(default_factory=dict)

    def acts(self, person: UUID, post: UUID, day: date) -> bool:
        if person in self.gone or post in self.closed or self.holder[post] is None:
            return False
        if self.holder[post] == person:
            return True
        return any((where, who) == (post, person) and day < until for where, who, until in self.delegated.values())


@pytest.mark.parametrize("seed", [1, 2])
def test_any_sequence_of_acts_leaves_exactly_those_in_who_should_be(office: Office, seed: int) -> None:
    chance, oracle = random.Random(seed), Oracle()
    people = dict(office.someone() for _ in range(4))
    posts = [office.post(kind) for kind in ("aid_clerk", "cashier", "auditor")]
    oracle.holder = dict.fromkeys(posts)
    inside: dict[str, tuple[UUID, UUID]] = {}
    outside: list[str] = []
    for _ in range(40):
        post, person = chance.choice(posts), chance.choice(list(people))
        act = chance.choice(("fill", "fill", "vacate", "delegate", "end", "close", "leave", "night", "enter", "enter"))
        _do(office, oracle, chance, act, post, person)
        if act == "enter" and person not in oracle.gone and oracle.acts(person, post, day_of(office.now)):
            entered = office.enter(people[person])
            if entered.session.post_id != post:
                entered = session_desk.choose_post(office.desk, entered.secret, post, office.now)
            inside[entered.secret] = (person, post)
        today = day_of(office.now)
        if act == "night":
            inside.clear()  # they have slept too long
        for secret, (who, where) in list(inside.items()):
            if oracle.acts(who, where, today):
                assert office.claims(secret)["post"] == str(where), act
            else:
                outside.append(secret)
                del inside[secret]
        for secret in outside:  # at once, and for good, whatever is given back
            with pytest.raises(Unauthenticated):
                session_desk.token(office.desk, secret, office.now)
        with office.desk.database.writing() as connection:
            for who in people:
                held = {each.post_id for each in sessions.holdings(driver(connection), who, today)}
                expected = {each for each in posts if oracle.acts(who, each, today)}
                assert who in oracle.gone or held == expected, act


def _do(office: Office, oracle: Oracle, chance: random.Random, act: str, post: UUID, person: UUID) -> None:
    """Do the same in both, where access refuses nothing happens in either."""
    desk, now = office.desk, office.now
    try:
        if act == "fill":
            fill(office, post, person)
            oracle.holder[post] = person
        elif act == "vacate":
            vacate(office, post)
            oracle.holder[post] = None
            oracle.delegated = {key: each for key, each in oracle.delegated.items() if each[0] != post}
        elif act == "delegate":
            days = chance.randrange(1, 4)
            oracle.delegated[delegate(office, post, person, days)] = (post, person, day_of(now) + timedelta(days=days))
        elif act == "end" and oracle.delegated:
            key = chance.choice(sorted(oracle.delegated))
            intent = EndDelegation(oracle.delegated[key][0], key, "test")
            post_desk.end_delegation(desk, COUNTY, intent, office.command(), now)
            del oracle.delegated[key]
        elif act == "close" and chance.random() < 0.2:
            post_desk.close(desk, COUNTY, ClosePost(post, "test"), office.command(), now)
            oracle.closed.add(post)
        elif act == "leave" and chance.random() < 0.2:
            intent_to_close = CloseAccount(person, "test", "离职")
            account_desk.close_account(desk, COUNTY, intent_to_close, office.command(), now)
            oracle.gone.add(person)
        elif act == "night" and chance.random() < 0.3:
            office.later(hours=24)
    except Refusal:
        return
