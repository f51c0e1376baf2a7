"""The reader's language: Simplified Chinese first, English by switch."""

from __future__ import annotations

from typing import Literal

from starlette.requests import HTTPConnection

Language = Literal["zh", "en"]
LANGUAGE_COOKIE = "rollcall_language"


def language_of(request: HTTPConnection) -> Language:
    """``?lang=`` wins, then the cookie, then Accept-Language (RFC 9110 §12.5.4); Chinese when nothing is asked for."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if asked in ("zh", "en"):
            return "en" if asked == "en" else "zh"
    return _preferred(request.headers.get("accept-language", ""))


def _preferred(header: str) -> Language:
    best: Language = "zh"
    best_weight = 0.0
    for part in header[:500].split(","):
        tag, _, parameters = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language not in ("zh", "en"):
            continue
        weight = _weight(parameters)
        if weight > best_weight:
            best, best_weight = ("en" if language == "en" else "zh"), weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
