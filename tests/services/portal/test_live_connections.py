"""Open live lists hold connections to the services; pages must not wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.checker import checker
from services.portal.app import application
from services.portal.backends import CONNECTIONS
from services.portal.settings import PortalSettings
from tests.support.portal import SEED
from tests.support.serving import serving


async def _stream(_request: Request) -> Response:
    async def beats() -> AsyncIterator[bytes]:
        while True:
            yield b": here\n\n"
            await asyncio.sleep(60)

    return StreamingResponse(beats(), media_type="text/event-stream")


async def _plain(_request: Request) -> Response:
    return JSONResponse({})


def test_more_open_lists_than_the_pages_have_connections_hold_up_no_page(tmp_path: Path) -> None:
    behind_it = Starlette(routes=[Route("/v1/messages/stream", _stream), Route("/v1/messages", _plain)])
    with serving(behind_it) as behind:
        settings = PortalSettings(
            division="4690",
            environment="test",
            issuer="https://issuer.test",
            audience="rollcall",
            services={"notifications": behind.url, "access": behind.url},
            demo_seed=SEED,
        )
        with serving(application(settings, checker(tmp_path))) as portal:
            assert asyncio.run(_beside_open_lists(portal.url)) == 200


async def _beside_open_lists(url: str) -> int:
    headers = {"authorization": "Bearer x"}
    limits = httpx.Limits(max_connections=None)
    stream, wanted = "/api/notifications/v1/messages/stream", {"accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, limits=limits, trust_env=False) as client,
        AsyncExitStack() as opened,
    ):
        for _ in range(CONNECTIONS + 1):
            answer = await opened.enter_async_context(client.stream("GET", stream, headers=wanted))
            assert answer.status_code == 200
        found = await client.get("/api/notifications/v1/messages")
    return found.status_code
