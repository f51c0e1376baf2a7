"""The edge as a caller meets it: a small application of real routes behind create_app."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field, field_validator

from shared.kernel.refusals import Conflict, NotFound
from shared.standards.rights import Right
from shared.web import (
    Authenticator,
    BodyLimits,
    Upload,
    Viewer,
    batch_lines,
    check_version,
    command_from,
    configure_logs,
    create_app,
    received_file,
    require,
    viewer,
)
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

SIGNER = Ed25519Signer()


class Child(BaseModel):
    name: str = Field(max_length=10)
    id_number: str

    @field_validator("id_number")
    @classmethod
    def _eighteen(cls, value: str) -> str:
        if len(value) != 18:
            raise ValueError(f"{value} is not a number")
        return value


def routes() -> APIRouter:
    router = APIRouter(prefix="/v1")

    @router.post("/children")
    def enrol(request: Request, child: Child, who: Annotated[Viewer, Depends(viewer)]) -> dict[str, Any]:
        command = command_from(request, who, child)
        return {"principal": command.principal, "id": command.command_id, "body": command.body.decode()}

    @router.get("/conflict")
    def conflict() -> None:
        raise Conflict("已有他校接收", "Another school has accepted", school="S1", student=UUID(int=7))

    @router.get("/missing")
    def missing() -> None:
        raise NotFound("没有", "None")

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError("the child 张小明 460106201203040015 could not be read")

    @router.get("/audited")
    def audited(who: Annotated[Viewer, Depends(require(Right.ACCOUNTS_READ))]) -> str:
        return who.principal

    @router.post("/batch")
    def batch(lines: Annotated[list[bytes], Depends(batch_lines)]) -> int:
        return len(lines)

    @router.post("/lists/civil/submissions")
    def submit(upload: Annotated[Upload, Depends(received_file)]) -> dict[str, Any]:
        assert upload.path.stat().st_size == upload.size_bytes
        return {"size": upload.size_bytes, "name": upload.filename, "fields": upload.fields, "path": str(upload.path)}

    @router.get("/versioned")
    def versioned(request: Request) -> str:
        check_version(request, 3)
        return "ok"

    return router


@pytest.fixture
def client() -> Iterator[TestClient]:
    limits = BodyLimits(command_bytes=1000, batch_bytes=5000, upload_bytes=200_000)
    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    with TestClient(create_app("registry", [routes()], authenticator=who, limits=limits)) as made:
        made.headers["authorization"] = f"Bearer {token(SIGNER)}"
        yield made


CHILD = {"name": "张小明", "id_number": "460106201203040015"}


def test_a_refusal_is_a_problem_in_the_readers_language(client: TestClient) -> None:
    chinese = client.get("/v1/conflict")
    english = client.get("/v1/conflict", headers={"accept-language": "en-GB,zh;q=0.5"})
    assert chinese.status_code == english.status_code == 409
    assert chinese.headers["content-type"] == "application/problem+json"
    assert chinese.json()["detail"] == "已有他校接收" and english.json()["detail"] == "Another school has accepted"
    assert chinese.json()["code"] == english.json()["code"] == "conflict"
    assert chinese.json()["facts"] == {"school": "S1", "student": str(UUID(int=7))}
    assert chinese.json()["status"] == 409 and chinese.json()["type"] == "urn:rollcall:problem:conflict"


def test_an_unknown_address_and_method_are_problems_too(client: TestClient) -> None:
    for answer, status in ((client.get("/nowhere"), 404), (client.delete("/v1/conflict"), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_wrong_fields_are_named_and_their_values_never_repeated(client: TestClient) -> None:
    answer = client.post("/v1/children", json={"name": "张小明的名字实在太长了吧", "id_number": "46010620120304001X9"})
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} == {"#/body/name", "#/body/id_number"}
    assert "46010620120304001X9" not in answer.text and "张小明" not in answer.text
    assert {error["detail"] for error in answer.json()["errors"]} == {"过长", "不符合要求"}


def test_a_failure_says_nothing_of_the_data_and_the_log_neither(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    before = logging.getLogger().handlers[:]
    try:
        configure_logs("registry")
        answer = client.get("/v1/broken", headers={"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})
        logged = capfd.readouterr().out
    finally:
        logging.getLogger().handlers[:] = before
    assert answer.status_code == 500 and answer.json()["code"] == "internal"
    assert "张小明" not in answer.text + logged and "460106201203040015" not in answer.text + logged
    failed = next(line for line in map(json.loads, logged.splitlines()) if line["event"] == "request_failed")
    assert failed["failure"]["type"] == "builtins.RuntimeError" and failed["trace_id"] == "a" * 32
    assert any("broken" in place for place in failed["failure"]["at"])


def test_without_a_token_nobody_enters_and_rights_are_checked(client: TestClient) -> None:
    assert client.get("/v1/audited").status_code == 403
    del client.headers["authorization"]
    refused = client.get("/v1/audited")
    assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
    auditor = token(SIGNER, claims(kind="auditor", sub="a1"))
    client.cookies.set("rollcall_session", auditor)
    assert client.get("/v1/audited").json() == "a1"


def test_a_post_needs_an_idempotency_key(client: TestClient) -> None:
    for headers in ({}, {"idempotency-key": "once"}, {"idempotency-key": "{" + str(uuid4()) + "}"}):
        answer = client.post("/v1/children", json=CHILD, headers=headers)
        assert answer.status_code == 422 and answer.json()["code"] == "malformed"


def test_a_command_names_its_address_so_that_a_key_cannot_serve_two(client: TestClient) -> None:
    key = {"idempotency-key": str(uuid4())}
    first = client.post("/v1/children", json=CHILD, headers=key).json()
    again = client.post("/v1/children", json={**CHILD}, headers=key).json()
    other = client.post("/v1/children?x=1", json=CHILD, headers=key).json()
    assert first == again and first["id"] == key["idempotency-key"] and first["principal"] == "u1"
    assert other["body"] != first["body"]


def test_bodies_have_a_limit_by_their_address(client: TestClient) -> None:
    large = b"x" * 1500
    assert client.post("/v1/children", content=large).status_code == 413
    chunked = client.post("/v1/children", content=iter([b"x" * 600, b"x" * 600]))
    assert chunked.status_code == 413 and chunked.json()["code"] == "too_large"
    assert client.post("/v1/batch", content=b"{}\n" * 900 + b"\n").json() == 900
    assert client.post("/v1/batch", content=b"{}\n" * 1001).status_code == 422
    assert client.post("/v1/batch", content=b"").status_code == 422
    assert client.post("/v1/batch", content=b"{}", headers={"content-length": "-1"}).status_code in (400, 413)


def test_a_file_is_received_as_a_form_or_as_the_bare_body(client: TestClient) -> None:
    content = b"PK" + b"0" * 150_000
    form = client.post("/v1/lists/civil/submissions", files={"file": ("../名单.xlsx", content)}, data={"mode": "x"})
    bare = client.post("/v1/lists/civil/submissions?filename=%E5%90%8D%E5%8D%95.csv", content=content)
    assert form.json()["size"] == bare.json()["size"] == len(content)
    assert form.json()["fields"] == {"mode": "x"} and "/" not in form.json()["name"]
    assert bare.json()["name"] == "名单.csv"
    assert client.post("/v1/lists/civil/submissions", content=b"").status_code == 422
    assert client.post("/v1/lists/civil/submissions", content=b"0" * 300_000).status_code == 413


def test_no_nul_character_gets_in_by_any_spelling(client: TestClient) -> None:
    for path in ("/v1/conflict?name=a%00b", "/v1/con%00flict"):
        refused = client.get(path)
        assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"
    json_type, form = {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}
    for content, kind in ((b'{"name": "a\\u0000b"}', json_type), (b'{"name": "\x00"}', json_type), (b"a=%00", form)):
        assert client.post("/v1/children", content=content, headers=kind).status_code == 422
    halves = (each for each in (b'{"name": "a\\u0', b'000b", "id_number": "460106201203040015"}'))
    key = {"idempotency-key": str(uuid4())}
    assert client.post("/v1/children", content=halves, headers={**json_type, **key}).status_code == 422


def test_if_match_guards_a_version(client: TestClient) -> None:
    assert client.get("/v1/versioned", headers={"if-match": '"3"'}).status_code == 200
    assert client.get("/v1/versioned", headers={"if-match": "*"}).status_code == 200
    assert client.get("/v1/versioned", headers={"if-match": '"2"'}).status_code == 412
    assert client.get("/v1/versioned", headers={"if-match": "W/3"}).status_code == 422


def test_every_answer_carries_the_security_headers_and_its_trace(client: TestClient) -> None:
    for path in ("/v1/conflict", "/nowhere", "/v1/broken", "/health/live", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers, "nothing says https where no TLS is"
    made = create_app("registry", [], authenticator=None, strict_transport=True)
    assert TestClient(made).get("/nowhere").headers["strict-transport-security"].startswith("max-age=31536000")
    given = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    assert client.get("/health/live", headers={"traceparent": given}).headers["traceresponse"][3:35] == "1" * 32
    invalid = client.get("/health/live", headers={"traceparent": "00-" + "0" * 32 + "-" + "2" * 16 + "-01"})
    assert invalid.headers["traceresponse"][3:35] != "0" * 32


def test_metrics_count_by_route_and_never_by_address(client: TestClient) -> None:
    client.get("/v1/missing")
    client.get("/v1/children/460106201203040015")
    metrics = client.get("/metrics").text
    assert 'rollcall_http_requests_total{method="GET",route="/v1/missing",service="registry",status="404"}' in metrics
    assert "460106201203040015" not in metrics


def test_ready_asks_every_check() -> None:
    problems: dict[str, str | None] = {"log": None}

    def log_check() -> str | None:
        return problems["log"]

    with TestClient(create_app("matching", [], authenticator=None, checks={"log": log_check})) as client:
        assert client.get("/health/ready").json() == {"status": "ready", "checks": {"log": "ok"}}
        problems["log"] = "behind"
        refused = client.get("/health/ready")
        assert refused.status_code == 503 and refused.json()["checks"] == {"log": "failing"}
        assert client.get("/health/live").status_code == 200


def test_the_description_tells_of_keys_and_problems(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    post = described["paths"]["/v1/children"]["post"]
    assert any(parameter["name"] == "Idempotency-Key" and parameter["required"] for parameter in post["parameters"])
    assert "application/problem+json" in post["responses"]["default"]["content"]
    assert "/metrics" not in described["paths"]
