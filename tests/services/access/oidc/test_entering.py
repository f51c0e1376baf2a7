"""Through the issuer: who is linked comes in, on the same path as with a password, and nobody else does."""

from __future__ import annotations

import pytest

from services.access.errors import FlowOver, IdentityUnlinked
from services.access.events import IdentityLinked, SignedIn, SignInRefused
from services.access.oidc import linking
from services.access.oidc.linking import Told
from tests.services.access.conftest import COUNTY
from tests.services.access.oidc.conftest import Door


def test_who_linked_an_identity_comes_in_by_it(door: Door) -> None:
    person, _ = door.linked("linked-1")
    entered = door.enter()
    assert entered.session.account_id == person and entered.session.post_id is not None
    claims = door.access.claims(entered.secret)
    assert claims["sub"] == str(person) and claims["amr"] == ["oidc"] and claims["kind"] == "aid_clerk"
    (fact,) = [each for each in door.access.facts(SignedIn) if each.session_id == entered.session.session_id]
    assert fact.means == ("oidc",)


def test_who_is_not_linked_is_refused_in_words_to_act_on_and_recorded(door: Door) -> None:
    door.issuer.person = {"sub": "stranger-1", "email": "wang@county.test", "email_verified": True, "name": "王小明"}
    door.access.someone()  # of the same name
    before = len(door.access.facts(SignInRefused))
    with pytest.raises(IdentityUnlinked) as refused:
        door.enter()
    assert "我的账号" in str(refused.value.zh) and refused.value.facts == {"subject": "stranger-1"}
    recorded = door.access.facts(SignInRefused)
    assert len(recorded) == before + 1 and "identity_unlinked" in {each.reason for each in recorded}


def test_a_callback_is_good_once_and_in_its_own_browser(door: Door) -> None:
    door.linked("linked-2")
    secret, told = door.begin()
    other, _ = door.begin()
    with pytest.raises(FlowOver):
        door.finish(other, told)
    door.finish(secret, told)
    with pytest.raises(FlowOver):
        door.finish(secret, told)


def test_an_administrator_tells_a_subject_or_a_verified_address_beforehand(door: Door) -> None:
    for told, shown in (
        (Told("sub", "told-1"), {"sub": "told-1"}),
        (Told("email", " Li@County.test "), {"sub": "told-2", "email": "li@county.test", "email_verified": True}),
    ):
        person, _ = door.access.someone(password=None)  # and never uses the one-time password
        door.access.post(holder=person)
        linking.announce(door.office, COUNTY, person, told, door.access.command(), door.access.now)
        door.issuer.person = {"sub": "told-x", "email": "li@county.test"}  # nobody verified it
        with pytest.raises(IdentityUnlinked):
            door.enter()
        door.issuer.person = shown
        entered = door.enter()
        assert entered.session.account_id == person and not entered.must_change
        assert door.access.claims(entered.secret)["kind"] == "aid_clerk"
        assert door.enter().session.account_id == person
        facts = [each for each in door.access.facts(IdentityLinked) if each.account_id == person]
        assert [each.by for each in facts] == ["system:sign-in"]
