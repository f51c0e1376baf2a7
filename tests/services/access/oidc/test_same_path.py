"""What holds for a password holds for an identity: codes, waits, one-time passwords, emergency access, new sessions."""

from __future__ import annotations

import base64
import threading
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from services.access.accounts import account_desk
from services.access.desk import lock_account
from services.access.errors import CodeNeeded, FlowOver, SignInFailed, TooManyAttempts, WrongCode
from services.access.events import SignedIn, SignInRefused
from services.access.oidc import entering, flows, identities
from services.access.second_factors import second_factor_desk
from services.access.second_factors.second_factor import STEP_SECONDS, code_of
from services.access.sessions import session_desk
from services.access.sessions.lockout import FREE_BY_LOGIN
from services.access.sessions.sign_in import Origin, SignedInAs
from shared.database.database import driver
from tests.services.access.conftest import COUNTY
from tests.services.access.oidc.conftest import ADDRESS, Door

WAITING = b"""
SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()
"""


def code_now(door: Door, seed: bytes) -> str:
    return code_of(seed, int(door.access.now.timestamp()) // STEP_SECONDS)


def with_authenticator(door: Door, subject: str) -> tuple[str, bytes]:
    """Somebody linked who also uses an authenticator: login and seed."""
    _, login = door.linked(subject)
    session = door.access.enter(login)
    address = second_factor_desk.begin(door.desk, session.secret, door.access.now).address
    seed = base64.b32decode(parse_qs(urlsplit(address).query)["secret"][0])
    second_factor_desk.confirm(door.desk, session.secret, code_now(door, seed), door.access.now)
    door.access.later(seconds=STEP_SECONDS)
    return login, seed


def with_code(door: Door, secret: str, code: str) -> SignedInAs:
    return entering.finish_with_code(door.office, secret, code, Origin(ADDRESS), door.access.now)


def test_who_uses_an_authenticator_is_asked_for_its_code(door: Door) -> None:
    login, seed = with_authenticator(door, "authenticator")
    door.issuer.bent = {"amr": ["mfa", "otp"]}  # which nobody said counts
    secret, told = door.begin()
    with pytest.raises(CodeNeeded):
        door.finish(secret, told)
    with pytest.raises(FlowOver):  # the callback is used up, the code is what is missing
        door.finish(secret, told)
    with pytest.raises(WrongCode):
        with_code(door, secret, "000000")
    with pytest.raises(FlowOver):
        with_code(door, "A" * 43, code_now(door, seed))
    entered = with_code(door, secret, code_now(door, seed))
    assert entered.session.means == ["oidc", "one_time_code"]
    door.access.later(seconds=STEP_SECONDS)
    with pytest.raises(FlowOver):
        with_code(door, secret, code_now(door, seed))
    with pytest.raises(CodeNeeded):
        door.access.enter(login)  # as with the password
    mine = [each for each in door.access.facts(SignInRefused) if each.account_id == entered.session.account_id]
    assert [each.reason for each in mine] == ["wrong_code"]


def test_two_codes_for_one_callback_open_one_session(door: Door) -> None:
    person, _ = door.linked("two codes")
    secret, _ = door.begin()
    with door.desk.database.writing() as connection:
        raw = driver(connection)
        (held,) = identities.of_account(raw, person, door.access.now)
        flows.wait_for_code(raw, secret, held.identity_id)
        flows.code_came(raw, secret)
        with pytest.raises(FlowOver):  # of somebody who looked at it at the same moment
            flows.code_came(raw, secret)


def test_the_code_comes_within_the_ten_minutes(door: Door) -> None:
    _, seed = with_authenticator(door, "late code")
    secret, told = door.begin()
    with pytest.raises(CodeNeeded):
        door.finish(secret, told)
    door.access.later(minutes=10, seconds=1)
    with pytest.raises(FlowOver):
        with_code(door, secret, code_now(door, seed))


def test_codes_are_guessed_no_faster_than_passwords(door: Door) -> None:
    _, seed = with_authenticator(door, "guessed")
    secret, told = door.begin()
    with pytest.raises(CodeNeeded):
        door.finish(secret, told)
    for _ in range(FREE_BY_LOGIN + 1):
        with pytest.raises(WrongCode):
            with_code(door, secret, "000000")
    with pytest.raises(TooManyAttempts):
        with_code(door, secret, code_now(door, seed))


def test_the_issuers_second_factor_counts_only_as_configured(door: Door) -> None:
    with_authenticator(door, "issuer's factor")
    door.renew("amr=mfa", "acr=urn:strong")
    asked = parse_qs(urlsplit(entering.begin(door.office, Origin(ADDRESS), door.access.now).address).query)
    assert asked["acr_values"] == ["urn:strong"]  # some do more only when they are asked to
    for shown, enough in (({"amr": ["pwd"]}, False), ({"amr": ["pwd", "mfa"]}, True), ({"acr": "urn:strong"}, True)):
        door.issuer.bent = shown
        if enough:
            assert door.enter().session.means == ["oidc", "issuer_second_factor"]
        else:
            with pytest.raises(CodeNeeded):
                door.enter()


def test_who_has_to_wait_waits_here_too(door: Door) -> None:
    _, login = door.linked("waiting")
    for _ in range(FREE_BY_LOGIN + 1):
        with pytest.raises(SignInFailed):
            door.access.enter(login, "not the password", "10.3.0.1")
    with pytest.raises(TooManyAttempts):
        door.enter()
    door.access.later(seconds=30)
    entered = door.enter()
    (fact,) = [each for each in door.access.facts(SignedIn) if each.session_id == entered.session.session_id]
    assert fact.refused_before == FREE_BY_LOGIN + 2
    door.access.enter(login)  # and the count began anew


def test_a_one_time_password_does_not_bind_who_did_not_use_it(door: Door) -> None:
    person, login = door.linked("handed a password")
    handed = account_desk.reset_password(door.desk, COUNTY, person, door.access.command(), door.access.now)
    typed = door.access.enter(login, handed.password or "")
    assert typed.must_change and session_desk.standing(door.desk, typed.secret, door.access.now).must_change


def test_each_sign_in_is_a_session_of_its_own_and_is_chosen_on_as_any_other(door: Door) -> None:
    person, _ = door.linked("two posts")
    first, second = door.enter(), door.enter()
    assert first.secret != second.secret and first.session.session_id != second.session.session_id
    post = door.access.post("reviewer", holder=person)
    chosen = session_desk.choose_post(door.desk, first.secret, post, door.access.now)
    assert door.access.claims(chosen.secret)["amr"] == ["oidc"]
    assert chosen.session.session_id != first.session.session_id
    session_desk.sign_out(door.desk, chosen.secret, everywhere=True, now=door.access.now)


def test_two_who_bring_the_same_callback_at_once_are_one(door: Door) -> None:
    door.linked("twice at once")
    secret, told = door.begin()
    came: list[object] = []

    def bring() -> None:
        try:
            came.append(door.finish(secret, told).session.session_id)
        except FlowOver as over:
            came.append(over)

    both = [threading.Thread(target=bring) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert len(came) == 2 and len([each for each in came if isinstance(each, FlowOver)]) == 1


def test_an_identity_unlinked_at_this_very_moment_opens_nothing(door: Door) -> None:
    """It is looked at before the account is locked, and once more after."""
    person, _ = door.linked("at this moment")
    secret, told = door.begin()
    came: list[object] = []

    def bring() -> None:
        try:
            came.append(door.finish(secret, told))
        except SignInFailed as refused:
            came.append(refused)

    bringing = threading.Thread(target=bring)
    with door.desk.database.writing() as connection:
        raw = driver(connection)
        lock_account(raw, person, alone=True)
        bringing.start()
        until = time.monotonic() + 10
        while not raw.execute(WAITING).fetchall():
            assert time.monotonic() < until
            time.sleep(0.02)
        identities.end(raw, [each.identity_id for each in identities.of_account(raw, person, door.access.now)])
    bringing.join()
    assert [type(each) for each in came] == [SignInFailed]


def test_what_was_begun_opens_nothing_to_whoever_reads_the_table(door: Door) -> None:
    secret, told = door.begin()
    with door.desk.database.writing() as connection:
        rows = driver(connection).execute("SELECT f::text FROM access_oidc_flows AS f").fetchall()
    promise = flows.promise_of(door.desk.streams, secret)
    text = " ".join(row[0] for row in rows)
    assert text and not any(each in text for each in (secret, told.state, told.code or "-", *promise))


def test_a_post_that_asks_for_a_second_factor_is_not_acted_in_by_the_issuers_word_alone(door: Door) -> None:
    with_authenticator(door, "a post with two factors")
    door.renew("amr=mfa")
    strict = replace(door.desk, second_factor=frozenset({"aid_clerk"}))
    door.issuer.bent = {"amr": ["mfa"]}
    session = door.enter().session
    assert not strict.lacks_code(session, "aid_clerk") and not strict.lacks_code(session, "auditor")
    assert strict.lacks_code(replace(session, means=["oidc"]), "aid_clerk")
    assert strict.lacks_code(replace(session, means=["password"]), "aid_clerk")
    assert not strict.lacks_code(replace(session, means=["oidc", "one_time_code"]), "aid_clerk")
