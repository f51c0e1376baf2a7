"""Linking and unlinking: by whom, with what, and what it ends."""

from __future__ import annotations

import pytest

from services.access import events
from services.access.accounts import account_desk
from services.access.administration import Administrator
from services.access.commands import CloseAccount
from services.access.errors import (
    AccountIsClosed,
    BadIdentity,
    FlowOver,
    IdentityTaken,
    IdentityUnlinked,
    NotYours,
    Oneself,
    PasswordGivenOnce,
    SignInFailed,
    TooManyIdentities,
    UnknownAccount,
    UnknownIdentity,
)
from services.access.events import IdentityAnnounced, IdentityLinked, SessionEnded, SignInRefused
from services.access.oidc import identities, linking
from services.access.oidc.linking import Told
from services.access.sessions import session_desk
from services.access.sessions.sign_in import Origin
from shared.database.database import driver
from shared.web.authentication import Unauthenticated
from tests.services.access.conftest import COUNTY, PASSWORD
from tests.services.access.oidc.conftest import ADDRESS, Door, callback
from tests.services.installation import DIVISION


def identity_ids(door: Door, person: object) -> list[object]:
    with door.desk.database.writing() as connection:
        rows = identities.of_account(driver(connection), person, door.access.now)  # type: ignore[arg-type]
    return [each.identity_id for each in rows]


def test_linking_asks_for_the_password_at_that_moment(door: Door) -> None:
    _, login = door.access.someone()
    session = door.access.enter(login)
    with pytest.raises(SignInFailed):
        linking.begin_link(door.office, session.secret, "not it", Origin(ADDRESS), door.access.now)
    with pytest.raises(Unauthenticated):
        linking.begin_link(door.office, "A" * 43, PASSWORD, Origin(ADDRESS), door.access.now)


def test_a_one_time_password_links_nothing(door: Door) -> None:
    person, login = door.access.someone(password=None)
    handed = account_desk.reset_password(door.desk, COUNTY, person, door.access.command(), door.access.now)
    session = door.access.enter(login, handed.password or "")
    with pytest.raises(PasswordGivenOnce):
        linking.begin_link(door.office, session.secret, handed.password or "", Origin(ADDRESS), door.access.now)


def test_a_way_begun_to_link_signs_nobody_in_and_the_other_way_round(door: Door) -> None:
    _, login = door.linked("two ways")
    session = door.access.enter(login)
    begun = linking.begin_link(door.office, session.secret, PASSWORD, Origin(ADDRESS), door.access.now)
    told = callback(door.issuer.visit(begun.address))
    with pytest.raises(FlowOver):
        door.finish(begun.secret, told)
    secret, told = door.begin()
    with pytest.raises(FlowOver):
        linking.finish_link(door.office, session.secret, secret, told, Origin(ADDRESS), door.access.now)


def test_a_way_begun_by_one_person_links_nothing_to_another(door: Door) -> None:
    """Somebody leads a signed-in person's browser into a callback of their own making."""
    (_, mine), (_, hers) = door.access.someone(), door.access.someone()
    session, other = door.access.enter(mine), door.access.enter(hers)
    begun = linking.begin_link(door.office, session.secret, PASSWORD, Origin(ADDRESS), door.access.now)
    door.issuer.person = {"sub": "led astray"}
    told = callback(door.issuer.visit(begun.address))
    with pytest.raises(FlowOver):
        linking.finish_link(door.office, other.secret, begun.secret, told, Origin(ADDRESS), door.access.now)
    with pytest.raises(IdentityUnlinked):
        door.enter()


def test_a_session_that_ended_meanwhile_links_nothing(door: Door) -> None:
    _, login = door.access.someone()
    session = door.access.enter(login)
    begun = linking.begin_link(door.office, session.secret, PASSWORD, Origin(ADDRESS), door.access.now)
    told = callback(door.issuer.visit(begun.address))
    session_desk.sign_out(door.desk, session.secret, everywhere=True, now=door.access.now)
    with pytest.raises(Unauthenticated):
        linking.finish_link(door.office, session.secret, begun.secret, told, Origin(ADDRESS), door.access.now)


def test_an_identity_is_of_one_account_and_an_account_has_a_few(door: Door) -> None:
    person, login = door.linked("mine")
    door.link(login, "mine")  # once more changes nothing
    assert len(identity_ids(door, person)) == 1
    _, other = door.access.someone()
    with pytest.raises(IdentityTaken):
        door.link(other, "mine")
    for number in range(linking.MOST - 1):
        door.link(login, f"mine {number}")
    with pytest.raises(TooManyIdentities):
        door.link(login, "one too many")
    facts = [each for each in door.access.facts(IdentityLinked) if each.account_id == person]
    assert len(facts) == linking.MOST and {each.by for each in facts} == {str(person)}


def test_unlinking_ends_what_began_at_the_issuer_and_nothing_else(door: Door) -> None:
    person, login = door.linked("to unlink")
    typed, came = door.access.enter(login), door.enter()
    (identity_id,) = identity_ids(door, person)
    stranger = door.access.enter(door.access.someone()[1])
    with pytest.raises(UnknownIdentity):
        linking.unlink_own(door.desk, stranger.secret, identity_id, door.access.now)  # type: ignore[arg-type]
    linking.unlink_own(door.desk, typed.secret, identity_id, door.access.now)  # type: ignore[arg-type]
    session_desk.standing(door.desk, typed.secret, door.access.now)
    with pytest.raises(Unauthenticated):
        session_desk.standing(door.desk, came.secret, door.access.now)
    with pytest.raises(IdentityUnlinked):
        door.enter()
    ends = [each for each in door.access.facts(SessionEnded) if each.session_id == came.session.session_id]
    assert [each.reason for each in ends] == ["identity_unlinked"]
    door.link(login, "to unlink")  # and it can be linked again
    assert door.enter().session.account_id == person


def test_a_reset_unlinks_what_somebody_else_may_have_linked(door: Door) -> None:
    person, _ = door.linked("before the reset")
    account_desk.reset_password(door.desk, COUNTY, person, door.access.command(), door.access.now)
    with pytest.raises(IdentityUnlinked):
        door.enter()
    assert [each.by for each in door.access.facts(events.IdentityUnlinked) if each.account_id == person] == [COUNTY.by]


def test_a_closed_account_is_not_opened_by_its_identity(door: Door) -> None:
    person, _ = door.linked("closed")
    closing = CloseAccount(person, "test", "离职")
    account_desk.close_account(door.desk, COUNTY, closing, door.access.command(), door.access.now)
    with pytest.raises(AccountIsClosed):
        door.enter()
    assert [each.reason for each in door.access.facts(SignInRefused) if each.account_id == person] == ["closed"]


def test_what_is_told_beforehand_is_told_by_who_manages_the_account(door: Door) -> None:
    person, _ = door.access.someone(school="3146900101")
    command, now, told = door.access.command, door.access.now, Told("sub", "beforehand")
    for by, refusal in (
        (Administrator(str(person), division=DIVISION), Oneself),
        (Administrator("elsewhere", division="37"), UnknownAccount),
        (Administrator("another school", school="3146900102"), UnknownAccount),
    ):
        with pytest.raises(refusal):
            linking.announce(door.office, by, person, told, command(), now)
    door.access.post("principal", holder=person, school_code="3146900101")
    with pytest.raises(NotYours):  # a school manages its teachers only
        linking.announce(door.office, Administrator("school", school="3146900101"), person, told, command(), now)
    for wrong in (Told("email", "no address"), Told("email", "a@b"), Told("sub", "  "), Told("sub", "a\nb")):
        with pytest.raises(BadIdentity):
            linking.announce(door.office, COUNTY, person, wrong, command(), now)
    linking.announce(door.office, COUNTY, person, told, command(), now)
    other, _ = door.access.someone()
    with pytest.raises(IdentityTaken):
        linking.announce(door.office, COUNTY, other, told, command(), now)
    assert [each.claim for each in door.access.facts(IdentityAnnounced) if each.account_id == person] == ["sub"]
    waiting = identity_ids(door, person)
    assert linking.unlink_all(door.desk, COUNTY, person, command(), now) == waiting and len(waiting) == 1
    door.issuer.person = {"sub": "beforehand"}
    with pytest.raises(IdentityUnlinked):  # taken back before it came
        door.enter()


def test_what_is_told_waits_a_month_and_then_stands_in_nobodys_way(door: Door) -> None:
    (person, _), (other, _) = door.access.someone(), door.access.someone()
    told = Told("email", "late@county.test")
    linking.announce(door.office, COUNTY, person, told, door.access.command(), door.access.now)
    door.issuer.person = {"sub": "late", "email": "late@county.test", "email_verified": True}
    door.access.now += linking.AWAITED_FOR
    with pytest.raises(IdentityUnlinked):
        door.enter()
    linking.announce(door.office, COUNTY, other, told, door.access.command(), door.access.now)
    assert door.enter().session.account_id == other


def test_who_fits_what_was_told_of_two_people_is_neither(door: Door) -> None:
    (person, _), (other, _) = door.access.someone(), door.access.someone()
    for each, told in ((person, Told("sub", "both")), (other, Told("email", "both@county.test"))):
        linking.announce(door.office, COUNTY, each, told, door.access.command(), door.access.now)
    door.issuer.person = {"sub": "both", "email": "both@county.test", "email_verified": True}
    with pytest.raises(IdentityUnlinked):
        door.enter()
