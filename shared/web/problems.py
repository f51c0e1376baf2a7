"""Errors as problem+json (RFC 9457) with stable codes and a sentence in the reader's language.

Every refusal of the business ends here and nowhere else; what a caller typed is never repeated in an answer, because it
may name a child.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.kernel.refusals import Refusal
from shared.web.languages import Language, language_of
from shared.web.logs import exception_outline

if TYPE_CHECKING:
    from shared.web.acts import Acts

log = structlog.get_logger("web")

MEDIA_TYPE = "application/problem+json"
AWAY_SECONDS = 5  # after which it is worth asking again: a PostgreSQL that restarts answers about then
_AWAY = ("数据暂时无法读写,请稍后再试", "The data cannot be read or written for the moment; try again shortly")

_TITLES: dict[int, tuple[str, str, str]] = {  # status → stable code, Chinese, English
    400: ("bad_request", "请求无法理解", "Bad request"),
    401: ("unauthenticated", "请先登录", "Please sign in"),
    403: ("forbidden", "没有权限", "Not permitted"),
    404: ("not_found", "未找到", "Not found"),
    405: ("method_not_allowed", "不支持该操作", "Method not allowed"),
    406: ("not_acceptable", "无法提供所要求的格式", "Not acceptable"),
    408: ("timeout", "请求超时", "Request timed out"),
    409: ("conflict", "与现有情况冲突", "Conflict"),
    412: ("stale", "内容已被他人更改,请刷新后再试", "Changed by someone else; reload and try again"),
    413: ("too_large", "内容过大", "Content too large"),
    415: ("unsupported_media_type", "不支持的文件类型", "Unsupported media type"),
    422: ("malformed", "内容不符合要求", "Malformed content"),
    428: ("precondition_required", "缺少版本条件", "Precondition required"),
    429: ("too_many_requests", "请求过于频繁", "Too many requests"),
    500: ("internal", "系统内部错误", "Internal error"),
    502: ("unreachable", "后台服务没有应答", "The service did not answer"),
    503: ("unavailable", "服务暂不可用", "Service unavailable"),
    504: ("upstream_timeout", "后台服务应答超时", "The service took too long"),
}

_FIELD_ERRORS: dict[str, str] = {  # pydantic's error type → Chinese
    "missing": "必填",
    "json_invalid": "不是有效的 JSON",
    "string_too_short": "过短",
    "string_too_long": "过长",
    "string_pattern_mismatch": "格式不符",
    "string_type": "应为文本",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "bool_parsing": "应为是或否",
    "date_parsing": "应为日期(如 2024-09-01)",
    "date_from_datetime_parsing": "应为日期(如 2024-09-01)",
    "datetime_parsing": "应为时间",
    "datetime_from_date_parsing": "应为时间",
    "uuid_parsing": "应为编号(UUID)",
    "enum": "不在可选范围内",
    "literal_error": "不在可选范围内",
    "greater_than_equal": "过小",
    "greater_than": "过小",
    "less_than_equal": "过大",
    "less_than": "过大",
    "extra_forbidden": "未知的字段",
    "too_long": "项数过多",
    "too_short": "项数过少",
}


def problem(
    status: int,
    *,
    language: Language = "zh",
    code: str | None = None,
    detail: str | None = None,
    facts: Mapping[str, Any] | None = None,
    errors: Sequence[Mapping[str, Any]] | None = None,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem+json answer. ``facts`` must hold nothing personal."""
    known, zh, en = _TITLES.get(status, ("failed", "处理失败", "Failed"))
    body: dict[str, Any] = {
        "type": f"urn:rollcall:problem:{code or known}",
        "title": zh if language == "zh" else en,
        "status": status,
        "code": code or known,
    }
    for name, value in (("detail", detail), ("instance", instance), ("facts", facts), ("errors", errors)):
        if value:
            body[name] = value
    answer = Response(
        msgspec.json.encode(body, enc_hook=str), status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )
    answer.headers["content-language"] = language
    return answer


def refusal_problem(request: Request, refusal: Refusal) -> Response:
    """A refusal, also one kept with its command and raised again, as the same answer each time."""
    language = language_of(request)
    return problem(
        refusal.status,
        language=language,
        code=refusal.code,
        detail=refusal.zh if language == "zh" else refusal.en,
        facts=refusal.facts,
        instance=request.url.path,
        headers=refusal_headers(refusal),
    )


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """What a refusal says in headers: how to sign in, or when to come back."""
    if refusal.status == 401:
        return {"www-authenticate": "Bearer"}
    wait_seconds = refusal.facts.get("retry_after_seconds")
    return {} if wait_seconds is None else {"retry-after": str(wait_seconds)}


def away_problem(language: Language, code: str | None = None, said: tuple[str, str] = _AWAY) -> Response:
    """503 with when to come back. ``said``: Chinese and English."""
    return problem(
        503,
        language=language,
        code=code,
        detail=said[0] if language == "zh" else said[1],
        facts={"retry_after_seconds": AWAY_SECONDS},
        headers={"retry-after": str(AWAY_SECONDS)},
    )


def validation_problem(request: Request, error: RequestValidationError) -> Response:
    """Which fields are wrong and how, as JSON pointers, without the values."""
    language = language_of(request)
    errors = [
        {
            "pointer": "#/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in found["loc"]),
            "code": found["type"],
            "detail": _FIELD_ERRORS.get(found["type"], "不符合要求") if language == "zh" else _plain(found),
        }
        for found in error.errors()[:100]
    ]
    return problem(422, language=language, errors=errors, instance=request.url.path)


def _plain(found: Mapping[str, Any]) -> str:
    # A message of a rule of our own (value_error, assertion_error) may quote the value it refuses.
    return "does not meet the rule" if found["type"] in ("value_error", "assertion_error") else str(found["msg"])


def install(app: FastAPI) -> None:
    """Answer refusals, malformed requests and HTTP errors of ``app`` with problem+json."""

    async def on_refusal(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        acts: Acts | None = getattr(request.app.state, "acts", None)
        if acts is not None:
            acts.refused(request, error)
        return refusal_problem(request, error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return validation_problem(request, error)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem(
            error.status_code, language=language_of(request), instance=request.url.path, headers=error.headers
        )

    async def on_overflow(request: Request, error: Exception) -> Response:
        # A day or a number of the right type that no calendar or column reaches; the rules need not each ask for it.
        log.warning("beyond_all_bounds", failure=exception_outline(error))
        return problem(422, language=language_of(request), instance=request.url.path)

    app.add_exception_handler(OverflowError, on_overflow)
    app.add_exception_handler(Refusal, on_refusal)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
