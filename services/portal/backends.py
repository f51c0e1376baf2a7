"""The services behind the page, asked with the token of the person who looks.

BackendTrouble
├── Unreachable   the service does not answer
└── Refused       it answered with a problem (RFC 9457), which is shown as it came
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import httpx

from shared.kernel.identifiers import new_event_id
from shared.outgoing.neighbours import async_neighbour_client
from shared.web.languages import Language
from shared.web.live import SUBSCRIBERS

CONNECT_SECONDS = 3.0
READ_SECONDS = 35.0  # above the services' statement timeout, so that their own answer arrives
CONNECTIONS = 200

Param = str | int | list[str] | None
Params = Mapping[str, Param]


class BackendTrouble(Exception):
    """A service could not do what the page asked of it."""

    status = 502
    code = "unreachable"
    detail = ""


class Unreachable(BackendTrouble):
    """The service does not answer, or not in time."""

    def __init__(self, service: str) -> None:
        super().__init__(f"{service} does not answer")
        self.service = service


class Refused(BackendTrouble):
    """The service's own refusal. ``problem`` is its problem+json body, {} when it sent none."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"refused with {status}")
        self.problem = problem
        self.status = status
        self.code = str(problem.get("code", ""))
        self.detail = str(problem.get("detail") or problem.get("title") or "")


@dataclass(frozen=True)
class Caller:
    """On whose behalf a service is asked."""

    token: str
    language: Language
    traceparent: str

    def headers(self) -> dict[str, str]:
        """The headers that say so."""
        return {
            "authorization": f"Bearer {self.token}",
            "accept-language": "en" if self.language == "en" else "zh-CN",
            "traceparent": self.traceparent,
        }


@dataclass(frozen=True)
class Answer:
    """A service's JSON answer. ``position`` is where its live changes stood before it read, if it says."""

    body: Any
    position: str | None


class Backends:
    """All services, over one bounded pool of connections, and another for live lists, which hold theirs for as long as
    a page is open. ``addresses``: name → base URL; ``live_lists``: how many at once."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        transport: httpx.AsyncBaseTransport | None = None,
        live_lists: int = SUBSCRIBERS,
    ) -> None:
        self.addresses = dict(addresses)
        self.client, self.live = (
            async_neighbour_client(
                self.addresses.values(),
                httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                connections=connections,
                kept_alive=20,
                transport=transport,
            )
            for connections in (CONNECTIONS, live_lists)
        )

    @asynccontextmanager
    async def part(self, _app: object) -> AsyncIterator[None]:
        """Close the connections when the application stops."""
        try:
            yield
        finally:
            await self.client.aclose()
            await self.live.aclose()

    def url(self, service: str, path: str) -> str:
        """The address of ``path`` at ``service``. Raises KeyError for a service there is not."""
        return self.addresses[service] + path

    async def get(self, caller: Caller, service: str, path: str, params: Params | None = None) -> Answer:
        """GET. Raises BackendTrouble."""
        kept = _given(params)
        return await self._ask(service, "GET", path, headers=caller.headers(), params=kept)

    async def post(
        self,
        caller: Caller,
        service: str,
        path: str,
        body: Any = None,
        *,
        command_id: str | None = None,
        params: Params | None = None,
        file: tuple[str, BinaryIO] | None = None,
        content: bytes | None = None,
        version: int | None = None,
    ) -> Answer:
        """POST a JSON body, a file as multipart, or ``content``, JSON as somebody wrote it. ``command_id`` None makes a
        new one: only for what changes nothing. ``version``: the one that was read and is to be changed. Raises
        BackendTrouble."""
        headers = {**caller.headers(), "idempotency-key": command_id or str(new_event_id()), **_matching(version)}
        kept = _given(params)
        if file is not None:
            return await self._ask(service, "POST", path, headers=headers, params=kept, files={"file": file})
        if content is not None:
            headers["content-type"] = "application/json"
            return await self._ask(service, "POST", path, headers=headers, params=kept, content=content)
        return await self._ask(service, "POST", path, headers=headers, params=kept, json=body)

    async def put(
        self, caller: Caller, service: str, path: str, body: Any, *, command_id: str, version: int | None = None
    ) -> Answer:
        """PUT a JSON body in the place of the version that was read. Raises BackendTrouble."""
        headers = {**caller.headers(), "idempotency-key": command_id, **_matching(version)}
        return await self._ask(service, "PUT", path, headers=headers, json=body)

    async def delete(
        self, caller: Caller, service: str, path: str, *, command_id: str, version: int | None = None
    ) -> Answer:
        """DELETE what is at ``path``, in the version that was read. Raises BackendTrouble."""
        headers = {**caller.headers(), "idempotency-key": command_id, **_matching(version)}
        return await self._ask(service, "DELETE", path, headers=headers)

    async def download(
        self, caller: Caller, service: str, path: str, params: Params | None = None
    ) -> AsyncIterator[bytes]:
        """A file, piece by piece. Raises BackendTrouble before the first piece."""
        kept = _given(params)
        return await self._pieces_of(
            self.client.build_request("GET", self.url(service, path), headers=caller.headers(), params=kept), service
        )

    async def download_by_post(
        self,
        caller: Caller,
        service: str,
        path: str,
        *,
        command_id: str,
        body: Any = None,
        params: Params | None = None,
        file: tuple[str, BinaryIO] | None = None,
    ) -> AsyncIterator[bytes]:
        """The same of what is recorded when it is given, or made from a file that is sent."""
        headers = {**caller.headers(), "idempotency-key": command_id}
        kept = _given(params)
        sent: dict[str, Any] = {"json": body} if file is None else {"files": {"file": (file[0], file[1].read())}}
        return await self._pieces_of(
            self.client.build_request("POST", self.url(service, path), headers=headers, params=kept, **sent), service
        )

    async def _pieces_of(self, request: httpx.Request, service: str) -> AsyncIterator[bytes]:
        try:
            answer = await self.client.send(request, stream=True)
        except httpx.HTTPError as failed:
            raise Unreachable(service) from failed
        if not answer.is_success:
            await answer.aread()
            raise Refused(answer.status_code, _problem(answer))
        return _pieces(answer)

    async def _ask(self, service: str, method: str, path: str, **options: Any) -> Answer:
        try:
            answer = await self.client.request(method, self.url(service, path), **options)
        except httpx.HTTPError as failed:
            raise Unreachable(service) from failed
        if answer.is_success:
            body = answer.json() if answer.content else None
            return Answer(body, answer.headers.get("change-position"))
        if answer.status_code in (502, 503, 504):
            raise Unreachable(service)
        raise Refused(answer.status_code, _problem(answer))


def _given(params: Params | None) -> Params | None:
    """Without what is empty; none at all leaves the query of the path as it is, which no parameters would take away."""
    return {name: value for name, value in (params or {}).items() if value not in (None, "")} or None


def _matching(version: int | None) -> dict[str, str]:
    return {} if version is None else {"if-match": f'"{version}"'}


async def _pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_bytes():
            yield piece
    finally:
        await answer.aclose()


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
