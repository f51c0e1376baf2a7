"""What an issuer may say of itself, and what becomes of answers that are huge, slow, empty or lead elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from services.access.errors import IssuerRefused
from services.access.oidc.configuration import Configuration
from services.access.oidc.discovery import DoesNotFit, provider_of
from services.access.oidc.party import RelyingParty
from shared.outgoing.addresses import AddressRefused
from shared.web.authentication import IssuerUnreachable
from tests.services.access.oidc.conftest import Door
from tests.support.issuer import CLIENT_ID, Issuer

URL = "https://issuer.test"
BENT: list[tuple[str, dict[str, Any], str]] = [
    ("another issuer", {"issuer": "https://elsewhere.test"}, "issuer"),
    ("an issuer with a slash too many", {"issuer": f"{URL}/"}, "issuer"),
    ("no issuer", {"issuer": None}, "issuer"),
    ("a token endpoint by http", {"token_endpoint": "http://issuer.test/token"}, "address"),
    ("keys by http", {"jwks_uri": "http://issuer.test/jwks"}, "address"),
    ("people led away by http", {"authorization_endpoint": "http://issuer.test/authorize"}, "address"),
    ("people led into a script", {"authorization_endpoint": "javascript:alert(1)"}, "address"),
    ("a name and a password in an address", {"token_endpoint": "https://a:b@issuer.test/token"}, "address"),
    ("a fragment", {"authorization_endpoint": f"{URL}/authorize#x"}, "address"),
    ("a line break", {"authorization_endpoint": f"{URL}/authorize\r\nx: y"}, "address"),
    ("no token endpoint", {"token_endpoint": None}, "address"),
    ("keys that are no text", {"jwks_uri": ["https://issuer.test/jwks"]}, "address"),
    ("no code", {"response_types_supported": ["id_token"]}, "response_types"),
    ("PKCE by plain only", {"code_challenge_methods_supported": ["plain"]}, "pkce"),
    ("symmetric signatures only", {"id_token_signing_alg_values_supported": ["HS256", "none"]}, "algorithms"),
    ("signed assertions only", {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "authentication"),
]


@pytest.mark.parametrize(("bent", "why"), [each[1:] for each in BENT], ids=[each[0] for each in BENT])
def test_a_document_that_does_not_fit_is_not_used(bent: dict[str, Any], why: str) -> None:
    honest = Issuer(url=URL).described()
    assert provider_of(honest, URL).names_itself
    with pytest.raises(DoesNotFit) as refused:
        provider_of({name: value for name, value in (honest | bent).items() if value is not None}, URL)
    assert refused.value.code == why


def test_where_only_post_is_offered_the_secret_goes_that_way(door: Door) -> None:
    door.linked("by post")
    for offered in (["client_secret_post"], ["client_secret_basic"], None):
        door.issuer.document = {"token_endpoint_auth_methods_supported": offered}
        door.renew()
        door.enter()


@pytest.mark.parametrize("address", ["http://10.0.0.7", "http://169.254.169.254", "https://192.168.1.4"])
def test_an_endpoint_on_an_inner_address_is_not_asked_unless_the_operator_names_it(address: str) -> None:
    party = RelyingParty(Configuration(URL, CLIENT_ID, "secret", f"{URL}/back"))
    with pytest.raises(AddressRefused):
        party.configuration.gate.target(f"{address}/token")
    named = Configuration(URL, CLIENT_ID, "secret", f"{URL}/back", inside=frozenset({"192.168.1.4"}))
    assert named.gate.target("https://192.168.1.4/token").address == "192.168.1.4"


def slow() -> Response:
    time.sleep(1)
    return JSONResponse({})


ANSWERS: dict[str, Callable[[], Response]] = {
    "huge": lambda: Response(b" " * 300_000 + b"{}", media_type="application/json"),
    "no JSON": lambda: Response("<html>"),
    "a redirect": lambda: RedirectResponse("http://127.0.0.1:1/elsewhere"),
    "a failure": lambda: Response(status_code=500),
    "a list": lambda: JSONResponse([]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_unusable_document_or_key_set_is_no_key(door: Door, name: str) -> None:
    for path in ("/.well-known/openid-configuration", "/jwks"):
        door.renew()
        door.issuer.answers = {path: ANSWERS[name]}
        with pytest.raises(IssuerUnreachable):
            door.enter()


@pytest.mark.parametrize("name", ANSWERS)
def test_an_unusable_answer_to_a_code_is_nobody(door: Door, name: str) -> None:
    secret, told = door.begin()
    door.issuer.answers = {"/token": ANSWERS[name]}
    with pytest.raises(IssuerRefused if name == "a list" else IssuerUnreachable):
        door.finish(secret, told)


def test_a_slow_issuer_costs_seconds_and_then_a_pause(door: Door) -> None:
    door.issuer.answers = {"/.well-known/openid-configuration": slow}
    party = RelyingParty(door.party.configuration, deadline_seconds=0.2)
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(IssuerUnreachable):
            party.check_ready()
    assert time.monotonic() - begun < 0.9
    assert door.issuer.asked == ["/.well-known/openid-configuration"]


def test_what_is_held_stays_good_while_the_issuer_is_away(door: Door) -> None:
    door.linked("while away")
    door.enter()
    down = ANSWERS["a failure"]
    door.issuer.answers = dict.fromkeys(("/.well-known/openid-configuration", "/jwks"), down)
    door.seconds += 7_200
    door.enter()
    door.issuer.answers = {}
    door.seconds += 11
    door.enter()


def test_the_callback_must_name_the_issuer_only_where_it_always_does(door: Door) -> None:
    door.issuer.document = {"authorization_response_iss_parameter_supported": None}
    door.renew()
    door.party.check_issuer(None)
    with pytest.raises(IssuerRefused):
        door.party.check_issuer("https://elsewhere.test")
