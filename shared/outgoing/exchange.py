"""One POST to an address somebody else chose: to the checked address itself, no redirect, one deadline for everything,
and of the answer no more than is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

import httpx

from shared.outgoing.addresses import AddressRefused, Gate

DEADLINE_SECONDS = 15.0  # from the name to the last byte: a receiver that drips bytes resets no clock


class Answered(NamedTuple):
    """``status`` 0: no answer. ``problem``: why, as a code; empty when it arrived."""

    status: int
    problem: str
    body: bytes = b""

    @property
    def arrived(self) -> bool:
        return 200 <= self.status < 300


async def post(
    gate: Gate,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline_seconds: float = DEADLINE_SECONDS,
    read_bytes: int = 0,
) -> Answered:
    """Send ``body``; of the answer at most ``read_bytes`` are read, the rest is cut off. Never raises for what the
    receiver does."""
    try:
        async with asyncio.timeout(deadline_seconds):
            target = await asyncio.to_thread(gate.target, url)
            async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=deadline_seconds) as client:
                request = client.build_request(
                    "POST",
                    target.pinned,
                    content=body,
                    headers={**headers, "host": target.host_header},
                    extensions={"sni_hostname": target.host},
                )
                answer = await client.send(request, stream=True)
                try:
                    return await _read(answer, read_bytes)
                finally:
                    await answer.aclose()
    except AddressRefused as refused:
        return Answered(0, f"address_{refused.code}")
    except TimeoutError:
        return Answered(0, "timeout")
    except (httpx.HTTPError, OSError, ValueError) as failed:
        return Answered(0, f"connection_{type(failed).__name__}")


async def _read(answer: httpx.Response, count: int) -> Answered:
    body = b""
    if count:
        async for piece in answer.aiter_raw(4_096):
            body += piece
            if len(body) >= count:
                break
    problem = "" if answer.is_success else "redirect" if answer.is_redirect else f"status_{answer.status_code}"
    return Answered(answer.status_code, problem, body[:count])
