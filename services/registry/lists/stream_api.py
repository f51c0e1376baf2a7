"""A whole list as NDJSON over HTTP: read as it comes, committed in chunks, answered with one receipt at its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.registry.events import ListName, SubmissionMode
from services.registry.handlers import Registry
from services.registry.lists.line_stream import CHUNK_LINES, LineStream, StreamReceipt
from services.registry.lists.list_api import whose_list
from services.registry.lists.sendings import Sending, Submission
from services.registry.lists.single_rows import LINE_BYTES
from services.registry.lists.submissions import Submissions
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

IDLE_SECONDS = 30.0  # a sender that says nothing for so long has gone away; the list is free for others again
Sender = Annotated[Viewer, Depends(require(Right.LISTS_SEND))]


class LineTooLong(Malformed):
    code = "line_too_long"

    def __init__(self, line: int) -> None:
        super().__init__(
            f"第{line}行超过 {LINE_BYTES} 字节", f"Line {line} has more than {LINE_BYTES} bytes", line=line
        )


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    submissions = Submissions(registry)

    @routes.post("/lists/{list_name}/stream")
    async def stream(
        list_name: ListName,
        request: Request,
        viewer: Sender,
        mode: SubmissionMode = "increment",
        effective_on: date | None = None,
        agency: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z_]+$")] = None,
    ) -> StreamReceipt:
        """One row per line, under the office's own headers or the canonical names. Sent again under the same key it
        goes on where it broke off. A stream that ends early leaves an open submission and removes nothing."""
        sender = whose_list(viewer, registry.division, list_name, agency)
        command = command_from(request, viewer, b"")
        submission = Submission(
            list=list_name,
            agency=sender,
            mode=mode,
            effective_on=effective_on or today(),
            path=Path(),
            file_name="",
            content="stream",
            dated=effective_on is not None,
        )
        whole = registry.keys.submission(sender, command.principal, command.command_id)
        sending = Sending(registry, whole, submission, command, False)
        alone = sending.alone()
        await run_in_threadpool(alone.__enter__)
        try:
            return await _taken(LineStream(submissions, sending), request)
        finally:
            await run_in_threadpool(alone.__exit__, None, None, None)

    return routes


async def _taken(stream: LineStream, request: Request) -> StreamReceipt:
    kept = await run_in_threadpool(stream.open)
    if kept is not None:
        return kept
    chunk: list[bytes] = []
    try:
        async for line in _lines(request):
            chunk.append(line)
            if len(chunk) == CHUNK_LINES:
                await run_in_threadpool(stream.take, chunk)
                chunk = []
    except (ClientDisconnect, TimeoutError) as gone:
        raise HTTPException(408) from gone
    if chunk:
        await run_in_threadpool(stream.take, chunk)
    return await run_in_threadpool(stream.finish)


async def _lines(request: Request) -> AsyncIterator[bytes]:
    """The lines of the body that hold anything. Raises LineTooLong, ClientDisconnect, TimeoutError."""
    pieces, rest, number = request.stream(), b"", 0
    while True:
        try:
            piece = await asyncio.wait_for(anext(pieces), IDLE_SECONDS)
        except StopAsyncIteration:
            break
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            number += 1
            if len(line) > LINE_BYTES:
                raise LineTooLong(number)
            if line.strip():
                yield line
        if len(rest) > LINE_BYTES:
            raise LineTooLong(number + 1)
    if rest.strip():
        yield rest
