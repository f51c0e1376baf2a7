"""Asks a service what its store holds and which nodes it keeps, over HTTP, as the installation's witness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeVar

import httpx
import pydantic

from shared.outgoing.neighbours import neighbour_client
from shared.transparency.answers import StoreRange, Tile
from shared.transparency.store_ranges import proof_of_witness

TIMEOUT_SECONDS = 5.0

_Answer = TypeVar("_Answer", StoreRange, Tile)


class StoreSilent(Exception):
    """The service does not answer, or not with what was asked."""


class Stores(Protocol):
    """What the witness asks of the services."""

    def held(self, service: str, first: int, last: int) -> StoreRange:
        """Hashes of what the store holds of a range of indexes. Raises StoreSilent."""

    def tile(self, service: str, level: int, first: int, count: int) -> list[bytes]:
        """Hashes of the service's own tree. Raises StoreSilent."""


class HttpStores:
    """``addresses``: service → base URL. ``secret``: what the services know the witness by."""

    def __init__(self, addresses: Mapping[str, str], secret: bytes, client: httpx.Client | None = None) -> None:
        self._addresses, self._secret = addresses, secret
        self._client = client or neighbour_client(addresses.values(), TIMEOUT_SECONDS)

    def held(self, service: str, first: int, last: int) -> StoreRange:
        return self._asked(StoreRange, service, f"/v1/log/store?first={first}&last={last}")

    def tile(self, service: str, level: int, first: int, count: int) -> list[bytes]:
        return list(self._asked(Tile, service, f"/v1/log/store/tiles?level={level}&first={first}&count={count}").hashes)

    def _asked(self, kind: type[_Answer], service: str, path: str) -> _Answer:
        headers = {"authorization": proof_of_witness(self._secret, path)}
        try:
            answer = self._client.get(self._addresses[service] + path, headers=headers)
            answer.raise_for_status()
            return kind.model_validate_json(answer.content)
        except (httpx.HTTPError, pydantic.ValidationError) as lost:
            raise StoreSilent(f"{service}: {type(lost).__name__}") from lost
