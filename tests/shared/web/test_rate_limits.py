"""How often one may ask: buckets per person and agency, of lists and files apart."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends
from fastapi.testclient import TestClient

from shared.web import Authenticator, Viewer, create_app, viewer
from shared.web.rate_limits import BUCKETS_KEPT, UNLIMITED, Limits, Rate, Rates, TooOften
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

SIGNER = Ed25519Signer()
FEW = Rates(person=Rate(0.5, 3), agency=Rate(0.5, 2), live=Rate(0.1, 1), file=Rate(0.1, 1))


def routes() -> APIRouter:
    router = APIRouter(prefix="/v1")

    def answer(who: Annotated[Viewer, Depends(viewer)]) -> str:
        return who.principal

    for path in ("/rows", "/rows/stream", "/rows.xlsx"):
        router.get(path)(answer)
    return router


@pytest.fixture
def client() -> TestClient:
    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    return TestClient(create_app("registry", [routes()], authenticator=who, rates=FEW))


def bearer(**given: object) -> dict[str, str]:
    return {"authorization": f"Bearer {token(SIGNER, claims(**given))}"}


def test_the_fourth_request_at_once_is_refused_and_told_when_to_come_back(client: TestClient) -> None:
    clerk = bearer(sub="c1")
    assert [client.get("/v1/rows", headers=clerk).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = client.get("/v1/rows", headers={**clerk, "accept-language": "en"})
    assert refused.headers["content-type"] == "application/problem+json" and refused.headers["retry-after"] == "2"
    assert refused.json()["code"] == "too_many_requests" and "again in 2 s" in refused.json()["detail"]
    assert "过于频繁" in client.get("/v1/rows", headers=clerk).json()["detail"]
    assert client.get("/v1/rows", headers=bearer(sub="c2")).status_code == 200


def test_lists_and_files_do_not_keep_a_person_from_their_pages(client: TestClient) -> None:
    clerk = bearer(sub="c3")
    assert [client.get("/v1/rows/stream", headers=clerk).status_code for _ in range(2)] == [200, 429]
    assert [client.get("/v1/rows.xlsx", headers=clerk).status_code for _ in range(2)] == [200, 429]
    assert client.get("/v1/rows", headers=clerk).status_code == 200


def test_the_accounts_of_an_agency_share_its_allowance(client: TestClient) -> None:
    first, second = (bearer(sub=name, kind="agency_publisher", agency="poverty_office") for name in ("m1", "m2"))
    assert [client.get("/v1/rows", headers=each).status_code for each in (first, second, first)] == [200, 200, 429]
    other = bearer(sub="m3", kind="agency_publisher", agency="civil_affairs")
    assert client.get("/v1/rows", headers=other).status_code == 200


def test_a_service_speaks_for_many_and_is_not_counted(client: TestClient) -> None:
    machine = bearer(sub="matching", kind="service")
    assert {client.get("/v1/rows", headers=machine).status_code for _ in range(6)} == {200}


def test_a_bucket_fills_again_at_its_rate_and_never_above_its_burst() -> None:
    seconds = 0.0
    limits = Limits(FEW, now=lambda: seconds)
    rate = Rate(0.5, 3)
    assert [limits._taken(("person", "a"), rate) for _ in range(4)] == [0, 0, 0, 2.0]
    seconds = 2.0
    assert [limits._taken(("person", "a"), rate) for _ in range(2)] == [0, 2.0]
    seconds = 1_000.0
    assert [limits._taken(("person", "a"), rate) for _ in range(4)] == [0, 0, 0, 2.0]


def test_buckets_are_bounded_in_number() -> None:
    limits = Limits(FEW, now=lambda: 0.0)
    for number in range(BUCKETS_KEPT + 10):
        limits._taken(("person", str(number)), Rate(1, 1))
    assert len(limits._buckets) == BUCKETS_KEPT


def test_rates_are_read_from_the_environment_and_nonsense_is_refused() -> None:
    assert Rates.from_environment({}) == Rates()
    assert Rates.from_environment({"ROLLCALL_RATES": "off"}) == UNLIMITED
    told = Rates.from_environment({"ROLLCALL_RATES": "person=2.5/10, live=1/2"})
    assert told.person == Rate(2.5, 10) and told.live == Rate(1, 2) and told.agency == Rates().agency
    for odd in ("person", "person=0/5", "person=1/0", "everyone=1/1", "person=fast/1"):
        with pytest.raises(ValueError, match="ROLLCALL_RATES"):
            Rates.from_environment({"ROLLCALL_RATES": odd})


def test_a_refusal_names_the_limit_and_nobody() -> None:
    refused = TooOften("live", 7)
    assert refused.facts == {"limit": "live", "retry_after_seconds": 7} and refused.status == 429
