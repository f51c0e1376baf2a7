"""What is sent in place of an honest answer, one thing at a time: nothing but the honest one opens a session."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.access.errors import FlowOver, IssuerRefused
from services.access.events import SignInRefused
from services.access.oidc.office import Callback
from tests.services.access.oidc.conftest import Door
from tests.shared.web.tokens import Ed25519Signer, Es256Signer, Rs256Signer, b64
from tests.support.issuer import CLIENT_ID, Issuer, Ps256Signer

SUBJECT = "attacked"
Claims = dict[str, Any]
Forge = Callable[[Issuer, Claims], str]
_addresses = itertools.count(1)


@pytest.fixture
def victim(door: Door) -> Iterator[Door]:
    """A door at which somebody has linked an identity, and is signed in at the issuer."""
    if not hasattr(door.access, "attacked"):
        door.access.attacked = door.linked(SUBJECT)  # type: ignore[attr-defined]
    door.issuer.person = {"sub": SUBJECT}
    yield door


def attempt(door: Door, change: Callable[[Callback], Callback] = lambda told: told) -> None:
    secret, told = door.begin()
    door.finish(secret, change(told), f"10.1.0.{next(_addresses)}")


def unsigned(issuer: Issuer, claims: Claims) -> str:
    return f"{b64(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{b64(json.dumps(claims).encode())}."


def unsigned_but_named(issuer: Issuer, claims: Claims) -> str:
    head = {"alg": "None", "kid": issuer.signer.kid}
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}.{b64(b'x' * 64)}"


def confused(secret: bytes, issuer: Issuer, claims: Claims) -> str:
    head = {"alg": "HS256", "kid": issuer.signer.kid, "typ": "JWT"}
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def confused_with_the_key_as_pem(issuer: Issuer, claims: Claims) -> str:
    public = issuer.signer._key.public_key()
    return confused(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), issuer, claims)


def confused_with_the_key_as_jwk(issuer: Issuer, claims: Claims) -> str:
    return confused(json.dumps(issuer.signer.jwk).encode(), issuer, claims)


def confused_with_the_clients_secret(issuer: Issuer, claims: Claims) -> str:
    return confused(b"a secret: of+the/client%", issuer, claims)


def another_key_under_the_same_id(issuer: Issuer, claims: Claims) -> str:
    return Issuer(signer=Es256Signer(issuer.signer.kid)).token(claims)


def a_key_of_its_own_in_the_header(issuer: Issuer, claims: Claims) -> str:
    mine = Es256Signer("mine")
    return Issuer(signer=mine).token(claims, jwk=mine.jwk, jku="https://elsewhere.test/jwks")


def another_algorithm_than_the_key(issuer: Issuer, claims: Claims) -> str:
    return issuer.token(claims, alg="RS256")


def an_altered_body(issuer: Issuer, claims: Claims) -> str:
    head, _, signature = issuer.token(claims | {"sub": "somebody else"}).split(".")
    return f"{head}.{b64(json.dumps(claims).encode())}.{signature}"


def a_logout_token(issuer: Issuer, claims: Claims) -> str:
    return issuer.token(claims, typ="logout+jwt")


def something_critical(issuer: Issuer, claims: Claims) -> str:
    return issuer.token(claims, crit=["b64"], b64=False)


def no_token(_issuer: Issuer, _claims: Claims) -> str:
    return "rubbish"


FORGED: list[Forge] = [
    unsigned, unsigned_but_named, confused_with_the_key_as_pem, confused_with_the_key_as_jwk,
    confused_with_the_clients_secret, another_key_under_the_same_id, a_key_of_its_own_in_the_header,
    another_algorithm_than_the_key, an_altered_body, a_logout_token, something_critical, no_token,
]  # fmt: skip
# All of it is tried in test_id_token.py; these show what is compared with what.
BENT: list[tuple[str, Claims, bool]] = [
    ("another issuer", {"iss": "https://issuer.elsewhere.test"}, False),
    ("another audience", {"aud": "another client"}, False),
    ("issued to another", {"aud": [CLIENT_ID, "another"], "azp": "another"}, False),
    ("expired beyond the skew", {"exp": -61}, False),
    ("expired within the skew", {"exp": -58}, True),
    ("issued in the future, beyond the skew", {"iat": 62}, False),
    ("another nonce", {"nonce": "A" * 43}, False),
    ("no nonce", {"nonce": None}, False),
]


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_no_forged_token_opens_a_session(victim: Door, forge: Forge) -> None:
    victim.issuer.forge = lambda claims: forge(victim.issuer, claims)
    with pytest.raises(IssuerRefused):
        attempt(victim)


@pytest.mark.parametrize(("said", "believed"), [each[1:] for each in BENT], ids=[each[0] for each in BENT])
def test_what_is_not_true_of_us_and_now_opens_nothing(victim: Door, said: Claims, believed: bool) -> None:
    now = int(victim.access.now.timestamp())
    times = {name: now + value for name, value in said.items() if name in ("exp", "nbf", "iat") and type(value) is int}
    victim.issuer.bent = said | times
    if believed:
        attempt(victim)
    else:
        with pytest.raises(IssuerRefused):
            attempt(victim)


@pytest.mark.parametrize("signer", [Rs256Signer, Ps256Signer, Es256Signer, Ed25519Signer])
def test_each_allowed_algorithm_is_believed_from_the_key_on(victim: Door, signer: Any) -> None:
    former = victim.issuer.signer
    victim.issuer.signer = signer(kid=f"of {signer.__name__}")
    victim.renew()
    try:
        attempt(victim)
    finally:
        victim.issuer.signer = former


def test_a_key_that_is_too_short_is_not_believed(victim: Door) -> None:
    former = victim.issuer.signer
    victim.issuer.signer, victim.issuer.retired = Rs256Signer(kid="short", bits=1024), [former]
    victim.renew()
    try:
        with pytest.raises(IssuerRefused):
            attempt(victim)
    finally:
        victim.issuer.signer, victim.issuer.retired = former, []


def test_a_new_key_is_fetched_once_and_unknown_ones_cost_nothing(victim: Door) -> None:
    attempt(victim)
    former = victim.issuer.signer
    victim.issuer.signer, victim.issuer.retired = Es256Signer("rotated"), [former]
    try:
        victim.issuer.asked.clear()
        victim.seconds += 60
        attempt(victim)
        assert victim.issuer.asked.count("/jwks") == 1
        attempt(victim)
        victim.issuer.forge = lambda claims: Issuer(signer=Es256Signer("unknown")).token(claims)
        for _ in range(3):
            with pytest.raises(IssuerRefused):
                attempt(victim)
        assert victim.issuer.asked.count("/jwks") == 1  # the pause between two fetches
        victim.seconds += 11
        for _ in range(3):
            with pytest.raises(IssuerRefused):
                attempt(victim)
        assert victim.issuer.asked.count("/jwks") == 2
    finally:
        victim.issuer.signer, victim.issuer.retired = former, []


def test_a_withdrawn_key_signs_nothing_once_its_set_was_read_again(victim: Door) -> None:
    attempt(victim)
    withdrawn = victim.issuer.signer
    victim.issuer.signer = Es256Signer("after")
    victim.issuer.forge = lambda claims: Issuer(signer=withdrawn).token(claims)
    try:
        victim.seconds += 301
        with pytest.raises(IssuerRefused):
            attempt(victim)
    finally:
        victim.issuer.signer = withdrawn


@pytest.mark.parametrize(
    "change",
    [
        lambda told: Callback(told.state, told.code, None, "https://issuer.elsewhere.test"),
        lambda told: Callback(told.state, told.code, None, None),  # of an issuer that always says who it is
        lambda told: Callback(told.state, "another code", None, told.issuer),
        lambda told: Callback(told.state, None, "access_denied", told.issuer),
        lambda told: Callback(told.state, None, None, told.issuer),
    ],
    ids=["mixed up", "unnamed", "another code", "denied", "nothing"],
)
def test_a_bent_callback_opens_nothing(victim: Door, change: Callable[[Callback], Callback]) -> None:
    with pytest.raises(IssuerRefused):
        attempt(victim, change)


def test_a_state_is_of_one_browser_for_ten_minutes_and_once(victim: Door) -> None:
    (secret, told), (other, theirs) = victim.begin(), victim.begin()
    for shown, said in (
        (other, told),  # somebody else's callback, led into this browser
        (secret, Callback("A" * 43, told.code, None, told.issuer)),
        (secret, Callback("", told.code, None, told.issuer)),
        ("A" * 43, told),
    ):
        with pytest.raises(FlowOver):
            victim.finish(shown, said)
    victim.finish(other, theirs)  # and nothing was used up by it
    victim.access.later(minutes=10, seconds=1)
    with pytest.raises(FlowOver):
        victim.finish(secret, told)


def test_a_code_of_another_sign_in_is_worth_nothing(victim: Door) -> None:
    """An injected code: the issuer checks the verifier, and we the nonce, each by itself."""
    (secret, told), (_, theirs) = victim.begin(), victim.begin()
    with pytest.raises(IssuerRefused):
        victim.finish(secret, Callback(told.state, theirs.code, None, told.issuer))


def test_a_code_is_exchanged_once(victim: Door) -> None:
    secret, told = victim.begin()
    victim.finish(secret, told)
    again, fresh = victim.begin()
    with pytest.raises(IssuerRefused):
        victim.finish(again, Callback(fresh.state, told.code, None, told.issuer))


def test_what_was_refused_is_recorded_a_few_times_and_then_seldom(victim: Door) -> None:
    def recorded() -> int:
        return [each.reason for each in victim.access.facts(SignInRefused)].count("issuer_refused")

    victim.issuer.forge, before = lambda claims: no_token(victim.issuer, claims), recorded()
    for _ in range(8):
        secret, told = victim.begin()
        with pytest.raises(IssuerRefused):
            victim.finish(secret, told, "10.2.0.1")
    assert 4 <= recorded() - before <= 5
    victim.issuer.forge = None
    victim.finish(*victim.begin(), "10.2.0.1")  # and nobody waits for it
