"""Codes of an authenticator: as the standard has them, good once, and never in the way of a reset."""

from __future__ import annotations

import base64
import dataclasses
import json
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from joserfc import jws

from services.access.accounts import account_desk
from services.access.emergencies import emergency
from services.access.emergencies.emergency import Wanted
from services.access.errors import CodeNeeded, NotYours, SecondFactorStands, SignInFailed, WrongCode
from services.access.events import SecondFactorRemoved, SecondFactorSet, SignedIn, SignInRefused
from services.access.posts.places import Place
from services.access.second_factors import second_factor_desk
from services.access.second_factors.second_factor import STEP_SECONDS, code_of
from services.access.sessions import session_desk
from services.access.sessions.sign_in import Attempt, SignedInAs, sign_in
from shared.standards.posts import Kind
from tests.services.access.conftest import COUNTY, PASSWORD, Office
from tests.services.installation import DIVISION


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert code_of(b"12345678901234567890", seconds // STEP_SECONDS, digits=8) == code  # RFC 6238, appendix B


def enter(office: Office, login: str, code: str = "") -> SignedInAs:
    return sign_in(office.desk, Attempt(login, PASSWORD, "10.0.0.1", code), office.now)


def now_code(office: Office, seed: bytes, steps: int = 0) -> str:
    return code_of(seed, int(office.now.timestamp()) // STEP_SECONDS + steps)


def with_codes(office: Office) -> tuple[str, bytes, list[str], SignedInAs]:
    _, login = office.someone()
    entered = enter(office, login)
    address = second_factor_desk.begin(office.desk, entered.secret, office.now).address
    seed = base64.b32decode(parse_qs(urlsplit(address).query)["secret"][0])
    with pytest.raises(WrongCode):
        second_factor_desk.confirm(office.desk, entered.secret, "000000", office.now)
    assert enter(office, login).secret  # not in force yet
    codes = second_factor_desk.confirm(office.desk, entered.secret, now_code(office, seed), office.now)
    return login, seed, codes, entered


def test_a_code_is_needed_and_good_once(office: Office) -> None:
    login, seed, _, entered = with_codes(office)
    with pytest.raises(SecondFactorStands):
        second_factor_desk.begin(office.desk, entered.secret, office.now)
    for _ in range(8):  # asking for the code is no mistake
        with pytest.raises(CodeNeeded):
            enter(office, login)
    with pytest.raises(SignInFailed):
        enter(office, login, now_code(office, seed))  # used to confirm
    assert office.facts(SignInRefused)[-1].reason == "wrong_code"
    code = now_code(office, seed, steps=1)  # the telephone is half a minute ahead
    entered = enter(office, login, code)
    assert office.claims(entered.secret)["amr"] == ["password", "one_time_code"]
    assert office.facts(SignedIn)[-1].means == ("password", "one_time_code")
    for steps in (1, 2, -2):
        with pytest.raises(SignInFailed):
            enter(office, login, code if steps == 1 else now_code(office, seed, steps))
    office.later(minutes=10)
    assert enter(office, login, now_code(office, seed)).secret


def test_recovery_codes_are_good_once_and_a_reset_removes_the_factor(office: Office) -> None:
    login, _, codes, entered = with_codes(office)
    assert len(set(codes)) == 10 and enter(office, login, codes[3].upper()).secret
    with pytest.raises(SignInFailed):
        enter(office, login, codes[3])
    account_id = entered.session.account_id
    handed = account_desk.reset_password(office.desk, COUNTY, account_id, office.command(), office.now)
    assert handed.password is not None and office.enter(login, handed.password).must_change
    assert [fact.account_id for fact in office.facts(SecondFactorRemoved)][-1] == account_id


def test_doing_without_it_again_takes_the_password(office: Office) -> None:
    login, seed, _, entered = with_codes(office)
    with pytest.raises(SignInFailed):
        second_factor_desk.remove(office.desk, entered.secret, "not the password", office.now)
    second_factor_desk.remove(office.desk, entered.secret, PASSWORD, office.now)
    assert enter(office, login).secret and office.facts(SecondFactorSet)
    logged = [each.logged.event.data for each in office.installation.entries("access")]
    assert not any(seed in data or base64.b32encode(seed) in data for data in logged)


def test_a_kind_of_post_that_asks_for_it_permits_nothing_without(office: Office) -> None:
    office.later(hours=1)
    strict = dataclasses.replace(office.desk, second_factor=frozenset({"approver"}))
    person, login = office.someone()
    clerk, approver = office.post("aid_clerk", holder=person), office.post("approver", holder=person)
    entered = enter(office, login)

    def kind_in(post: UUID, secret: str) -> tuple[str | None, str]:
        chosen = session_desk.choose_post(strict, secret, post, office.now).secret
        token = session_desk.token(strict, chosen, office.now).token
        return json.loads(jws.extract_compact(token.encode()).payload).get("kind"), chosen

    kind, secret = kind_in(clerk, entered.secret)
    assert kind == "aid_clerk" and kind_in(approver, secret)[0] is None
    clerks = dataclasses.replace(strict, second_factor=frozenset({"aid_clerk"}))
    wanted = Wanted(Kind.REVIEWER, Place(DIVISION), 1, "核对员住院,今天须办结")
    with pytest.raises(NotYours):
        emergency.take(clerks, kind_in(clerk, enter(office, login).secret)[1], wanted, office.now)
    secret = enter(office, login).secret
    address = second_factor_desk.begin(office.desk, secret, office.now).address
    seed = base64.b32decode(parse_qs(urlsplit(address).query)["secret"][0])
    second_factor_desk.confirm(office.desk, secret, now_code(office, seed), office.now)
    assert kind_in(approver, secret)[0] is None, "what was proved to set it up was not how this session was opened"
    office.later(minutes=1)
    with_code = enter(office, login, now_code(office, seed))
    assert kind_in(approver, with_code.secret)[0] == "approver"
