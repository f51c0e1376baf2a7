"""Trace ids as they travel (W3C Trace Context): accepted from the caller, else begun here."""

from __future__ import annotations

import os
import re

from starlette.requests import HTTPConnection

TRACEPARENT = "traceparent"
_SHAPE = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def new_traceparent() -> str:
    """A new sampled trace: version 00, random trace and span ids."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def accepted(header: str | None) -> str:
    """A child of the caller's trace when the header is well formed, else a new trace."""
    if header is None or not _SHAPE.fullmatch(header):
        return new_traceparent()
    return f"{header[:36]}{os.urandom(8).hex()}{header[52:]}"


def trace_id(traceparent: str) -> str:
    """The 32 hex digits that name the whole trace."""
    return traceparent[3:35]


def traceparent_of(request: HTTPConnection) -> str:
    """The trace of this request, as set by the edge of the application (or begun here, outside of it)."""
    known: str | None = getattr(request.state, TRACEPARENT, None)
    return known if known is not None else accepted(request.headers.get(TRACEPARENT))
