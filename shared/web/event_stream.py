"""One client's live list as an answer: rows read again as the viewer, bounded in life, in waiting and in patience.

Events (``data`` is JSON): ``row`` {"id", "row"} · ``removed`` {"id"} · ``reload`` {} (read the list again) · ``bye`` {}
(the stream has lived long enough; the browser comes back by itself with Last-Event-ID).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.kernel.refusals import Refusal
from shared.web.live import SseHub, Subscription, last_event_id
from shared.web.logs import exception_outline
from shared.web.viewers import Viewer

log = structlog.get_logger("live")

HEARTBEAT_SECONDS = 15.0
LIFE_SECONDS = 30 * 60.0
WAITING_IDS = 1_000
READ_IDS = 200
SLOW_CLIENT_SECONDS = 10.0
GATHER_SECONDS = 0.05  # changes of one transaction arrive together; one read answers them

ReadRows = Callable[[Sequence[UUID]], Mapping[UUID, Any]]


class TooManyListeners(Refusal):
    status = 503
    code = "too_many_live_lists"

    def __init__(self) -> None:
        super().__init__("实时连接过多,请稍后刷新页面", "Too many live lists are open; reload the page later")


class EventStream(Response):
    """``read`` gets ≤ 200 ids and gives the rows the viewer may see of them, in a thread; an id left out is not (or no
    longer) theirs. ``known`` holds the ids the viewer could see at the start: a removal is sent for these and for ids
    sent since, so that a school learns nothing of the coming and going elsewhere. ``known`` None = removals always (a
    viewer of the whole division). Of the ids replayed on a reconnect those that are not the viewer's may have been: the
    list is read again, and no id is told."""

    media_type = "text/event-stream"

    def __init__(
        self,
        request: Request,
        hub: SseHub,
        viewer: Viewer,
        tables: Sequence[str],
        read: ReadRows,
        *,
        known: Collection[UUID] | None = None,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        life_seconds: float = LIFE_SECONDS,
        waiting_ids: int = WAITING_IDS,
        slow_client_seconds: float = SLOW_CLIENT_SECONDS,
    ) -> None:
        super().__init__(None, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._read = hub, read
        self._known = None if known is None else set(known)
        self._heartbeat_seconds, self._slow_client_seconds = heartbeat_seconds, slow_client_seconds
        life = min(life_seconds, max(0.0, viewer.expires_at - time.time()))
        self._ends_at = time.monotonic() + life
        try:
            self._subscription = hub.subscribe(tables, last_event_id(request), waiting_ids)
        except OverflowError as full:
            raise TooManyListeners from full
        self._subscription.session = viewer.session
        self._replayed = set() if self._known is None else set(self._subscription.pending)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        talking = asyncio.ensure_future(self._talk(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((talking, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._subscription)
            for task in (talking, leaving):
                task.cancel()
            results = await asyncio.gather(talking, leaving, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                # The browser reconnects and resumes; the reason is for us.
                log.warning("live_list_ended", failure=exception_outline(result))

    async def _talk(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for text in self._events():
            message = {"type": "http.response.body", "body": text.encode(), "more_body": True}
            await asyncio.wait_for(send(message), self._slow_client_seconds)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _events(self) -> AsyncIterator[str]:
        subscription = self._subscription
        yield f"retry: 2000\nid: {self._hub.event_id(subscription.number)}\n: open\n\n"
        while (left := self._ends_at - time.monotonic()) > 0 and not subscription.closed:
            try:
                await asyncio.wait_for(subscription.woken.wait(), min(self._heartbeat_seconds, left))
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if self._subscription.closed:  # meanwhile: nothing more is told
                break
            await asyncio.sleep(GATHER_SECONDS)
            async for text in self._changes(subscription):
                yield text
        yield _event("bye", {}, None)

    async def _changes(self, subscription: Subscription) -> AsyncIterator[str]:
        number = subscription.number
        ids, reload = subscription.take(READ_IDS)
        # An id is only told once everything up to it has been told; otherwise a reconnect would skip what still waits.
        position = self._hub.event_id(number) if not subscription.pending else None
        if reload:
            yield _event("reload", {}, position)
            return
        if not ids:
            return
        async with self._hub.reads:
            rows = await asyncio.to_thread(self._read, ids)
        texts: list[tuple[str, dict[str, Any]]] = []
        missed = False
        for entity in ids:
            row = rows.get(entity)
            if row is not None:
                texts.append(("row", {"id": entity, "row": row}))
                if self._known is not None:
                    self._known.add(entity)
            elif self._known is None or entity in self._known:
                texts.append(("removed", {"id": entity}))
                if self._known is not None:
                    self._known.discard(entity)
            elif entity in self._replayed:
                missed = True
        if missed:
            self._replayed.clear()  # once is enough
            texts.append(("reload", {}))
        for index, (name, data) in enumerate(texts):
            yield _event(name, data, position if index == len(texts) - 1 else None)
        if not texts and position is not None:
            yield f"id: {position}\n: nothing of yours\n\n"


def _event(name: str, data: Mapping[str, Any], position: str | None) -> str:
    text = msgspec.json.encode(data, enc_hook=_plain).decode()
    return (f"id: {position}\n" if position else "") + f"event: {name}\ndata: {text}\n\n"


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else str(value)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
