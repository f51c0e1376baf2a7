"""Nothing that is taken away or shown in full leaves before that is recorded: the last step of a marked route's answer.

Plain ASGI. What is no answer of a marked route passes through untouched. A file whose digest the route told, or that is
one piece, is recorded with it before its first byte; any other twice, when it begins and, with its digest, before its
last piece.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.acts import Acts
from shared.web.disclosures import Disclosure
from shared.web.languages import language_of
from shared.web.logs import exception_outline
from shared.web.problems import away_problem

log = structlog.get_logger("web")

_NOT_RECORDED = (
    "暂时无法登记本次查阅或导出,因此未提供任何内容,请稍后再试",
    "This cannot be recorded for the moment, therefore nothing was given; try again shortly",
)


class NotRecorded(Exception):
    """The answer may not leave."""


class Disclosing:
    """ASGI middleware inside the edge. ``acts`` writes what is to be recorded."""

    def __init__(self, app: ASGIApp, acts: Acts) -> None:
        self._app, self._acts = app, acts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer: _Answer | None = None

        async def refuse() -> None:
            language = language_of(HTTPConnection(scope))
            await away_problem(language, "not_recorded", _NOT_RECORDED)(scope, receive, send)

        async def watched(message: Message) -> None:
            nonlocal answer
            if message["type"] == "http.response.start":
                disclosure = scope.get("state", {}).get("disclosure")
                if disclosure is not None and 200 <= message["status"] < 300:
                    answer = _Answer(self._acts, disclosure, message, send, refuse)
                    return
            await (send(message) if answer is None else answer.body(message))

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if answer is None or not answer.refused or answer.begun:
                raise


class _Answer:
    """One answer of a marked route, held back until it is recorded. ``begun``: something of it has left."""

    def __init__(
        self, acts: Acts, disclosure: Disclosure, start: Message, send: Send, refuse: Callable[[], Awaitable[None]]
    ) -> None:
        self._acts, self._disclosure, self._start, self._send, self._refuse = acts, disclosure, start, send, refuse
        self._digest, self._size = hashlib.sha256(), 0
        self.begun = self.refused = self._open = False

    async def body(self, message: Message) -> None:
        """Let a piece out, or the refusal in its place. Raises NotRecorded where more would be made for nobody."""
        if self.refused or message["type"] != "http.response.body":
            return  # a file that is refused is read to its end, so that whoever made it clears it away
        piece, more = message.get("body", b""), message.get("more_body", False)
        self._digest.update(piece)
        self._size += len(piece)
        if self.begun and self._open and not more:
            if not await self._recorded(self._last):
                raise NotRecorded
        elif not self.begun:
            if not await self._recorded(self._first, more):
                await self._refuse()
                if more and self._disclosure.sha256 is None:
                    raise NotRecorded
                return
            self.begun = True
            await self._send(self._start)
        await self._send(message)

    async def _recorded(self, record: Callable[..., None], *arguments: Any) -> bool:
        try:
            await anyio.to_thread.run_sync(record, *arguments)
            return True
        except Exception as failure:
            self.refused = True
            log.error("not_recorded", route=self._disclosure.route, failure=exception_outline(failure))
            return False

    def _first(self, more: bool) -> None:
        found = self._disclosure
        if found.reveals and not found.recorded:
            raise NotRecorded("the route shows fields in full and has not said so")
        found.recorded = list(found.recorded)  # what the route did; what is appended from now on is this layer's own
        if not found.exports:
            return
        if found.sha256 is None and more:
            self._open = True
            self._acts.exported(found, "begun", size=None, sha256=None)
        else:
            whole = found.sha256 is not None
            size, sha256 = (found.size, found.sha256) if whole else (self._size, self._digest.hexdigest())
            self._acts.exported(found, "given", size=size, sha256=sha256)

    def _last(self) -> None:
        self._acts.exported(self._disclosure, "ended", size=self._size, sha256=self._digest.hexdigest())
