"""ETag and If-Match: the tag of a thing is its stream's version (RFC 9110 §8.8.3, §13.1.1)."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from shared.kernel.refusals import Malformed, Refusal

_TAG = re.compile(r'"(\d{1,18})"')


class Stale(Refusal):
    """The thing changed since the caller read it."""

    status = 412
    code = "stale"

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(
            "内容已被他人更改,请刷新后再试",
            "It was changed by someone else; reload and try again",
            expected_version=expected,
            actual_version=actual,
        )


def set_entity_tag(response: Response, version: int) -> None:
    """Put the version on the answer."""
    response.headers["etag"] = f'"{version}"'


def expected_version(request: Request) -> int | None:
    """The version named by If-Match, None when the caller does not care. Raises Malformed for anything else."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    found = _TAG.fullmatch(given.strip())
    if found is None:
        raise Malformed(
            "If-Match 应为单个版本号", "If-Match must be one strong tag holding a version", header="If-Match"
        )
    return int(found[1])


def check_version(request: Request, actual: int) -> None:
    """Raises Stale when If-Match names another version than ``actual``."""
    expected = expected_version(request)
    if expected is not None and expected != actual:
        raise Stale(expected, actual)
