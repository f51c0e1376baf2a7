"""Who calls: one HTTP client per post and service, with tokens signed as the demonstration's issuer signs them."""

from __future__ import annotations

import time
import uuid
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.hosting.ports import PORT_OFFSETS

TIMEOUT_SECONDS = 30.0


class Callers:
    """Clients of one installation. ``seed`` is its issuer's Ed25519 key."""

    def __init__(self, division: str, port: int, seed: bytes) -> None:
        self.division, self.port = division, port
        pem = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        self._key = OKPKey.import_key(pem, {"use": "sig", "alg": "Ed25519"})
        self._key.ensure_kid()
        self._clients: list[Caller] = []

    def token(self, kind: str, subject: str, *, seconds: int = 3600, **claims: Any) -> str:
        """A signed token; ``claims`` add to or replace the usual ones."""
        now = int(time.time())
        body: dict[str, Any] = {
            "iss": f"http://127.0.0.1:{self.port}/demo-issuer",
            "aud": "rollcall",
            "sub": subject,
            "name": subject,
            "kind": kind,
            "post": subject,
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
        }
        header = {"alg": "Ed25519", "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, body | claims, self._key, algorithms=["Ed25519"])

    def caller(self, token: str | None) -> Caller:
        """A client with this token, or without one."""
        made = Caller(self.port, token)
        self._clients.append(made)
        return made

    def clerk(self) -> Caller:
        """The aid centre's clerk: the whole division."""
        return self.caller(self.token("aid_clerk", "test:clerk", division=self.division))

    def of(self, kind: str, subject: str = "") -> Caller:
        """A post of this kind for the whole division, held by ``subject`` or by somebody of its own."""
        return self.caller(self.token(kind, subject or f"test:{kind}", division=self.division))

    def auditor(self) -> Caller:
        return self.caller(self.token("auditor", "test:auditor", division=self.division))

    def school(self, school_code: str) -> Caller:
        return self.caller(self.token("registrar", f"test:school:{school_code}", school=school_code))

    def agency(self, agency: str) -> Caller:
        return self.caller(self.token("agency_publisher", f"test:agency:{agency}", agency=agency))

    def teacher(self, school_code: str, grade: str, class_name: str) -> Caller:
        """The teacher of one class."""
        place: dict[str, Any] = {"school": school_code, "class": f"/{grade}/{class_name}"}
        return self.caller(self.token("class_teacher", f"test:teacher:{school_code}:{grade}:{class_name}", **place))

    def close(self) -> None:
        """End every client."""
        for client in self._clients:
            client.http.close()
        self._clients.clear()


class Caller:
    """One person at a client. Paths are under the service's ``/v1``."""

    def __init__(self, port: int, token: str | None) -> None:
        self.port, self.token = port, token
        headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        # The machine's proxy must not stand between a test and its own processes.
        self.http = httpx.Client(timeout=TIMEOUT_SECONDS, headers=headers, trust_env=False)

    def url(self, service: str, path: str) -> str:
        """The address of a path of a service's API."""
        return f"http://127.0.0.1:{self.port + PORT_OFFSETS[service]}/v1{path}"

    def ask(self, service: str, path: str, **query: Any) -> httpx.Response:
        """GET, whatever the answer."""
        return self.http.get(self.url(service, path), params={k: v for k, v in query.items() if v is not None})

    def read(self, service: str, path: str, **query: Any) -> Any:
        """GET; the answer must be 200."""
        answer = self.ask(service, path, **query)
        assert answer.status_code == 200, f"GET {service}{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def pages(self, service: str, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every row of a paged list."""
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.read(service, path, after=after, limit=200, **query)
            rows += page["items"]
            after = page.get("next")
            if not after:
                return rows

    def post(
        self, service: str, path: str, body: Any = None, *, key: uuid.UUID | None = None, **more: Any
    ) -> httpx.Response:
        """POST with an Idempotency-Key (a fresh one unless given), whatever the answer."""
        headers = {"idempotency-key": str(key or uuid.uuid4())} | more.pop("headers", {})
        if body is not None:
            more["json"] = body
        more["headers"] = headers
        return self.http.post(self.url(service, path), **more)

    def do(self, service: str, path: str, body: Any = None, **more: Any) -> Any:
        """POST; the answer must be a success."""
        answer = self.post(service, path, body, **more)
        assert answer.is_success, f"POST {service}{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()
