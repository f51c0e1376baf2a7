"""Files that the page itself puts together: access records them before a byte leaves, or they do not leave.

What a service made as a file, the service has recorded itself; here it is only passed on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from services.portal.backends import Backends
from services.portal.session import Opening


async def taken(request: Request, opened: Opening, page: str, rows: int | None, file: Path | None = None) -> None:
    """Have it recorded that the viewer takes ``page`` away, asked for with the conditions of ``request``. ``file``
    None: it is printed. Raises BackendTrouble: then nothing may be given out."""
    backends: Backends = request.app.state.backends
    body: dict[str, Any] = {"page": page, "asked": _conditions(request.query_params), "rows": rows}
    if file is not None:
        body |= await run_in_threadpool(_digest, file)
    await backends.post(opened.caller, "access", "/v1/files-taken", body)


def _conditions(query: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in list(query.items())[:40] if value}


def _digest(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        return {"sha256": hashlib.file_digest(content, "sha256").hexdigest(), "size": file.stat().st_size}
