"""Access over HTTP, served: from the operator's first command to somebody who is out while her list is still open."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from shared.standards.rights import Right
from shared.web.application import create_app
from shared.web.authentication import Authenticator, Issuers
from shared.web.event_stream import EventStream
from shared.web.live import SseHub
from shared.web.revocations import REVOCATIONS, Revocations
from shared.web.viewers import Viewer, require
from tests.services.access.conftest import PASSWORD, Office
from tests.services.installation import DIVISION
from tests.shared.web import tokens
from tests.support.serving import serving

OPERATOR = f"Operator {base64.b64encode(bytes([7]) * 32).decode()}"
LATER_PASSWORD = "河边的芦苇在风里低下了头去"


class Running:
    """Access and another service beside it, each on a port of its own."""

    def __init__(self, access: str, other: str) -> None:
        self.access, self.other = access, other
        self.client = httpx.Client(timeout=20, trust_env=False)

    def post(self, path: str, body: Any = None, **authorization: str) -> httpx.Response:
        headers = {"idempotency-key": str(uuid.uuid4())}
        if authorization:
            ((scheme, shown),) = authorization.items()
            headers["authorization"] = shown if scheme == "operator" else f"{scheme.capitalize()} {shown}"
        return self.client.post(f"{self.access}/v1{path}", json={} if body is None else body, headers=headers)

    def done(self, path: str, body: Any = None, **authorization: str) -> Any:
        answer = self.post(path, body, **authorization)
        assert answer.is_success, answer.text
        return answer.json()

    def enter(self, login: str, password: str) -> dict[str, Any]:
        opened: dict[str, Any] = self.done("/sign-in", {"login": login, "password": password})
        return opened

    def token(self, secret: str) -> str:
        return str(self.done("/token", session=secret)["access_token"])

    def newcomer(self, handed: dict[str, Any], login: str, password: str = PASSWORD) -> str:
        """Somebody's secret after the first sign-in and a password of their own."""
        opened = self.enter(login, handed["password"])
        assert opened["must_change"]
        changed = self.done(
            "/me/password", {"former": handed["password"], "password": password}, session=opened["secret"]
        )
        return str(changed["secret"])

    def administrator(self) -> tuple[str, str]:
        """A new administrator of the division: secret and login."""
        login = f"admin{uuid.uuid4().hex[:8]}"
        handed = self.done("/administrators", {"login": login, "name": "账号管理员甲"}, operator=OPERATOR)
        return self.newcomer(handed, login), login

    def clerk(self, administrator: str) -> tuple[str, str, str]:
        """A clerk the administrator lets in: secret, account and post."""
        token, login = self.token(administrator), f"clerk{uuid.uuid4().hex[:8]}"
        handed = self.done("/accounts", {"login": login, "name": "经办乙", "division": DIVISION}, bearer=token)
        post = self.done("/posts", {"kind": "aid_clerk", "division": DIVISION}, bearer=token)["id"]
        self.done(f"/posts/{post}/fill", {"account_id": handed["account_id"]}, bearer=token)
        return self.newcomer(handed, login), handed["account_id"], post


def elsewhere() -> APIRouter:
    """A service with one row and one live list."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/mine")
    def mine(viewer: Annotated[Viewer, Depends(require(Right.SIGNED_IN))]) -> dict[str, str]:
        return {"kind": str(viewer.kind), "principal": viewer.principal}

    @routes.get("/live")
    async def live(request: Request, viewer: Annotated[Viewer, Depends(require(Right.SIGNED_IN))]) -> Response:
        return EventStream(request, request.app.state.hub, viewer, ["rows"], lambda _ids: {})

    return routes


@contextmanager
def other_service(access: str, issuer: str, dsn: str) -> Iterator[str]:
    hub, revocations = SseHub(dsn), Revocations(access + REVOCATIONS)
    revocations.on_ended(hub.end_sessions)
    app = create_app(
        "other",
        [elsewhere()],
        authenticator=Issuers.fetching({issuer: f"{access}/v1/jwks.json"}, "rollcall"),
        parts=[hub.part, revocations.part],
        state={"hub": hub, "revocations": revocations},
    )
    with serving(app) as server:
        yield server.url


@pytest.fixture(scope="module")
def running(office: Office) -> Iterator[Running]:
    service, issuer = office.service, f"urn:rollcall:{DIVISION}:access"
    hub = SseHub(service.database.app_conninfo)
    authenticator = Authenticator(issuer=issuer, audience="rollcall", jwks=office.desk.signer.jwks())
    app = create_app(
        "access", service.routers, authenticator=authenticator, database=service.database, parts=[hub.part],
        state={"hub": hub},
    )  # fmt: skip
    with serving(app) as access, other_service(access.url, issuer, service.database.app_conninfo) as other:
        yield Running(access.url, other)


def test_from_the_operators_first_command_to_a_clerk_at_work(running: Running) -> None:
    assert running.post("/administrators", {"login": "x" * 5, "name": "甲"}, bearer="nothing").status_code == 401
    administrator, _ = running.administrator()
    secret, account, post = running.clerk(administrator)
    answer = running.client.get(
        f"{running.other}/v1/mine", headers={"authorization": f"Bearer {running.token(secret)}"}
    )
    assert answer.json() == {"kind": "aid_clerk", "principal": account}
    me = running.client.get(f"{running.access}/v1/me", headers={"authorization": f"Session {secret}"}).json()
    assert me["post_id"] == post and me["name"] == "经办乙" and [each["here"] for each in me["sessions"]] == [True]
    refused = running.post(
        "/accounts", {"login": "abc", "name": "丙", "division": DIVISION}, bearer=running.token(secret)
    )
    assert refused.status_code == 403


def test_who_loses_the_post_is_refused_everywhere_within_a_second_and_her_list_ends(running: Running) -> None:
    administrator, _ = running.administrator()
    secret, _, post = running.clerk(administrator)
    headers = {"authorization": f"Bearer {running.token(secret)}"}
    opened, ended = threading.Event(), threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{running.other}/v1/live", headers=headers, timeout=20, trust_env=False) as answer:
            for line in answer.iter_lines():
                opened.set()
                if line == "event: bye":
                    break
            ended.set()

    listening = threading.Thread(target=listen)
    listening.start()
    assert opened.wait(10) and running.client.get(f"{running.other}/v1/mine", headers=headers).status_code == 200
    running.done(f"/posts/{post}/vacate", {"reason": "调离"}, bearer=running.token(administrator))
    told = time.monotonic()
    assert ended.wait(1.0)
    while running.client.get(f"{running.other}/v1/mine", headers=headers).status_code != 401:
        assert time.monotonic() - told < 1.0
    listening.join()
    assert running.post("/token", session=secret).status_code == 401


def test_who_hands_a_post_over_is_out_within_a_second_and_her_list_ends(running: Running) -> None:
    administrator, _ = running.administrator()
    secret, account, post = running.clerk(administrator)
    _, heir, _ = running.clerk(administrator)
    headers = {"authorization": f"Bearer {running.token(secret)}"}
    opened, ended = threading.Event(), threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{running.other}/v1/live", headers=headers, timeout=20, trust_env=False) as answer:
            for line in answer.iter_lines():
                opened.set()
                if line == "event: bye":
                    break
            ended.set()

    listening = threading.Thread(target=listen)
    listening.start()
    assert opened.wait(10)
    body = {"post_id": post, "successor": heir, "reason": "轮岗", "at_once": True}
    handed = running.done("/handovers", body, bearer=running.token(administrator))
    told = time.monotonic()
    assert ended.wait(1.0)
    while running.client.get(f"{running.other}/v1/mine", headers=headers).status_code != 401:
        assert time.monotonic() - told < 1.0
    listening.join()
    assert handed["listed"] is False  # no other service runs here; she is out all the same
    assert account != heir


def test_a_party_signs_soon_after_signing_in_or_with_the_password(running: Running, office: Office) -> None:
    administrator, _ = running.administrator()
    _, _, post = running.clerk(administrator)
    secret, heir, _ = running.clerk(administrator)
    body = {"post_id": post, "successor": heir, "reason": "轮岗"}
    handover = running.done("/handovers", body, bearer=running.token(administrator))["id"]
    path, sign = f"/me/handovers/{handover}/sign", {"items_hash": "0" * 64}
    assert running.post(path, sign, session=secret).json()["code"] == "not_listed_yet"
    with office.desk.database.writing() as connection:
        connection.exec_driver_sql("UPDATE access_sessions SET signed_in_at = signed_in_at - interval '16 minutes'")
    assert running.post(path, sign, session=secret).json()["code"] == "sign_in_again"
    assert running.post(path, sign | {"password": "wrong"}, session=secret).status_code == 401
    assert running.post(path, sign | {"password": PASSWORD}, session=secret).json()["code"] == "not_listed_yet"
    stranger, _ = running.administrator()
    headers = session(stranger)
    assert running.client.get(f"{running.access}/v1/me/handovers/{handover}", headers=headers).status_code == 404
    assert running.post(path, sign, session=stranger).status_code == 404
    mine = {"post_id": post, "successor_login": "nobody-here", "reason": "轮岗"}
    assert running.post("/me/handovers", mine, session=secret).status_code in (404, 409)


def session(secret: str) -> dict[str, str]:
    return {"authorization": f"Session {secret}"}


def test_a_signed_out_session_is_worth_nothing(running: Running) -> None:
    secret, _ = running.administrator()
    left = running.post("/sign-out", session=secret)
    assert left.json() == {"issuer_session": "none", "address": None, "state": None}
    for path in ("/token", "/sign-out"):
        assert running.post(path, session=secret).status_code == 401
    assert running.post("/token", bearer=secret).status_code == 401 and running.post("/token").status_code == 401


def test_a_new_session_at_every_step_up(running: Running) -> None:
    secret, name = running.administrator()
    opened = [running.enter(name, PASSWORD) for _ in range(2)]
    secrets = {secret, *(each["secret"] for each in opened)}
    assert len(secrets) == 3 and len({each["session_id"] for each in opened}) == 2
    changed = running.done("/me/password", {"former": PASSWORD, "password": LATER_PASSWORD}, session=secret)
    assert changed["secret"] not in secrets
    for former in secrets:
        assert running.post("/token", session=former).status_code == 401


def _forged(jwk: dict[str, Any], good: str) -> dict[str, str]:
    head, body, signature = good.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    mine = tokens.Ed25519Signer(kid=jwk["kid"])
    public = base64.urlsafe_b64decode(jwk["x"] + "==")

    def signed_by_me(**changed: Any) -> str:
        return tokens.token(mine, claims | changed)

    wider = tokens.b64(json.dumps(claims | {"division": "46"}).encode())
    none = tokens.b64(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    confused = tokens.b64(json.dumps({"alg": "HS256", "kid": jwk["kid"], "typ": "JWT"}).encode())
    import hashlib
    import hmac

    mac = tokens.b64(hmac.new(public, f"{confused}.{body}".encode(), hashlib.sha256).digest())
    return {
        "alg none": f"{none}.{body}.",
        "no signature": f"{head}.{body}.",
        "another body": f"{head}.{wider}.{signature}",
        "another key under this id": signed_by_me(),
        "key confusion": f"{confused}.{body}.{mac}",
        "its own key in the header": tokens.token(mine, claims, jwk=mine.jwk),
        "another issuer": signed_by_me(iss="urn:rollcall:somewhere:access"),
    }


def test_no_forged_token_is_taken(running: Running, office: Office) -> None:
    secret, _ = running.administrator()
    good = running.token(secret)
    (jwk,) = running.client.get(f"{running.access}/v1/jwks.json").json()["keys"]
    assert "d" not in jwk
    for name, token in _forged(jwk, good).items():
        answer = running.client.get(f"{running.other}/v1/mine", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name


def test_a_token_of_another_audience_or_of_yesterday_is_refused(running: Running, office: Office) -> None:
    from services.access.sessions.signing import TokenSigner

    issuer, signer = f"urn:rollcall:{DIVISION}:access", office.desk.signer
    seeds = office.installation.settings("access").token_seeds
    told = {"sub": "somebody", "kind": "aid_clerk", "division": DIVISION}
    from datetime import timedelta

    from shared.kernel.clock import utc_now

    now, session = utc_now(), uuid.uuid4()
    long = now + timedelta(hours=1)
    other = TokenSigner(seeds, issuer=issuer, audience="another").token(told, session, now, long)[0]
    old = signer.token(told, session, now - timedelta(minutes=7), long)[0]
    good = signer.token(told, session, now - timedelta(minutes=5, seconds=30), long)[0]  # within the clocks' leeway
    statuses = [
        running.client.get(f"{running.other}/v1/mine", headers={"authorization": f"Bearer {token}"}).status_code
        for token in (other, old, good)
    ]
    assert statuses == [401, 401, 200]


def test_keys_change_while_tokens_of_the_former_one_live(office: Office) -> None:
    from services.access.sessions.signing import TokenSigner
    from shared.kernel.clock import utc_now

    issuer = f"urn:rollcall:{DIVISION}:access"
    before, after = bytes([1]) * 32, bytes([2]) * 32
    first = TokenSigner([before, after], issuer=issuer, audience="rollcall")
    second = TokenSigner([after, before], issuer=issuer, audience="rollcall")
    served = [first.jwks()]
    checker = Authenticator(issuer=issuer, audience="rollcall", jwks_url="x", fetch=lambda _url: served[0])
    now = utc_now()
    old = first.token({"sub": "a"}, uuid.uuid4(), now, now.replace(year=now.year + 1))[0]
    assert checker.claims_now(old)["sub"] == "a"
    served[0] = second.jwks()
    new = second.token({"sub": "b"}, uuid.uuid4(), now, now.replace(year=now.year + 1))[0]
    assert checker.claims_now(new)["sub"] == "b" and checker.claims_now(old)["sub"] == "a"
