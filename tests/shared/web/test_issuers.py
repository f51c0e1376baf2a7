"""Several issuers side by side, keys that come and go, and the edges of what a token may be."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jwt

from shared.web import authentication
from shared.web.authentication import (
    LEEWAY_SECONDS,
    RSA_BITS,
    TOKEN_CHARACTERS,
    TOKENS_KEPT,
    Authenticator,
    Issuers,
    IssuerUnreachable,
    Unauthenticated,
)
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
)

OTHER = "https://other.test"


def checking(*keys: Mapping[str, Any], issuer: str = ISSUER, **more: Any) -> Authenticator:
    return Authenticator(issuer=issuer, audience=AUDIENCE, jwks={"keys": list(keys)}, **more)


def refused(checker: Authenticator | Issuers, shown: str) -> str:
    with pytest.raises(Unauthenticated) as told:
        checker.claims_now(shown)
    return told.value.reason


def test_each_issuers_tokens_are_checked_by_its_own_keys_alone() -> None:
    ours, theirs = Ed25519Signer("a"), Ed25519Signer("b")
    both = Issuers({ISSUER: checking(ours.jwk), OTHER: checking(theirs.jwk, issuer=OTHER)})
    assert both.claims_now(token(ours))["iss"] == ISSUER
    assert asyncio.run(both.claims(token(theirs, claims(iss=OTHER))))["iss"] == OTHER
    for stranger in (token(theirs), token(ours, claims(iss=OTHER)), token(theirs, claims(iss=OTHER), kid="a")):
        refused(both, stranger)
    for nobody in ("https://third.test", None, ["https://issuer.test"], ""):
        assert refused(both, token(ours, claims(iss=nobody))) == "issuer not trusted"


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"\xff", b"{", b"7", b"null"])
def test_a_body_that_is_no_object_is_nobodys(body: bytes) -> None:
    signer = Ed25519Signer()
    head = b64(json.dumps({"alg": "EdDSA", "kid": "ed", "typ": "JWT"}).encode())
    signed = f"{head}.{b64(body)}"
    shown = f"{signed}.{b64(signer.sign(signed.encode()))}"
    refused(checking(signer.jwk), shown)
    refused(Issuers({ISSUER: checking(signer.jwk)}), shown)


def test_issuers_by_address_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    signer, asked = Ed25519Signer(), list[str]()

    def answer(address: str) -> Mapping[str, Any]:
        asked.append(address)
        return {"keys": [signer.jwk]}

    monkeypatch.setattr(authentication, "_fetched", answer)
    made = Issuers.fetching({ISSUER: "http://a.test/keys", OTHER: "http://b.test/keys"}, AUDIENCE)
    assert made.claims_now(token(signer))["sub"] == "u1" and asked == ["http://a.test/keys"]
    refused(made, token(signer, claims(aud="another", iss=OTHER)))
    assert asked == ["http://a.test/keys", "http://b.test/keys"]


def test_an_authenticator_knows_keys_or_an_address_of_keys_and_not_both() -> None:
    for keys in ({}, {"jwks": {"keys": [Ed25519Signer().jwk]}, "jwks_url": "http://a.test"}):
        told: dict[str, Any] = keys
        with pytest.raises(ValueError, match="either jwks_url or jwks"):
            Authenticator(issuer=ISSUER, audience=AUDIENCE, **told)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"alg": "HS256"}, "algorithm not allowed"),
        ({"alg": None}, "header unreadable"),
        ({"crit": ["exp"]}, "header not understood"),
        ({"typ": "other"}, "header not understood"),
        ({"kid": "unknown"}, "no such key for the algorithm"),
        ({"kid": 7}, "header unreadable"),
        ({"typ": 7}, "header unreadable"),
        ({"alg": ["EdDSA"]}, "header unreadable"),
        ({"alg": "ES256"}, "no such key for the algorithm"),
        ({"alg": "RS256"}, "no such key for the algorithm"),
    ],
)
def test_a_header_that_is_not_understood_is_refused(changed: Mapping[str, Any], reason: str) -> None:
    signer = Ed25519Signer()
    assert refused(checking(signer.jwk), token(signer, **changed)) == reason


@pytest.mark.parametrize("length", range(4))
def test_a_body_of_any_length_tells_its_issuer(length: int) -> None:
    signer = Ed25519Signer()
    shown = token(signer, claims(name="x" * length))
    assert Issuers({ISSUER: checking(signer.jwk)}).claims_now(shown)["name"] == "x" * length


def test_both_names_of_the_same_algorithm_are_understood() -> None:
    signer = Ed25519Signer()
    for name in ("EdDSA", "Ed25519"):
        assert checking(signer.jwk).claims_now(token(signer, alg=name))["sub"] == "u1"
    assert refused(checking(Es256Signer("ed").jwk), token(signer, alg="Ed25519")) == "no such key for the algorithm"


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "AT+JWT", None])
def test_both_kinds_of_token_are_understood(kind: str | None) -> None:
    signer = Ed25519Signer()
    assert checking(signer.jwk).claims_now(token(signer, typ=kind))["sub"] == "u1"


def test_without_a_key_id_only_a_single_key_is_meant() -> None:
    first, second = Ed25519Signer("a"), Ed25519Signer("b")
    assert checking(first.jwk).claims_now(token(first, kid=None))["sub"] == "u1"
    refused(checking(first.jwk), token(second, kid=None))
    assert refused(checking(first.jwk, second.jwk), token(first, kid=None)) == "no such key for the algorithm"
    assert refused(checking(first.jwk), token(first, kid="")) == "no such key for the algorithm"


def test_only_signing_keys_long_enough_are_trusted() -> None:
    signer, long, short = Ed25519Signer(), Rs256Signer("long"), Rs256Signer("short", bits=1024)
    assert checking(Rs256Signer("longer", bits=2056).jwk)
    ahead = ({**Es256Signer("e").jwk, "use": "enc"}, short.jwk)
    found = checking(*ahead, signer.jwk, long.jwk)
    assert RSA_BITS == 2048 and found.claims_now(token(long))["sub"] == "u1" == found.claims_now(token(signer))["sub"]
    refused(found, token(short))
    sealing = Es256Signer("e")
    refused(checking(signer.jwk, {**sealing.jwk, "use": "enc"}), token(sealing))
    odd = {"kty": "oct", "k": b64(b"0" * 32), "kid": "s"}
    assert refused(checking(odd, signer.jwk), hmac_token(b"0" * 32, "s")) == "algorithm not allowed"
    assert refused(checking(odd, signer.jwk), token(signer, kid="s")) == "no such key for the algorithm"
    to_come: tuple[Any, ...] = (
        {"kty": "AKP", "kid": "new"},
        {"kty": "EC", "crv": "P-9", "x": "A", "y": "A"},
        "no key",
        {},
    )
    assert checking(*to_come, signer.jwk).claims_now(token(signer))["sub"] == "u1"
    for nothing in ([{**sealing.jwk, "use": "enc"}], [odd]):
        with pytest.raises(ValueError, match="no usable signing key"):
            checking(*nothing)


def test_a_signature_by_another_key_under_a_known_id_is_refused_with_its_reason() -> None:
    ours, theirs = Ed25519Signer("a"), Ed25519Signer("a")
    assert refused(checking(ours.jwk), token(theirs)) == "BadSignatureError"
    assert refused(checking(ours.jwk), token(ours, claims(exp=1))) == "ExpiredTokenError"
    assert refused(checking(ours.jwk), token(ours, claims(sub=7))) == "InvalidClaimError"


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_minute_is_borne_and_not_a_second_more(seconds: int) -> None:
    signer, moment = Ed25519Signer(), 1_800_000_000
    found = checking(signer.jwk, now=lambda: float(moment))
    late = token(signer, claims(exp=moment - LEEWAY_SECONDS + seconds, nbf=moment - 9_000))
    early = token(signer, claims(nbf=moment + LEEWAY_SECONDS - seconds, exp=moment + 9_000))
    assert LEEWAY_SECONDS == 60
    for shown in (late, early):
        if seconds > 0:
            assert found.claims_now(shown)["sub"] == "u1"
        else:
            refused(found, shown)


def test_the_longest_token_is_still_read() -> None:
    signer = Ed25519Signer()
    longest = next(
        shown
        for filler in range(TOKEN_CHARACTERS, 0, -1)
        if len(shown := token(signer, claims(name="x" * filler))) <= TOKEN_CHARACTERS
    )
    assert len(longest) in range(TOKEN_CHARACTERS - 1, TOKEN_CHARACTERS + 1)
    assert checking(signer.jwk).claims_now(longest)["sub"] == "u1"
    assert refused(checking(signer.jwk), longest + "xx") == "not a signed token"
    assert TOKEN_CHARACTERS == 8192


class Office:
    """Answers for an issuer's keys. ``at``: the time by which keys grow old."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *signers: Signer) -> None:
        self.keys: list[Any] = [signer.jwk for signer in signers]
        self.asked, self.at = 0, 1_000.0
        self.failure: Exception | None = None
        monkeypatch.setattr("shared.web.authentication.time.monotonic", lambda: self.at)

    def __call__(self, _address: str) -> Mapping[str, Any]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return {"keys": self.keys}

    def checker(self, now: Callable[[], float] = time.time) -> Authenticator:
        return Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks_url="http://a.test", fetch=self, now=now)


def test_keys_are_read_again_after_five_minutes_and_what_was_withdrawn_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    former, later = Ed25519Signer("former"), Ed25519Signer("later")
    office = Office(monkeypatch, former)
    found, shown = office.checker(), token(former)
    found.claims_now(shown)
    office.keys = [later.jwk]
    office.at += 300.0
    assert found.claims_now(shown)["sub"] == "u1" and office.asked == 1
    office.at += 0.5
    refused(found, shown)
    assert office.asked == 2 and found.claims_now(token(later))["sub"] == "u1" and office.asked == 2


def test_an_unknown_key_is_asked_for_every_ten_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    known, new = Ed25519Signer("known"), Ed25519Signer("new")
    office = Office(monkeypatch, known)
    office.at = 5.0
    found = office.checker()
    shown = token(known)
    found.claims_now(shown)
    office.keys.append(new.jwk)
    office.at += 10.0
    refused(found, token(new))
    assert office.asked == 1
    office.at += 0.5
    assert found.claims_now(shown)["sub"] == "u1" and office.asked == 1
    assert found.claims_now(token(known, claims(name="another")))["sub"] == "u1" and office.asked == 1
    assert asyncio.run(found.claims(token(new)))["sub"] == "u1" and office.asked == 2
    assert found.claims_now(token(new))["sub"] == "u1" and office.asked == 2


@pytest.mark.parametrize("failure", [ValueError("away"), KeyError("keys")])
def test_while_the_issuer_is_away_its_known_keys_stand_and_it_is_asked_now_and_then(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    signer = Ed25519Signer()
    office = Office(monkeypatch, signer)
    found = office.checker()
    office.failure = failure
    for _ in range(2):  # without any key everybody asks again
        with pytest.raises(IssuerUnreachable) as told:
            found.claims_now(token(signer))
    assert office.asked == 2 and (told.value.status, told.value.code) == (503, "issuer_unreachable")
    assert "登录" in told.value.zh and "sign-in" in told.value.en
    office.failure = None
    found.claims_now(token(signer))
    office.failure, office.at = failure, office.at + 1_000
    assert found.claims_now(token(signer))["sub"] == "u1" and office.asked == 4
    assert found.claims_now(token(signer, claims(name="again")))["sub"] == "u1" and office.asked == 4
    office.at += 10.0
    found.claims_now(token(signer))
    assert office.asked == 4
    office.at += 0.5
    found.claims_now(token(signer))
    assert office.asked == 5


def test_two_who_ask_at_once_have_the_keys_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Ed25519Signer()
    office = Office(monkeypatch, signer)
    asked, answered = threading.Event(), threading.Event()
    told = list[str]()

    def slowly(address: str) -> Mapping[str, Any]:
        asked.set()
        assert answered.wait(10)
        return office(address)

    found = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks_url="http://a.test", fetch=slowly)
    both = [threading.Thread(target=lambda: told.append(found.claims_now(token(signer))["sub"])) for _ in range(2)]
    both[0].start()
    assert asked.wait(10)
    both[1].start()
    time.sleep(0.05)  # the second waits for the first one's answer
    answered.set()
    for each in both:
        each.join(10)
    assert told == ["u1", "u1"] and office.asked == 1


def test_a_key_set_of_nothing_leaves_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Ed25519Signer()
    office = Office(monkeypatch, signer)
    found = office.checker()
    found.claims_now(token(signer))
    office.keys, office.at = [{"kty": "what"}], office.at + 1_000
    assert found.claims_now(token(signer))["sub"] == "u1"


def test_a_token_is_proved_once_however_often_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    signer, proved = Ed25519Signer(), list[str]()

    def counted(shown: str, *rest: Any, **more: Any) -> Any:
        proved.append(shown)
        return jwt.decode(shown, *rest, **more)

    monkeypatch.setattr(
        "shared.web.authentication.jwt", SimpleNamespace(decode=counted, JWTClaimsRegistry=jwt.JWTClaimsRegistry)
    )
    found, shown = checking(signer.jwk), token(signer)
    for _ in range(3):
        found.claims_now(shown)
    assert proved == [shown]
    kept = [token(signer, claims(name=f"{number}")) for number in range(4)]
    monkeypatch.setattr(authentication, "TOKENS_KEPT", 3)
    for each in (*kept[:2], shown, kept[2], kept[0], shown, kept[2]):
        found.claims_now(each)
    assert proved == [shown, *kept[:2], kept[2], kept[0], shown] and TOKENS_KEPT == 1_024


def test_while_a_token_is_good_only_the_clock_is_looked_at() -> None:
    signer, moment, looked = Ed25519Signer(), 1_800_000_000.0, list[float]()

    def now() -> float:
        looked.append(moment)
        return moment

    found = checking(signer.jwk, now=now)
    shown = token(signer, claims(nbf=int(moment), exp=int(moment) + 100))
    found.claims_now(shown)
    assert len(looked) > 1  # the claims were compared with it, too
    for later in (0, 50, 49.5):
        looked.clear()
        moment += later
        found.claims_now(shown)
        assert len(looked) == 1
        moment = 1_800_000_000.0
    looked.clear()
    moment += 101
    found.claims_now(shown)  # within the leeway, and looked at anew
    assert len(looked) > 1


def test_a_token_not_yet_good_becomes_good_by_waiting() -> None:
    signer = Ed25519Signer()
    moment = 1_800_000_000.0
    found = checking(signer.jwk, now=lambda: moment)
    shown = token(signer, claims(nbf=int(moment) + 100, exp=int(moment) + 200))
    refused(found, shown)
    moment += 100
    assert found.claims_now(shown)["sub"] == "u1"
    moment -= 99
    refused(found, shown)
    moment += 99 + 100 + LEEWAY_SECONDS
    refused(found, shown)


def test_nobody_is_told_why_a_token_is_refused() -> None:
    told = Unauthenticated("BadSignatureError")
    assert (told.status, told.code, told.reason, told.facts) == (401, "unauthenticated", "BadSignatureError", {})
    assert "BadSignature" not in told.zh + told.en and "登录" in told.zh and "sign in" in told.en


def test_the_keys_of_an_address_are_fetched_within_its_own_host(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(gate: Any, address: str, *, deadline_seconds: float) -> Any:
        asked.append((gate, address, deadline_seconds))
        return {"keys": []} if len(asked) == 1 else ["keys"]

    monkeypatch.setattr(authentication, "fetch_json", answer)
    assert authentication._fetched("http://issuer.test:81/keys") == {"keys": []}
    assert asked[0][1:] == ("http://issuer.test:81/keys", 5)
    with pytest.raises(ValueError, match="not a key set"):
        authentication._fetched("http://issuer.test:81/keys")
