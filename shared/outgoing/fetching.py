"""One small JSON document from elsewhere (an issuer's keys, its discovery document, its token endpoint's answer): to
the checked address itself, no redirect, one deadline for everything, never more than a bounded number of bytes."""

from __future__ import annotations

import functools
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from shared.outgoing.addresses import AddressRefused, Gate, Target

DEADLINE_SECONDS = 5.0
ANSWER_BYTES = 256 * 1024


class FetchFailed(ValueError):
    """Nothing usable came; ``code`` says why, without what was sent or received: address_…, timeout, connection_…,
    redirect, status_…, too_large, not_json."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def fetch_json(
    gate: Gate,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
    most_bytes: int = ANSWER_BYTES,
) -> Any:
    """GET (with ``form``: POST it) and read JSON; for threads. Raises FetchFailed."""
    ends_at = time.monotonic() + deadline_seconds
    try:
        target = gate.target(url)
        with httpx.Client(verify=_trust(), trust_env=False, follow_redirects=False, timeout=deadline_seconds) as client:
            request = _request(client, target, form, headers or {})
            answer = client.send(request, stream=True)
            try:
                return json.loads(_body(answer, ends_at, most_bytes))
            finally:
                answer.close()
    except AddressRefused as refused:
        raise FetchFailed(f"address_{refused.code}") from None
    except httpx.TimeoutException:
        raise FetchFailed("timeout") from None
    except (httpx.HTTPError, OSError) as failed:
        raise FetchFailed(f"connection_{type(failed).__name__}") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise FetchFailed("not_json") from None


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whose certificates are believed: read once, because reading them takes longer than most calls."""
    return httpx.create_ssl_context(trust_env=False)


def _request(
    client: httpx.Client, target: Target, form: Mapping[str, str] | None, headers: Mapping[str, str]
) -> httpx.Request:
    return client.build_request(
        "GET" if form is None else "POST",
        target.pinned,
        data=None if form is None else dict(form),
        # Unpacked bytes are what is counted: a small packed answer could be a large one.
        headers={"accept": "application/json", "accept-encoding": "identity", **headers, "host": target.host_header},
        extensions={"sni_hostname": target.host},
    )


def _body(answer: httpx.Response, ends_at: float, most_bytes: int) -> bytes:
    if answer.is_redirect:
        raise FetchFailed("redirect")
    if not answer.is_success:
        raise FetchFailed(f"status_{answer.status_code}")
    body = b""
    for piece in answer.iter_raw(16_384):
        body += piece
        if len(body) > most_bytes:
            raise FetchFailed("too_large")
        if time.monotonic() > ends_at:  # a sender that drips bytes resets no clock
            raise FetchFailed("timeout")
    return body
