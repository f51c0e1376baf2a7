from __future__ import annotations

import base64
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from deploy.checker import checker
from services.portal.app import Portal, build
from shared.hosting.settings import Settings


def portal(environment: str, issuer: str = "http://127.0.0.1:8000/demo-issuer") -> Portal:
    return build(
        Settings(
            service="portal",
            division="460100",
            environment=environment,
            home=Path("unused"),
            port=8000,
            bootstrap_servers="127.0.0.1:1",
            database_url="",
            keys_database_url="",
            issuer=issuer,
            jwks_url="http://127.0.0.1:1/jwks.json",
            secrets={"jwt": bytes(32), "hmac-portal": bytes(range(32)), "access-portal": bytes(32)},
        ),
        checker(Path("unused")),
    )


def test_a_demonstration_signs_in_itself() -> None:
    with TestClient(portal("demo").app) as client:
        assert client.get("/demo-issuer/jwks.json").json()["keys"][0]["kty"] == "OKP"
        assert client.get("/health/ready").json()["status"] == "ready"


def test_production_and_a_foreign_issuer_have_no_demonstration_sign_in() -> None:
    for made in (portal("production"), portal("demo", issuer="https://sso.county.test")):
        with TestClient(made.app, follow_redirects=False) as client:
            assert client.get("/demo-issuer/").status_code == 404
            assert client.post("/demo-issuer/token", data={"kind": "aid_clerk"}).status_code == 404
            assert client.get("/sign-in?next=/roster").headers["location"] == "/sign-in/account?next=%2Froster"
            assert client.get("/sign-in/account").status_code == 200


def test_nobody_is_let_in_while_the_issuer_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_MATCHING_URL", "http://127.0.0.1:1")  # a demonstration may be running beside the tests
    named = base64.urlsafe_b64encode(b'{"iss": "https://sso.county.test"}').decode().rstrip("=")
    with TestClient(portal("production", issuer="https://sso.county.test").app) as client:
        token = f"eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.{named}.AA"
        answer = client.get("/api/matching/v1/roster", headers={"authorization": f"Bearer {token}"})
        page = client.get("/roster", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 502
    assert page.status_code == 503 and "登录服务暂时没有应答" in page.text
