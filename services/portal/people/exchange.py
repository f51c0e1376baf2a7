"""The browser's secret to a token: the page asks access, keeps the token in memory for its minutes, and never sends it
to the browser. One question per session at a time, however many requests come."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from typing import NamedTuple

import httpx
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from services.portal.backends import Backends
from shared.kernel.identifiers import new_event_id
from shared.web.viewers import GIVEN_TOKEN

KEPT = 5_000  # sessions
FRESH_SECONDS = 30  # a token with less left is changed for another
SECURE_COOKIE, PLAIN_COOKIE = "__Host-rollcall", "rollcall_secret"


class _Held(NamedTuple):
    token: str
    until: float


def secret_cookie(secure: bool) -> str:
    """The cookie that holds a session's secret. Its name binds it to this host and to TLS where there is TLS."""
    return SECURE_COOKIE if secure else PLAIN_COOKIE


def secret_of(request: HTTPConnection, *, secure: bool) -> str | None:
    """The session's secret this browser holds, if it looks like one."""
    given = request.cookies.get(secret_cookie(secure), "")
    return given if len(given) == 43 else None


class Tokens:
    """Tokens by session. ``forget`` when a session is over here; a session that ended elsewhere is refused by its id
    (revocations) and its token is not renewed."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends
        self._held: OrderedDict[bytes, _Held] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[str | None]] = {}

    async def of(self, secret: str) -> str | None:
        """A token that is good for a while; None for a session that has ended, or while access does not answer and
        none is left."""
        key = hashlib.sha256(secret.encode()).digest()
        held = self._held.get(key)
        if held is not None and held.until - time.time() > FRESH_SECONDS:
            self._held.move_to_end(key)
            return held.token
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, secret))
            asking.add_done_callback(lambda _done: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    def forget(self, secret: str) -> None:
        """Hold no token of this session any more."""
        self._held.pop(hashlib.sha256(secret.encode()).digest(), None)

    async def _ask(self, key: bytes, secret: str) -> str | None:
        headers = {"authorization": f"Session {secret}", "idempotency-key": str(new_event_id())}
        try:
            answer = await self._backends.client.post(self._backends.url("access", "/v1/token"), headers=headers)
        except httpx.HTTPError:
            answer = None
        if answer is None or answer.status_code >= 500:
            held = self._held.get(key)
            return held.token if held is not None and held.until > time.time() else None
        if not answer.is_success:
            self._held.pop(key, None)
            return None
        told = answer.json()
        self._held[key] = _Held(told["access_token"], time.time() + told["expires_in"])
        while len(self._held) > KEPT:
            self._held.popitem(last=False)
        return str(told["access_token"])


class Exchange:
    """ASGI middleware: a request with a session's secret goes on with its token. A bearer token goes before it."""

    def __init__(self, app: ASGIApp, tokens: Tokens, secure: bool) -> None:
        self._app, self._tokens, self._secure = app, tokens, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = HTTPConnection(scope)
            secret = secret_of(request, secure=self._secure)
            if secret is not None and "authorization" not in request.headers and not _needs_none(scope["path"]):
                token = await self._tokens.of(secret)
                if token is not None:
                    scope.setdefault("state", {})[GIVEN_TOKEN] = token
        await self._app(scope, receive, send)


def _needs_none(path: str) -> bool:
    return path.startswith(("/static/", "/health/"))
