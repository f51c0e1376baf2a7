"""/api/<service>/…: every service behind the page's one address, for scripts with a bearer token and for the page's own
live lists (which send the session cookie). Bodies and answers stream through unread."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from services.portal.backends import READ_SECONDS, Backends
from shared.kernel.refusals import Forbidden, NotFound
from shared.web.authentication import Unauthenticated
from shared.web.languages import language_of
from shared.web.problems import problem
from shared.web.traces import traceparent_of
from shared.web.viewers import token_of

router = APIRouter(include_in_schema=False)

STREAM_SILENCE_SECONDS = 60.0  # longer than a live list's heartbeat
_REQUEST_HEADERS = (
    "accept", "accept-language", "content-type", "content-length", "idempotency-key", "if-match", "if-none-match",
    "last-event-id",
)  # fmt: skip
_ANSWER_HEADERS = (
    "content-type", "content-length", "content-disposition", "content-language", "etag", "last-modified", "location",
    "retry-after", "www-authenticate", "change-position", "x-accel-buffering", "content-encoding",
)  # fmt: skip
_PATH = re.compile(r"(v\d{1,2}/[^\\]*|openapi\.json)")


@router.api_route("/api/{service}/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def pass_on(request: Request, service: str, path: str) -> Response:
    """Pass a request on to ``service``; raises NotFound, Unauthenticated, Forbidden (a write from another site)."""
    backends: Backends = request.app.state.backends
    if service not in backends.addresses or not _PATH.fullmatch(path) or ".." in path.split("/"):
        raise NotFound("没有这个接口", "No such interface")
    token = token_of(request)
    if token is None and path != "openapi.json":
        raise Unauthenticated("no token")
    if request.method != "GET" and "authorization" not in request.headers and not from_this_site(request):
        raise Forbidden("请求来自其他网站", "The request comes from another site")
    streaming = "text/event-stream" in request.headers.get("accept", "")
    timeout = httpx.Timeout(STREAM_SILENCE_SECONDS if streaming else READ_SECONDS, connect=3.0)
    client = backends.live if streaming else backends.client
    passed = client.build_request(
        request.method,
        backends.url(service, "/" + path),
        params=str(request.url.query),
        headers=_headers(request, token),
        content=request.stream() if request.method != "GET" else None,
        timeout=timeout,
    )
    try:
        answer = await client.send(passed, stream=True)
    except httpx.TimeoutException:
        return problem(504, language=language_of(request), instance=request.url.path)
    except httpx.HTTPError:
        return problem(502, language=language_of(request), instance=request.url.path)
    headers = {name: answer.headers[name] for name in _ANSWER_HEADERS if name in answer.headers}
    return StreamingResponse(
        _chunks(answer), answer.status_code, headers=headers, background=BackgroundTask(answer.aclose)
    )


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    except httpx.HTTPError:
        return  # the service went away in the middle; the browser sees the end and comes back
    finally:
        await answer.aclose()


def _headers(request: Request, token: str | None) -> dict[str, str]:
    headers = {name: request.headers[name] for name in _REQUEST_HEADERS if name in request.headers}
    headers["traceparent"] = traceparent_of(request)
    headers["accept-encoding"] = "identity"
    if "accept-language" not in headers or "lang" in request.query_params:
        headers["accept-language"] = "en" if language_of(request) == "en" else "zh-CN"
    if token is not None:
        headers["authorization"] = f"Bearer {token}"
    return headers


def from_this_site(request: Request) -> bool:
    """Whether a browser says the request comes from this very site (Fetch Metadata, else Origin; neither = no)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == request.headers.get("host")
