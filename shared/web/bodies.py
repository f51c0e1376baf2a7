"""Request bodies within bounds: 1 MB for a command, more only where declared for batches, uploads and streams.

An upload is written to a temporary file as it arrives; it never stands in memory whole.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.refusals import Malformed
from shared.web.languages import language_of
from shared.web.problems import problem

COMMAND_BYTES = 1 << 20
UPLOAD_BYTES = 50 * (1 << 20)
STREAM_BYTES = 2 << 30  # as a csv: a stream is read as it comes and never stands in memory
UPLOAD_OVERHEAD_BYTES = 64 * 1024  # multipart borders and the other fields of the form
BATCH_BYTES = 16 * (1 << 20)  # 1,000 lines of a few KB; a batch of lines all at their limit is sent in parts
LINE_BYTES = 64 * 1024
BATCH_LINES = 1000
_CHUNK_BYTES = 256 * 1024


class TooLarge(HTTPException):
    """The body is larger than its address allows."""

    def __init__(self) -> None:
        super().__init__(413)


@dataclass(frozen=True)
class BodyLimits:
    """Largest bodies per address; patterns are matched against the whole path."""

    command_bytes: int = COMMAND_BYTES
    batch_bytes: int = BATCH_BYTES
    upload_bytes: int = UPLOAD_BYTES
    stream_bytes: int = STREAM_BYTES
    batches: Sequence[str] = field(default=(r".*/batch",))
    uploads: Sequence[str] = field(default=(r".*/(submissions|uploads|attachments|counterfactuals|dry-run\.xlsx)",))
    streams: Sequence[str] = field(default=(r".*/lists/[a-z]+/stream",))

    def allowed(self, path: str) -> int:
        """Bytes a body sent to ``path`` may have."""
        if any(re.fullmatch(pattern, path) for pattern in self.uploads):
            return self.upload_bytes + UPLOAD_OVERHEAD_BYTES
        if any(re.fullmatch(pattern, path) for pattern in self.streams):
            return self.stream_bytes
        if any(re.fullmatch(pattern, path) for pattern in self.batches):
            return self.batch_bytes
        return self.command_bytes


class BodyLimit:
    """ASGI middleware: refuses a body by its declared length, and stops one that turns out longer."""

    def __init__(self, app: ASGIApp, limits: BodyLimits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowed = self._limits.allowed(scope["path"])
        request = Request(scope)
        declared = request.headers.get("content-length", "")
        if declared and (not declared.isdigit() or int(declared) > allowed):
            answer = problem(413 if declared.isdigit() else 400, language=language_of(request), instance=scope["path"])
            await answer(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            if message["type"] == "http.request":
                received += len(message.get("body", b""))
                if received > allowed:
                    raise TooLarge
            return message

        await self._app(scope, counted, send)


@dataclass(frozen=True)
class Upload:
    """A received file, deleted when the request ends. ``filename`` is the caller's and only for display."""

    path: Path
    filename: str
    size_bytes: int
    sha256: str
    fields: dict[str, str]


async def received_file(request: Request) -> AsyncIterator[Upload]:
    """FastAPI dependency: the uploaded file, from the multipart field ``file`` or the bare body (``?filename=``).

    Raises Malformed without a file, TooLarge.
    """
    with tempfile.TemporaryDirectory(prefix="rollcall-upload-") as folder:
        path = Path(folder) / "received"
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            yield await _from_form(request, path)
        else:
            name = unquote(request.query_params.get("filename", ""))
            yield await _written(request.stream(), path, name, {})


async def _from_form(request: Request, path: Path) -> Upload:
    async with request.form(max_files=1, max_fields=20) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise _no_file()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}

        async def chunks() -> AsyncIterator[bytes]:
            while chunk := await sent.read(_CHUNK_BYTES):
                yield chunk

        return await _written(chunks(), path, sent.filename or "", fields)


async def _written(chunks: AsyncIterator[bytes], path: Path, filename: str, fields: dict[str, str]) -> Upload:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > UPLOAD_BYTES:
                    raise TooLarge
                digest.update(chunk)
                file.write(chunk)
    except ClientDisconnect as gone:
        raise HTTPException(400) from gone
    if size == 0:
        raise _no_file()
    plain = re.sub(r"[\x00-\x1f/\\]", "_", filename)[-120:]
    return Upload(path, plain, size, digest.hexdigest(), fields)


async def batch_lines(request: Request) -> list[bytes]:
    """FastAPI dependency: the lines of an NDJSON body, blank ones left out. Raises Malformed, TooLarge."""
    body = await request.body()
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines:
        raise Malformed("没有数据行", "The body holds no lines")
    if len(lines) > BATCH_LINES:
        raise Malformed("一次最多 1000 行", "At most 1,000 lines at a time", lines=len(lines), allowed=BATCH_LINES)
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_BYTES:
            raise Malformed("某行过长", "A line is too long", line=number, allowed_bytes=LINE_BYTES)
    return lines


def _no_file() -> Malformed:
    return Malformed("没有收到文件", "No file was received", field="file")
