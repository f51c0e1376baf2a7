"""An OpenID issuer of the tests on a real socket: honest unless a test bends it. It shares no line and no token library
with what it tests; what a client sends is checked as RFC 6749, 7636 and OpenID Connect Core say, or refused."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import anyio
import httpx
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.shared.web.tokens import Es256Signer, Rs256Signer, Signer, b64
from tests.support.serving import serving

CLIENT_ID, CLIENT_SECRET = "rollcall at the county", "a secret: of+the/client%"


class Ps256Signer(Rs256Signer):
    algorithm = "PS256"

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())


@dataclass
class Granted:
    """What a code was given for."""

    asked: dict[str, str]
    claims: dict[str, Any]
    used: bool = False


@dataclass
class Issuer:
    """``person``: who is signed in there, as claims; ``bent``: changes to the claims (None takes one away); ``forge``:
    an ID token of the claims in place of the honest one; ``document``: changes to the discovery document; ``answers``:
    path → what is answered in place of the honest thing. ``asked``: every path that was asked for. ``session``: whether
    its session in the browser is open; ``signed_out_uri``: where it sends people once they have ended it."""

    url: str = ""
    signer: Signer = field(default_factory=Es256Signer)
    retired: list[Signer] = field(default_factory=list)
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1"})
    bent: dict[str, Any] = field(default_factory=dict)
    forge: Callable[[dict[str, Any]], str] | None = None
    document: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    redirect_uri: str = ""
    signed_out_uri: str = ""
    session: bool = True
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Granted] = field(default_factory=dict)
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))

    def honest(self) -> None:
        """As it was made, but for its keys."""
        self.person, self.bent, self.forge, self.document, self.answers = {"sub": "u-1"}, {}, None, {}, {}
        self.clock, self.session = time.time, True
        self.asked.clear()

    def visit(self, address: str) -> dict[str, str]:
        """What a browser does that is signed in there: go to ``address``; what the callback's address says."""
        answer = self.browser.get(address)
        assert answer.status_code == 302, answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    def described(self) -> dict[str, Any]:
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end-session",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.signer.algorithm],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: value for name, value in (told | self.document).items() if value is not None}

    def token(self, claims: dict[str, Any], **header: Any) -> str:
        """An ID token signed with the present key; header members given here replace the usual ones."""
        head = {"alg": self.signer.algorithm, "kid": self.signer.kid, "typ": "JWT"} | header
        head = {name: value for name, value in head.items() if value is not None}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{signed}.{b64(self.signer.sign(signed.encode()))}"

    async def discovery(self, _request: Request) -> Response:
        return JSONResponse(self.described())

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse({"keys": [each.jwk for each in (self.signer, *self.retired)]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        wanted = {"client_id": CLIENT_ID, "redirect_uri": self.redirect_uri, "response_type": "code"}
        wanted |= {"code_challenge_method": "S256"}
        if any(asked.get(name) != value for name, value in wanted.items()) or "openid" not in asked["scope"].split():
            return JSONResponse({"error": "invalid_request", "asked": asked}, 400)
        if not self.session:
            return Response("Who are you?", 401)
        code = secrets.token_urlsafe(16)
        self.codes[code] = Granted(asked, dict(self.person))
        back = {"code": code, "state": asked["state"], "iss": self.url}
        return RedirectResponse(f"{self.redirect_uri}?{urlencode(back)}", 302)

    async def end_session(self, request: Request) -> Response:
        """RP-Initiated Logout 1.0: without a token that names the client, the client's id must; back only where the
        client registered."""
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT_ID or asked.get("post_logout_redirect_uri") != self.signed_out_uri:
            return JSONResponse({"error": "invalid_request", "asked": asked}, 400)
        self.session = False
        return RedirectResponse(f"{self.signed_out_uri}?{urlencode({'state': asked['state']})}", 302)

    async def exchange(self, request: Request) -> Response:
        async with request.form() as form:
            sent = {name: str(value) for name, value in form.items()}
        if self._client(request, sent) != (CLIENT_ID, CLIENT_SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        granted = self.codes.get(sent.get("code", ""))
        proof = b64(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        if (
            granted is None
            or granted.used
            or sent.get("grant_type") != "authorization_code"
            or sent.get("redirect_uri") != granted.asked["redirect_uri"]
            or not 43 <= len(sent.get("code_verifier", "")) <= 128
            or proof != granted.asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        granted.used = True
        now = int(self.clock())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": granted.asked["nonce"]}
        claims = {name: value for name, value in (claims | granted.claims | self.bent).items() if value is not None}
        token = self.token(claims) if self.forge is None else self.forge(claims)
        return JSONResponse({"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": token})

    def _client(self, request: Request, sent: dict[str, str]) -> tuple[str, str]:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return sent.get("client_id", ""), sent.get("client_secret", "")
        name, _, secret = base64.b64decode(shown).decode().partition(":")
        return unquote_plus(name), unquote_plus(secret)

    def app(self) -> Starlette:
        def answered(path: str, honestly: Callable[[Request], Any]) -> Route:
            async def answer(request: Request) -> Response:
                self.asked.append(path)
                bent = self.answers.get(path)
                if bent is not None:
                    return await anyio.to_thread.run_sync(bent)
                found: Response = await honestly(request)
                return found

            return Route(path, answer, methods=["GET", "POST"])

        return Starlette(
            routes=[
                answered("/.well-known/openid-configuration", self.discovery),
                answered("/jwks", self.jwks),
                answered("/authorize", self.authorize),
                answered("/token", self.exchange),
                answered("/end-session", self.end_session),
            ]
        )


@contextmanager
def running_issuer(redirect_uri: str) -> Iterator[Issuer]:
    """An issuer on a port of its own, ended on exit."""
    page = redirect_uri.removesuffix("/sign-in/oidc/callback")
    issuer = Issuer(redirect_uri=redirect_uri, signed_out_uri=f"{page}/signed-out")
    with serving(issuer.app()) as server:
        issuer.url = server.url
        yield issuer
        issuer.browser.close()
