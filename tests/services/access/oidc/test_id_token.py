"""An ID token, one claim bent at a time: what is believed and what is not. Signatures are tried in test_attacks.py."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.access.oidc.id_token import Expected, Identity, NotBelieved, identity_of
from shared.web.authentication import signing_keys
from tests.shared.web.tokens import Es256Signer
from tests.support.issuer import CLIENT_ID, Issuer

Claims = dict[str, Any]
ISSUER, NONCE = "https://issuer.test", "n" * 43
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
MADE_BY = Issuer(signer=Es256Signer())
KEYS = signing_keys({"keys": [MADE_BY.signer.jwk]})
HONEST: Claims = {"iss": ISSUER, "aud": CLIENT_ID, "sub": "u-1", "nonce": NONCE, "exp": 300, "iat": 0}
# What a claim says in place of the truth, and whether that is believed; seconds are from now.
BENT: list[tuple[str, Claims, bool]] = [
    ("another issuer", {"iss": "https://issuer.elsewhere.test"}, False),
    ("an issuer with a slash too many", {"iss": f"{ISSUER}/"}, False),
    ("no issuer", {"iss": None}, False),
    ("another audience", {"aud": "another client"}, False),
    ("no audience", {"aud": None}, False),
    ("one audience in a list", {"aud": [CLIENT_ID]}, True),
    ("several audiences and nobody named", {"aud": [CLIENT_ID, "another"]}, False),
    ("several audiences, issued to another", {"aud": [CLIENT_ID, "another"], "azp": "another"}, False),
    ("several audiences, issued to us", {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}, True),
    ("issued to another", {"azp": "another"}, False),
    ("expired beyond the skew", {"exp": -61}, False),
    ("expired within the skew", {"exp": -58}, True),
    ("no end", {"exp": None}, False),
    ("an end that is a text", {"exp": "tomorrow"}, False),
    ("not yet good, beyond the skew", {"nbf": 62}, False),
    ("not yet good, within the skew", {"nbf": 58}, True),
    ("issued in the future, beyond the skew", {"iat": 62}, False),
    ("issued in the future, within the skew", {"iat": 58}, True),
    ("issued at no time", {"iat": None}, False),
    ("no nonce", {"nonce": None}, False),
    ("another nonce", {"nonce": "A" * 43}, False),
    ("a nonce that is a list", {"nonce": ["A" * 43]}, False),
    ("nobody", {"sub": None}, False),
    ("an empty subject", {"sub": ""}, False),
    ("a subject that is a number", {"sub": 7}, False),
    ("a subject beyond all bounds", {"sub": "x" * 256}, False),
]


def read(claims: Claims, **header: Any) -> Identity:
    now = int(NOW.timestamp())
    times = {name: now + each for name, each in claims.items() if name in ("exp", "nbf", "iat") and type(each) is int}
    given = {name: each for name, each in (claims | times).items() if each is not None}
    return identity_of(MADE_BY.token(given, **header), KEYS, Expected(ISSUER, CLIENT_ID, NONCE), NOW)


@pytest.mark.parametrize(("said", "believed"), [each[1:] for each in BENT], ids=[each[0] for each in BENT])
def test_what_is_not_true_of_us_and_now_is_not_believed(said: Claims, believed: bool) -> None:
    if believed:
        assert read(HONEST | said).subject == "u-1"
    else:
        with pytest.raises(NotBelieved):
            read(HONEST | said)


def test_an_address_counts_only_where_it_was_verified() -> None:
    told = HONEST | {"email": " Li@County.test "}
    shown = [read(told | {"email_verified": each}).email for each in (True, False, None, "true", 1)]
    assert shown == ["li@county.test", None, None, None, None]
    assert read(HONEST | {"email": ["li@county.test"], "email_verified": True}).email is None
    assert read(HONEST | {"email": "x" * 250 + "@a.test", "email_verified": True}).email is None


def test_what_was_done_at_the_issuer_is_read_as_it_says() -> None:
    assert read(HONEST | {"amr": ["pwd", "otp", 7], "acr": "urn:strong"}).shown == {
        "amr=pwd",
        "amr=otp",
        "acr=urn:strong",
    }
    assert read(HONEST | {"amr": "mfa", "acr": 2}).shown == frozenset()


def test_without_a_key_id_the_only_key_counts_and_among_several_none() -> None:
    assert read(HONEST, kid=None).subject == "u-1"
    several = KEYS | signing_keys({"keys": [Es256Signer("second").jwk]})
    now = int(NOW.timestamp())
    token = MADE_BY.token(HONEST | {"exp": now + 300, "iat": now}, kid=None)
    with pytest.raises(NotBelieved) as refused:
        identity_of(token, several, Expected(ISSUER, CLIENT_ID, NONCE), NOW)
    assert refused.value.code == "key"
