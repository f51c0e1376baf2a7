"""Clients for the installation's own services: to their configured addresses and nowhere else.

A neighbour stands inside the network on purpose, so its address is not judged by where it lies but by being one the
operator named. No redirect is followed and no proxy of the machine stands in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx

from shared.outgoing.addresses import AddressRefused


def neighbour_client(addresses: Iterable[str], timeout_seconds: float) -> httpx.Client:
    """For threads. ``addresses``: base URLs; asking for anything beside them raises AddressRefused."""
    known = _origins(addresses)

    def check(request: httpx.Request) -> None:
        _refuse_strangers(known, request)

    return httpx.Client(
        timeout=timeout_seconds, trust_env=False, follow_redirects=False, event_hooks={"request": [check]}
    )


def async_neighbour_client(
    addresses: Iterable[str],
    timeout: httpx.Timeout,
    *,
    connections: int,
    kept_alive: int,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """The same for an event loop, with at most ``connections`` at once. ``transport`` stands in for the network."""
    known = _origins(addresses)

    async def check(request: httpx.Request) -> None:
        _refuse_strangers(known, request)

    return httpx.AsyncClient(
        timeout=timeout,
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=kept_alive),
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        event_hooks={"request": [check]},
    )


Origin = tuple[str, str, int]


def _origins(addresses: Iterable[str]) -> frozenset[Origin]:
    return frozenset(_origin(httpx.URL(address)) for address in addresses)


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _refuse_strangers(known: frozenset[Origin], request: httpx.Request) -> None:
    if _origin(request.url) not in known:
        raise AddressRefused("stranger")


def host_of(url: str) -> frozenset[str]:
    """The host of an address the operator configured, as what a :class:`~shared.outgoing.addresses.Gate` lets through
    beside the public internet; empty for what has none."""
    host = urlsplit(url).hostname
    return frozenset({host} if host else ())
