"""A request that changes something becomes a command, and repeating it gives the same answer (invariant 3)."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel
from starlette.requests import Request

from shared.eventsourcing.store import Command
from shared.kernel.refusals import Malformed
from shared.web.traces import traceparent_of
from shared.web.viewers import Viewer

IDEMPOTENCY_HEADER = "Idempotency-Key"


def command_id_of(request: Request) -> UUID:
    """The caller's Idempotency-Key, a UUID. Raises Malformed without one."""
    given = request.headers.get(IDEMPOTENCY_HEADER, "")
    try:
        if len(given) != 36:
            raise ValueError
        return UUID(given)
    except ValueError:
        raise Malformed(
            "请求缺少 Idempotency-Key(UUID),无法防止重复提交",
            "The request needs an Idempotency-Key header holding a UUID, so that sending it twice does it once",
            header=IDEMPOTENCY_HEADER,
        ) from None


def command_from(request: Request, viewer: Viewer, body: BaseModel | bytes | None) -> Command:
    """The command of a POST.

    Method, path and query belong to what is compared on repetition: the same key and body sent to another student's
    address is another command and is refused. Raises Malformed without an Idempotency-Key.
    """
    content = body if isinstance(body, bytes) else b"" if body is None else body.model_dump_json().encode()
    query = urlencode(sorted(request.query_params.multi_items()))
    target = f"{request.method} {request.url.path}?{query}\n".encode()
    return Command(
        principal=viewer.principal,
        command_id=command_id_of(request),
        body=target + content,
        cause=None,
        traceparent=traceparent_of(request),
    )
