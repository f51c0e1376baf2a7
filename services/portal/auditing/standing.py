"""Whether anything was found wrong with the records: asked for auditors on every page, at most every ten seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.portal.backends import Backends, BackendTrouble, Caller

FRESH_SECONDS = 10.0
PATIENCE_SECONDS = 2.0  # a page does not wait longer for its banner


@dataclass(frozen=True)
class Standing:
    """``open``: alarms nobody has taken note of; ``acknowledged``: noted ones that still stand; ``known`` False: audit
    does not say. ``first``: the oldest of them."""

    open: int = 0
    acknowledged: int = 0
    first: Mapping[str, Any] | None = None
    known: bool = True

    @property
    def shown(self) -> bool:
        """Whether a page has to say something."""
        return bool(self.open or self.acknowledged or not self.known)


class Standings:
    """What was told last. Nothing in it is personal, and every auditor of the division is told the same."""

    def __init__(self) -> None:
        self._until = 0.0
        self._told = Standing()

    async def now(self, backends: Backends, caller: Caller) -> Standing:
        """Ask, unless it was asked a moment ago."""
        if time.monotonic() >= self._until:
            try:
                asked = backends.get(caller, "audit", "/v1/alarms/standing")
                body = (await asyncio.wait_for(asked, PATIENCE_SECONDS)).body
                self._told = Standing(body["open"], body["acknowledged"], body["first"])
            except (BackendTrouble, TimeoutError):
                self._told = Standing(known=False)
            self._until = time.monotonic() + FRESH_SECONDS
        return self._told

    def forget(self) -> None:
        """Something was just done about it."""
        self._until = 0.0
