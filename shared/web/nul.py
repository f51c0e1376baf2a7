"""No NUL character gets in: no text of the field holds one, and PostgreSQL stores none.

Looked for in one place, before any route: in the path, the query, a form's or a JSON document's own spelling of it.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.languages import language_of
from shared.web.problems import problem

_SPELLINGS = {
    "application/json": (b"\\u0000", b"\x00"),
    "application/x-ndjson": (b"\\u0000", b"\x00"),
    "application/x-www-form-urlencoded": (b"%00", b"\x00"),
}
_LONGEST = 6


class NoNul:
    """ASGI middleware: refuses with 422 whatever carries one. An upload's bytes are its own matter."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if "\x00" in scope["path"] or b"%00" in scope["query_string"] or b"\x00" in scope["query_string"]:
            await problem(422, language=language_of(request))(scope, receive, send)
            return
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        spellings = _SPELLINGS.get(kind, ())
        rest = b""

        async def looked_through() -> Message:
            nonlocal rest
            message = await receive()
            if message["type"] == "http.request":
                text = rest + message.get("body", b"")
                if any(spelt in text for spelt in spellings):
                    raise HTTPException(422)
                rest = text[1 - _LONGEST :]
            return message

        await self._app(scope, looked_through if spellings else receive, send)
