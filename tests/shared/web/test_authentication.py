from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shared.outgoing.fetching import FetchFailed
from shared.web.authentication import LEEWAY_SECONDS, Authenticator, Issuers, IssuerUnreachable, Unauthenticated
from tests.shared.web.tokens import (
    AUDIENCE,
    ISSUER,
    Ed25519Signer,
    Es256Signer,
    Rs256Signer,
    Signer,
    b64,
    claims,
    hmac_token,
    token,
    unsigned_token,
)


def authenticator(*signers: Signer) -> Authenticator:
    return Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [signer.jwk for signer in signers]})


@pytest.mark.parametrize("kind", [Ed25519Signer, Es256Signer, Rs256Signer])
def test_a_token_of_each_allowed_algorithm_is_accepted(kind: type[Signer]) -> None:
    signer = kind()
    assert authenticator(signer).claims_now(token(signer))["sub"] == "u1"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "HS256", "RS512", ""])
def test_an_unsigned_or_foreign_algorithm_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated):
        authenticator(Ed25519Signer()).claims_now(unsigned_token(name))


def test_the_public_key_used_as_a_shared_secret_opens_nothing() -> None:
    signer = Ed25519Signer()
    for secret in (signer.public_raw, json.dumps(signer.jwk).encode(), b64(signer.public_raw).encode()):
        with pytest.raises(Unauthenticated):
            authenticator(signer).claims_now(hmac_token(secret, signer.kid))


def test_a_symmetric_key_published_by_mistake_is_not_trusted() -> None:
    secret = b"0" * 32
    keys = {"keys": [{"kty": "oct", "k": b64(secret), "kid": "s", "alg": "HS256"}, Ed25519Signer().jwk]}
    found = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks=keys)
    with pytest.raises(Unauthenticated):
        found.claims_now(hmac_token(secret, "s"))


def test_a_short_rsa_key_is_not_trusted() -> None:
    with pytest.raises(ValueError, match="no usable"):
        authenticator(Rs256Signer(bits=1024))


def test_a_key_of_another_type_than_the_algorithm_is_refused() -> None:
    ed, ec = Ed25519Signer(), Es256Signer()
    with pytest.raises(Unauthenticated):
        authenticator(ed, ec).claims_now(token(ed, kid=ec.kid))


def test_keys_named_in_the_token_itself_are_never_used() -> None:
    ours, theirs = Ed25519Signer(), Ed25519Signer("theirs")
    for header in ({"jwk": theirs.jwk}, {"jku": "http://127.0.0.1:1/jwks"}, {"x5u": "http://127.0.0.1:1/x"}):
        with pytest.raises(Unauthenticated):
            authenticator(ours).claims_now(token(theirs, **header))


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": int(time.time()) + 86_400},
        {"iss": "https://other.test"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
)
def test_claims_that_do_not_hold_are_refused(changed: Mapping[str, Any]) -> None:
    signer = Ed25519Signer()
    with pytest.raises(Unauthenticated):
        authenticator(signer).claims_now(token(signer, claims(**changed)))


def test_a_clock_a_minute_off_is_borne() -> None:
    signer = Ed25519Signer()
    now = int(time.time())
    assert authenticator(signer).claims_now(token(signer, claims(exp=now - 30, nbf=now + 30)))


@pytest.mark.parametrize("broken", ["", "a.b", "a.b.c", "....", "x" * 9000, "é.é.é", "e30.e30.", "bnVsbA.e30.AA"])
def test_what_is_no_token_is_refused_and_not_an_error(broken: str) -> None:
    with pytest.raises(Unauthenticated):
        authenticator(Ed25519Signer()).claims_now(broken)


def test_a_changed_claim_breaks_the_signature() -> None:
    signer = Ed25519Signer()
    head, _, signature = token(signer).split(".")
    forged = b64(json.dumps(claims(kind="auditor")).encode())
    with pytest.raises(Unauthenticated):
        authenticator(signer).claims_now(f"{head}.{forged}.{signature}")


class Issuer:
    """Answers for the issuer's key address, counting how often it is asked."""

    def __init__(self, *signers: Signer) -> None:
        self.signers, self.asked, self.away = list(signers), 0, False

    def __call__(self, _url: str) -> Mapping[str, Any]:
        self.asked += 1
        if self.away:
            raise FetchFailed("connection_ConnectError")
        return {"keys": [signer.jwk for signer in self.signers]}


def by_address(issuer: Issuer, now: Callable[[], float] = time.time) -> Authenticator:
    return Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks_url="http://issuer.test/jwks", fetch=issuer, now=now)


def test_keys_are_fetched_once_and_kept() -> None:
    issuer = Issuer(Ed25519Signer())
    found = by_address(issuer)
    for _ in range(5):
        found.claims_now(token(issuer.signers[0]))
    assert issuer.asked == 1


def test_a_new_key_is_found_after_a_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(Ed25519Signer("old"))
    found = by_address(issuer)
    found.claims_now(token(issuer.signers[0]))
    issuer.signers = [Ed25519Signer("new")]
    monkeypatch.setattr("shared.web.authentication.REFETCH_PAUSE_SECONDS", 0)
    assert found.claims_now(token(issuer.signers[0]))["sub"] == "u1"
    assert issuer.asked == 2


def test_a_token_that_was_good_is_refused_once_it_has_expired_or_its_key_is_withdrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = time.time()
    issuer = Issuer(Ed25519Signer("old"))
    found = by_address(issuer, now=lambda: moment)
    shown = token(issuer.signers[0], claims(exp=int(moment) + 100))
    assert found.claims_now(shown) == found.claims_now(shown)
    moment += 100 + LEEWAY_SECONDS + 1
    with pytest.raises(Unauthenticated):
        found.claims_now(shown)
    moment -= 100 + LEEWAY_SECONDS
    assert found.claims_now(shown)["sub"] == "u1"
    issuer.signers = [Ed25519Signer("new")]
    monkeypatch.setattr("shared.web.authentication.KEYS_FRESH_SECONDS", 0)
    monkeypatch.setattr("shared.web.authentication.REFETCH_PAUSE_SECONDS", 0)
    with pytest.raises(Unauthenticated):
        found.claims_now(shown)


def test_forged_key_ids_do_not_flood_the_issuer() -> None:
    issuer = Issuer(Ed25519Signer())
    found = by_address(issuer)
    for number in range(20):
        with pytest.raises(Unauthenticated):
            found.claims_now(token(Ed25519Signer(f"forged {number}")))
    assert issuer.asked == 1


def test_known_keys_stay_good_while_the_issuer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(Ed25519Signer())
    found = by_address(issuer)
    found.claims_now(token(issuer.signers[0]))
    issuer.away = True
    monkeypatch.setattr("shared.web.authentication.KEYS_FRESH_SECONDS", -1)
    monkeypatch.setattr("shared.web.authentication.REFETCH_PAUSE_SECONDS", -1)
    assert found.claims_now(token(issuer.signers[0]))["sub"] == "u1"


def test_without_any_key_nobody_is_let_in() -> None:
    issuer = Issuer(Ed25519Signer())
    issuer.away = True
    with pytest.raises(IssuerUnreachable):
        by_address(issuer).claims_now(token(issuer.signers[0]))


def test_a_token_seen_before_is_still_checked_by_its_own_issuer() -> None:
    """Which issuer it names is remembered, never that it is good."""
    signer, now = Ed25519Signer(), [time.time()]
    keys = {"keys": [signer.jwk]}
    good = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks=keys, now=lambda: now[0])
    issuers = Issuers({ISSUER: good, "urn:other": Authenticator(issuer="urn:other", audience=AUDIENCE, jwks=keys)})
    told = token(signer)
    for _ in range(2):
        assert issuers.claims_now(told)["sub"] == "u1"
    foreign = token(signer, claims(iss="urn:nobody"))
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            issuers.claims_now(foreign)
    now[0] += 2 * 24 * 3600
    with pytest.raises(Unauthenticated):
        issuers.claims_now(told)


def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.web.authentication.TOKENS_KEPT", 2)
    signer = Ed25519Signer()
    issuers = Issuers({ISSUER: authenticator(signer)})
    several = [token(signer, claims(sub=f"u{number}")) for number in range(5)]
    for each in (*several, *several):
        assert issuers.claims_now(each)["sub"] in {"u0", "u1", "u2", "u3", "u4"}
        assert len(issuers._checks) <= 2
